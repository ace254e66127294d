import Codecs
import SansIO

/// Who speaks: one of 64.
public struct MarkSpeaker: Hashable, Sendable, Codable {
  public static let count = MarkCode.speakers
  public let number: UInt8

  /// nil beyond ``count``.
  public init?(_ number: Int) {
    guard (0..<Self.count).contains(number) else { return nil }
    self.number = UInt8(number)
  }

  /// Numbers beyond ``count`` begin anew.
  public init(wrapping number: Int) { self.number = UInt8(((number % Self.count) + Self.count) % Self.count) }
}

/// Makes the mark of a speaker: what is said is a function of who speaks and when, so that it needs no memory and can be heard from
/// anywhere on. Integers alone: every machine makes the same samples.
public struct MarkVoice: Hashable, Sendable {
  public let speaker: MarkSpeaker
  /// Peak, in parts of full scale 32,767.
  public let amplitude: Int16

  public init(_ speaker: MarkSpeaker, amplitude: Int16 = 8_000) { (self.speaker, self.amplitude) = (speaker, amplitude) }

  /// Fills a frame with what is spoken from `instant` on, at 8, 16 or 48 kHz (other rates: silence).
  public func fill(_ frame: inout AudioFrame, from instant: Instant) {
    let rate = frame.sampleRate
    guard [8_000, 16_000, 48_000].contains(rate) else {
      return frame.samples.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }
    let perSymbol = rate * 24 / 1_000
    let round = perSymbol * MarkCode.symbols
    let sinceRound = instant.nanoseconds % MarkCode.roundNanoseconds
    let start = Int(sinceRound * Int64(rate) / 1_000_000_000)
    var position = start < 0 ? start + round : start
    frame.samples.withUnsafeMutableBufferPointer { samples in
      var next = 0
      while next < samples.count {
        let (symbol, offset) = position.quotientAndRemainder(dividingBy: perSymbol)
        let count = min(samples.count - next, perSymbol - offset)
        write(UnsafeMutableBufferPointer(rebasing: samples[next..<next + count]), symbol: symbol, offset: offset, perSymbol: perSymbol)
        next += count
        position += count
        if position >= round { position -= round }
      }
    }
  }

  /// A tone begins and ends at zero, hence nothing clicks where it changes.
  private func write(_ samples: UnsafeMutableBufferPointer<Int16>, symbol: Int, offset: Int, perSymbol: Int) {
    let cycles = MarkCode.cycles(Int(MarkCode.tone(Int(speaker.number), symbol)))
    let step = cycles * (MarkWave.period / perSymbol) % MarkWave.period
    var phase = step * offset % MarkWave.period
    let level = MarkCode.isFaint(symbol) ? Int32(amplitude) / 32 : Int32(amplitude)
    MarkWave.sine.withUnsafeBufferPointer { sine in
      for index in samples.indices {
        samples[index] = Int16(truncatingIfNeeded: (Int32(sine[phase]) &* level) >> 15)
        phase &+= step
        if phase >= MarkWave.period { phase &-= MarkWave.period }
      }
    }
  }
}

/// One period of a sine in 1,152 steps: the samples of a symbol at 48 kHz, of which those at 16 and 8 kHz are every third and sixth.
enum MarkWave {
  static let period = 1_152

  static let sine: [Int16] = (0..<period).map { index in
    // Taylor series around the nearest quarter, in doubles whose operations IEEE 754 fixes; no library function takes part.
    let angle = Double(index % 288) * 0.005454153912482
    let square = angle * angle
    let sine = angle * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110)))))
    let cosine = 1 - square / 2 * (1 - square / 12 * (1 - square / 30 * (1 - square / 56 * (1 - square / 90 * (1 - square / 132)))))
    let value = [sine, cosine, -sine, -cosine][index / 288]
    return Int16(max(-32_767, min(32_767, (value * 32_767).rounded())))
  }
}
