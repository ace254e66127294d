import Codecs

#if canImport(Glibc)
  import Glibc
#endif

/// Finds the one sine tone that a signal consists of, if it does.
///
/// Windows of 40 ms. In a pure tone every sample is x[n] = c·x[n−1] − x[n−2] with c = 2·cos ω; the c of least squares gives the frequency,
/// and what the equation leaves over tells whether it was one tone at all: the residue of G.711's own noise is far below that of speech.
/// Audio of more than 8 kHz is brought to that rate first, by means of neighbours: with more samples a period, the noise of a codec would
/// hide the curve of the sine; and since G.722 and Opus leave more noise than G.711, the phase of the found tone corrects its frequency.
/// Three windows in a row make a tone, five without it end it, so that a lost packet does neither.
struct ToneDetector: Sendable {
  enum Change: Hashable, Sendable {
    case began(frequency: Int)
    case ended
  }

  let sampleRate: Int
  private let windowSize: Int
  private var window: [Int16] = []
  /// The window at 8 kHz, where that is not its own rate.
  private var narrow: [Int16] = []
  /// Samples for one at 8 kHz.
  private let step: Int
  private var candidate = 0
  private var hits = 0
  private var misses = 0
  private(set) var frequency: Int?

  init(sampleRate: Int) {
    self.sampleRate = sampleRate
    windowSize = sampleRate / 25
    step = max(1, sampleRate / 8_000)
    window.reserveCapacity(windowSize)
  }

  /// Takes samples; what changed, which is rarely anything.
  mutating func receive(_ sample: Int16) -> Change? {
    window.append(sample)
    guard window.count == windowSize else { return nil }
    defer { window.removeAll(keepingCapacity: true) }
    return judge(found())
  }

  /// The tone of a full window.
  private mutating func found() -> Int? {
    guard step > 1 else { return Self.frequency(window, sampleRate: sampleRate) }
    narrow.removeAll(keepingCapacity: true)
    for start in stride(from: 0, through: window.count - step, by: step) {
      var sum = 0
      for index in start..<start + step { sum += Int(window[index]) }
      narrow.append(Int16(truncatingIfNeeded: sum / step))
    }
    return Self.frequency(narrow, sampleRate: sampleRate / step, isNoisy: true)
  }

  /// A tone sounds, or seems to begin.
  var isBusy: Bool { frequency != nil || hits > 0 }

  /// What comes now is no tone: the next one begins with a window of its own.
  mutating func skip() { if !window.isEmpty { window.removeAll(keepingCapacity: true) } }

  /// Takes samples in one go.
  mutating func receive(_ samples: [Int16], _ report: (Change) -> Void) {
    var start = 0
    while start < samples.count {
      let end = min(samples.count, start + windowSize - window.count)
      samples.withUnsafeBufferPointer { window.append(contentsOf: UnsafeBufferPointer(rebasing: $0[start..<end])) }
      start = end
      guard window.count == windowSize else { return }
      if let change = judge(found()) { report(change) }
      window.removeAll(keepingCapacity: true)
    }
  }

  private mutating func judge(_ found: Int?) -> Change? {
    if let found, abs(found - (frequency ?? candidate)) <= max(5, found / 50) {
      misses = 0
      hits += 1
      guard frequency == nil, hits >= 3 else { return nil }
      frequency = found
      return .began(frequency: found)
    }
    misses += 1
    if frequency == nil {
      (candidate, hits) = (found ?? 0, found == nil ? 0 : 1)
    } else if misses >= 5 {
      (frequency, candidate, hits) = (nil, found ?? 0, 0)
      return .ended
    }
    return nil
  }

  /// The tone's frequency in hertz; nil for silence, noise and speech.
  ///
  /// - Parameter isNoisy: the codec leaves noise that bends the estimate.
  static func frequency(_ samples: [Int16], sampleRate: Int, isNoisy: Bool = false) -> Int? {
    // Most of what is listened to is silence, which is told faster than its energy is.
    guard let range = samples.withUnsafeBufferPointer(\.extremes), range.least < -100 || range.greatest > 100 else { return nil }
    let (energy, product) = samples.withUnsafeBufferPointer { products($0) }
    // Below −50 dB of full scale there is nothing to name.
    guard energy > Int64(samples.count) * 10_000 else { return nil }
    let coefficient = Double(product) / Double(energy)
    guard abs(coefficient) < 2 else { return nil }
    var angle = acos(coefficient / 2)
    if isNoisy { for part in [8, 4, 2] { angle += turn(samples, angle: angle, part: samples.count / part) } }
    guard share(samples, angle: angle) >= 0.9 else { return nil }
    return Int((angle * Double(sampleRate) / (2 * Double.pi)).rounded())
  }

