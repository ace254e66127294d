/// Tells from a tone's third harmonic whether it was cut at the top.
///
/// What is cut on both sides has odd harmonics: a sine of twice full scale has its third 14 dB below. Codecs leave it below −30 dB.
struct ClippingGauge: Sendable {
  /// Tones whose third harmonic lies below 3.8 kHz.
  private static let highest = 8
  private static let wanted = 16
  /// Decibels: above it is clipped.
  private static let limit = -24

  private var sum = 0
  private var count = 0

  /// From a level of ``ToneBank``, whose waves are lower and whose sums are cut less, to one of the sums here: two doublings of the energy.
  private static let scale = 10

  /// Takes a symbol, block by block in the bank's samples.
  ///
  /// - Parameter level: of the tone itself, as the bank has it.
  /// - Returns: how far the harmonic is from the tone, in decibels, where it is clipped; once in 16 symbols.
  mutating func take(_ tone: UInt8, endingAt hop: Int, level: Int, _ samples: [Int16]) -> Int? {
    guard tone <= Self.highest else { return nil }
    let cycles = MarkCode.cycles(Int(tone))
    sum += Int(Self.level(3 * cycles, hop, samples)) - (level + Self.scale)
    count += 1
    guard count == Self.wanted else { return nil }
    // A fifth of a doubling is 0.602 dB.
    let decibels = sum * 602 / (count * 1_000)
    (sum, count) = (0, 0)
    return decibels > Self.limit ? decibels : nil
  }

  private static func level(_ cycles: Int, _ hop: Int, _ samples: [Int16]) -> UInt8 {
    let step = cycles * 6
    var (real, imaginary): (Int64, Int64) = (0, 0)
    var phase = 0
    samples.withUnsafeBufferPointer { samples in
      MarkWave.sine.withUnsafeBufferPointer { sine in
        for block in hop - 3...hop {
          let base = (block & (ToneBank.keptBlocks - 1)) * ToneBank.blockSize
          for index in 0..<ToneBank.blockSize {
            let value = Int64(samples[base &+ index])
            imaginary &+= value &* Int64(sine[phase])
            real &+= value &* Int64(sine[phase >= 864 ? phase &- 864 : phase &+ 288])
            phase &+= step
            while phase >= MarkWave.period { phase &-= MarkWave.period }
          }
        }
      }
    }
    (real, imaginary) = (real >> 12, imaginary >> 12)
    return ToneBank.level(real &* real &+ imaginary &* imaginary)
  }
}
