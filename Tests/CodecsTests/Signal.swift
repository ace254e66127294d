import Codecs
import Foundation

/// Something like speech, by integers alone: a voice that glides from 120 to 220 Hz with its harmonics, syllables, and a little noise.
struct Signal {
  let sampleRate: Int
  private var phase: UInt32 = 0
  private var noise: UInt32 = 0x2545_F491
  private var count = 0

  init(sampleRate: Int) { self.sampleRate = sampleRate }

  mutating func next() -> Int16 {
    let second = count % sampleRate
    let frequency = 120 + 100 * second / sampleRate
    phase &+= UInt32((UInt64(frequency) << 32) / UInt64(sampleRate))
    noise = noise &* 1_664_525 &+ 1_013_904_223
    count += 1
    // Triangles of the first, third and seventh harmonic.
    let voice = Self.triangle(phase) + Self.triangle(phase &* 3) / 2 + Self.triangle(phase &* 7) / 4
    let syllable = Self.triangle(UInt32(truncatingIfNeeded: (UInt64(count) << 32) / UInt64(sampleRate / 3))) + 16_384
    return Int16(clamping: voice * syllable / 65_536 + Int(noise >> 24) - 128)
  }

  mutating func frame(milliseconds: Int) -> AudioFrame {
    AudioFrame(samples: (0..<sampleRate * milliseconds / 1_000).map { _ in next() }, sampleRate: sampleRate)
  }

  /// −16,384 to 16,384.
  private static func triangle(_ phase: UInt32) -> Int {
    let position = Int(phase >> 16)
    return (position < 32_768 ? position : 65_536 - position) - 16_384
  }

  /// A sine as whole numbers of its own period.
  static func tone(_ frequency: Int, sampleRate: Int, milliseconds: Int) -> [Int16] {
    // sin by its recurrence: y[n] = c·y[n−1] − y[n−2].
    let angle = 2 * Double.pi * Double(frequency) / Double(sampleRate)
    var (sine, cosine, term) = (0.0, 0.0, 1.0)
    for power in 0..<24 {
      if power % 2 == 0 { cosine += power % 4 == 0 ? term : -term } else { sine += power % 4 == 1 ? term : -term }
      term *= angle / Double(power + 1)
    }
    var (last, beforeLast) = (0.0, -sine)
    return (0..<sampleRate * milliseconds / 1_000).map { _ in
      defer { (last, beforeLast) = (2 * cosine * last - beforeLast, last) }
      return Int16(last * 8_000)
    }
  }
}

/// The mean of squares.
func power(_ samples: some Collection<Int16>) -> Double {
  samples.isEmpty ? 0 : samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(samples.count)
}

/// Decibels of the signal above its difference from `found`.
func quality(_ found: some Collection<Int16>, of signal: some Collection<Int16>) -> Double {
  var (difference, sum) = (1e-9, 0.0)
  for (one, other) in zip(found, signal) {
    difference += (Double(one) - Double(other)) * (Double(one) - Double(other))
    sum += Double(other) * Double(other)
  }
  return 10 * log10(sum / difference)
}

/// How often a second a signal crosses zero upwards.
func frequency(_ samples: [Int16], sampleRate: Int) -> Double {
  let crossings = zip(samples, samples.dropFirst()).enumerated().filter { $1.0 < 0 && $1.1 >= 0 }.map(\.offset)
  guard let first = crossings.first, let last = crossings.last, last > first else { return 0 }
  return Double(crossings.count - 1) * Double(sampleRate) / Double(last - first)
}

/// FNV-1a of 64 bits.
func checksum(_ bytes: some Sequence<UInt8>) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

func octets(_ samples: [Int16]) -> [UInt8] { samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] } }