  /// The energy of all samples but the outer two, and what each of them makes with the sum of its neighbours.
  private static func products(_ samples: UnsafeBufferPointer<Int16>) -> (energy: Int64, product: Int64) {
    // 16 bits by 16 bits fit 32, which a processor does four at a time; their halves are summed apart, so that the sums fit as well.
    var (energyHigh, energyLow, pairsHigh, pairsLow): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    for index in 1..<samples.count - 1 {
      let middle = Int32(samples[index])
      let (square, pair) = (middle &* middle, middle &* Int32(samples[index &+ 1]))
      (energyHigh, energyLow) = (energyHigh &+ square >> 16, energyLow &+ square & 0xFFFF)
      (pairsHigh, pairsLow) = (pairsHigh &+ pair >> 16, pairsLow &+ pair & 0xFFFF)
    }
    let (energy, pairs) = (Int64(energyHigh) << 16 + Int64(energyLow), Int64(pairsHigh) << 16 + Int64(pairsLow))
    // Each pair counts for both of its samples, but those with the outer ones.
    let (first, last) = (Int64(samples[0]) * Int64(samples[1]), Int64(samples[samples.count - 2]) * Int64(samples[samples.count - 1]))
    return (energy, 2 * pairs + first - last)
  }

  /// By how much a sample the phase runs away from a tone of `angle`: the mean turn from each part of the signal to the next.
  private static func turn(_ samples: [Int16], angle: Double, part: Int) -> Double {
    guard part > 0 else { return 0 }
    let (cosine, sine) = (cos(angle), sin(angle))
    var (turned, crossed) = (0.0, 0.0)
    var last: (Double, Double)?
    var (c, s) = (1.0, 0.0)
    var (real, imaginary) = (0.0, 0.0)
    for index in 0..<samples.count / part * part {
      let value = Double(samples[index])
      (real, imaginary) = (real + value * c, imaginary - value * s)
      (c, s) = (c * cosine - s * sine, s * cosine + c * sine)
      guard (index + 1) % part == 0 else { continue }
      if let (before, beforeImaginary) = last {
        turned += real * before + imaginary * beforeImaginary
        crossed += imaginary * before - real * beforeImaginary
      }
      last = (real, imaginary)
      (real, imaginary) = (0, 0)
    }
    return atan2(crossed, turned) / Double(part)
  }

  /// Which part of the signal's energy lies at one frequency: its discrete Fourier transform there, in four sums side by side, each of
  /// every fourth sample.
  private static func share(_ samples: [Int16], angle: Double) -> Double {
    var (real, imaginary, energy) = (SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero)
    var cosine = SIMD4<Float>(1, Float(cos(angle)), Float(cos(2 * angle)), Float(cos(3 * angle)))
    var sine = SIMD4<Float>(0, Float(sin(angle)), Float(sin(2 * angle)), Float(sin(3 * angle)))
    let (turn, across) = (SIMD4(repeating: Float(cos(4 * angle))), SIMD4(repeating: Float(sin(4 * angle))))
    let whole = samples.count / 4 * 4
    samples.withUnsafeBufferPointer { samples in
      var index = 0
      while index < whole {
        let value = SIMD4<Float>(SIMD4(samples[index], samples[index &+ 1], samples[index &+ 2], samples[index &+ 3]))
        real += value * cosine
        imaginary += value * sine
        energy += value * value
        (cosine, sine) = (cosine * turn - sine * across, sine * turn + cosine * across)
        index &+= 4
      }
    }
    let (all, power) = (Double(energy.sum()), Double(real.sum() * real.sum() + imaginary.sum() * imaginary.sum()))
    return all == 0 ? 0 : 2 * power / (Double(whole) * all)
  }
}
