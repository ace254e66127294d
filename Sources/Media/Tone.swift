import Codecs
import SDP
import SansIO

/// A sine tone.
public struct Tone: Hashable, Sendable, Codable {
  /// Hertz, below half of the codec's sampling rate.
  public var frequency: Int
  /// Peak, in parts of full scale 32,767.
  public var amplitude: Int16

  public init(frequency: Int, amplitude: Int16 = 8_000) {
    self.frequency = frequency
    self.amplitude = amplitude
  }
}

/// Makes a tone's samples with integers alone, so that every machine makes the same ones.
struct ToneGenerator: Sendable {
  private let step: UInt32
  private let amplitude: Int32
  private var phase: UInt32 = 0

  init(_ tone: Tone, sampleRate: Int) {
    step = UInt32(truncatingIfNeeded: (UInt64(max(0, tone.frequency)) << 32) / UInt64(sampleRate))
    amplitude = Int32(tone.amplitude)
  }

  mutating func next() -> Int16 {
    let value = SineTable.values[Int(phase >> 22)]
    phase &+= step
    return Int16(truncatingIfNeeded: (Int32(value) * amplitude) >> 15)
  }

  /// Passes over samples without making them.
  mutating func skip(_ count: Int) { phase &+= step &* UInt32(truncatingIfNeeded: count) }
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

/// A tone as G.711 payload, for packets that no session sends.
public struct ToneSpeech: Sendable {
  private var generator: ToneGenerator
  private let law: G711.Law

  public init(_ tone: Tone, codec: AudioCodec) {
    generator = ToneGenerator(tone, sampleRate: 8_000)
    law = codec == .pcma ? .a : .mu
  }

  /// The next samples at 8 kHz, one byte each.
  public mutating func next(_ count: Int) -> Bytes { Bytes((0..<count).map { _ in G711.encode(generator.next(), law) }) }
}
