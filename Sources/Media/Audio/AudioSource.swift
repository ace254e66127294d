import Codecs
import SansIO

/// Where a stream's audio comes from.
protocol AudioSource: Sendable {
  /// Fills a frame of the size and rate that it has with the samples that come next.
  mutating func fill(_ frame: inout AudioFrame)
  /// Passes over as many samples as the frame has, for time in which nothing is sent.
  mutating func skip(_ frame: AudioFrame)
}

/// Nothing to say.
struct SilentSource: AudioSource {
  mutating func fill(_ frame: inout AudioFrame) {
    frame.samples.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
  }

  mutating func skip(_ frame: AudioFrame) {}
}

/// Makes a tone's samples with integers alone, so that every machine makes the same ones.
struct ToneSource: AudioSource {
  private let frequency: UInt32
  private var sampleRate: Int
  private var step: UInt32
  private let amplitude: Int32
  private var phase: UInt32 = 0

  init(_ tone: Tone, sampleRate: Int) {
    frequency = UInt32(clamping: tone.frequency)
    self.sampleRate = sampleRate
    step = Self.step(frequency, sampleRate)
    amplitude = Int32(tone.amplitude)
  }

  private static func step(_ frequency: UInt32, _ sampleRate: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: (UInt64(frequency) << 32) / UInt64(max(1, sampleRate)))
  }

  /// The pitch stays when the codec changes.
  private mutating func tune(to rate: Int) {
    guard rate != sampleRate else { return }
    (sampleRate, step) = (rate, Self.step(frequency, rate))
  }

  mutating func next() -> Int16 {
    let value = SineTable.values[Int(phase >> 22)]
    phase &+= step
    return Int16(truncatingIfNeeded: (Int32(value) * amplitude) >> 15)
  }

  mutating func fill(_ frame: inout AudioFrame) {
    tune(to: frame.sampleRate)
    frame.samples.withUnsafeMutableBufferPointer { samples in
      for index in samples.indices { samples[index] = next() }
    }
  }

  mutating func skip(_ frame: AudioFrame) {
    tune(to: frame.sampleRate)
    phase &+= step &* UInt32(truncatingIfNeeded: frame.samples.count)
  }
}

/// One period of a sine in 1,024 steps of 16 bits, by the rotation of an integer vector with 62-bit fractions.
private enum SineTable {
  static let values: [Int16] = (0..<1_024).map { index in
    // Taylor series around the nearest quarter, in doubles whose operations IEEE 754 fixes; no library function takes part.
    let quarter = index / 256
    let angle = Double(index % 256) * 0.006135923151542565
    let square = angle * angle
    let sine = angle * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110)))))
    let cosine = 1 - square / 2 * (1 - square / 12 * (1 - square / 30 * (1 - square / 56 * (1 - square / 90 * (1 - square / 132)))))
    let value = [sine, cosine, -sine, -cosine][quarter]
    return Int16(max(-32_767, min(32_767, (value * 32_767).rounded())))
  }
}
