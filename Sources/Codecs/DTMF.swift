/// The two tones of each key (ITU-T Q.23), by the number of its telephone-event: 0–9, `*`, `#`, A–D.
public enum DTMF {
  /// Hertz, by row and by column of a keypad.
  public static let (low, high) = ([697, 770, 852, 941], [1_209, 1_336, 1_477, 1_633])

  /// Where each key stands: four times its row, plus its column.
  private static let places: [Int] = [13, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 14, 3, 7, 11, 15]
  private static let codes: [UInt8] = (0..<16).map { place in UInt8(places.firstIndex(of: place) ?? 0) }

  /// nil for what is no key with tones.
  public static func frequencies(_ code: UInt8) -> (low: Int, high: Int)? {
    guard Int(code) < places.count else { return nil }
    return (low[places[Int(code)] / 4], high[places[Int(code)] % 4])
  }

  static func code(row: Int, column: Int) -> UInt8 { codes[row * 4 + column] }
}

/// Finds the digits of ITU-T Q.23 in audio, as ITU-T Q.24 asks it of exchanges.
///
/// ```
///   silent ── two blocks with the same key ──► sounding(key) ── two blocks without it: the digit is reported ──► silent
/// ```
/// A block lasts 12.75 ms and is looked at by its discrete Fourier transform at each of the eight frequencies. A key sounds where one row
/// and one column stand out of the others by 8 dB, both are above −39 dBm0, their twist is between −4 and +8 dB, and they hold most energy
/// of the block: speech and music hold other frequencies beside them.
///
/// While nothing sounds every second block is kept unseen, and is looked at when the next one holds a key: a digit has two blocks in a row
/// at least, so that none is missed and silence costs half.
public struct DTMFDetector: Hashable, Sendable {
  /// A key that was heard.
  public struct Found: Hashable, Sendable {
    /// The number of its telephone-event.
    public var code: UInt8
    /// By whole blocks.
    public var milliseconds: Int
    /// Samples from the detector's beginning to that of the key.
    public var begin: Int
  }

  private enum State: Hashable, Sendable {
    case silent
    case heardOnce(UInt8)
    /// Blocks with it, and those without it since the last.
    case sounding(UInt8, blocks: Int, misses: Int)
  }

  public let sampleRate: Int
  private let blockSize: Int
  /// What each sample of a block is multiplied by: eight cosines, eight sines.
  private let waves: [SIMD16<Float>]
  private var block: [Int16]
  private var unseen: [Int16]
  private var hasUnseen = false
  private var count = 0
  private var blocks = 0
  private var state = State.silent

  private static let blockSizeAt8000 = 102
  /// The least power of one tone: (amplitude / 2)² with an amplitude of 240, which is −42 dB of full scale.
  private static let leastPower: Float = 14_400
  private static let (most, forward, reverse): (Float, Float, Float) = (6.3, 6.3, 2.5)
  /// Of the whole energy: two pure tones have all of it, and at 1.5 % beside their frequencies two thirds (ITU-T Q.24).
  private static let leastShare: Float = 0.62

  public init(sampleRate: Int) {
    self.sampleRate = sampleRate
    blockSize = max(1, sampleRate * Self.blockSizeAt8000 / 8_000)
    waves = sampleRate == 8_000 ? Self.narrowWaves : Self.waves(sampleRate, blockSize)
    block = [Int16](repeating: 0, count: blockSize)
    unseen = block
  }

  /// Those of most streams, once.
  private static let narrowWaves = waves(8_000, blockSizeAt8000)

  private static func waves(_ sampleRate: Int, _ count: Int) -> [SIMD16<Float>] {
    let cosines = (DTMF.low + DTMF.high).map { cosine(2 * Double.pi * Double($0) / Double(sampleRate)) }
    let sines = cosines.map { (1 - $0 * $0).squareRoot() }
    var (real, imaginary) = ([Double](repeating: 1, count: 8), [Double](repeating: 0, count: 8))
    return (0..<count).map { _ in
      var wave = SIMD16<Float>()
      for tone in 0..<8 {
        (wave[tone], wave[tone + 8]) = (Float(real[tone]), Float(imaginary[tone]))
        let (before, cosine, sine) = (real[tone], cosines[tone], sines[tone])
        real[tone] = before * cosine - imaginary[tone] * sine
        imaginary[tone] = imaginary[tone] * cosine + before * sine
      }
      return wave
    }
  }

  /// By its series, in doubles whose operations IEEE 754 fixes: every machine has the same filters. Angles here are below 1.3.
  private static func cosine(_ angle: Double) -> Double {
    var (term, sum) = (1.0, 1.0)
    for index in 1...12 {
      term *= -angle * angle / Double((2 * index - 1) * (2 * index))
      sum += term
    }
    return sum
  }

  /// Takes samples in their order.
  public mutating func receive(_ samples: [Int16], _ report: (Found) -> Void) {
    var position = 0
    while position < samples.count {
      let (part, filled) = (min(samples.count - position, blockSize - count), count)
      block.withUnsafeMutableBufferPointer { block in
        samples.withUnsafeBufferPointer { samples in
          for index in 0..<part { block[filled &+ index] = samples[position &+ index] }
        }
      }
      count += part
      position += part
      if count == blockSize { endBlock(report) }
    }
  }

  /// Nothing more comes: what sounds is over.
  public mutating func finish(_ report: (Found) -> Void) {
    if case .sounding(let code, let heard, let misses) = state { end(code, heard, misses, report) }
    state = .silent
  }

  private mutating func endBlock(_ report: (Found) -> Void) {
    count = 0
    blocks += 1
    if state == .silent, !hasUnseen {
      swap(&block, &unseen)
      hasUnseen = true
      return
    }
    let key = block.withUnsafeBufferPointer(judge)
    if hasUnseen, state == .silent, key != nil, let before = unseen.withUnsafeBufferPointer(judge) { state = .heardOnce(before) }
    hasUnseen = false
    take(key, report)
  }

  private mutating func take(_ key: UInt8?, _ report: (Found) -> Void) {
    switch (state, key) {
    case (.silent, let key?): state = .heardOnce(key)
    case (.silent, nil), (.heardOnce, nil): state = .silent
    case (.heardOnce(let before), let key?): state = before == key ? .sounding(key, blocks: 2, misses: 0) : .heardOnce(key)
    case (.sounding(let code, let heard, let misses), let key) where key == code:
      state = .sounding(code, blocks: heard + misses + 1, misses: 0)
    case (.sounding(let code, let heard, 0), _): state = .sounding(code, blocks: heard, misses: 1)
    case (.sounding(let code, let heard, let misses), let key):
      end(code, heard, misses + 1, report)
      state = key.map { .heardOnce($0) } ?? .silent
    }
  }

  private func end(_ code: UInt8, _ heard: Int, _ misses: Int, _ report: (Found) -> Void) {
    let begin = (blocks - heard - misses) * blockSize
    report(Found(code: code, milliseconds: heard * blockSize * 1_000 / sampleRate, begin: max(0, begin)))
  }

  /// The key that a block holds; nil where it holds none.
  private func judge(_ block: UnsafeBufferPointer<Int16>) -> UInt8? {
    let energy = Self.energy(block)
    // No tone has more than all of it: most silence ends here.
    guard energy >= Self.leastPower * Float(blockSize) else { return nil }
    let sums = waves.withUnsafeBufferPointer { waves in
      var sums = SIMD16<Float>()
      for index in block.indices { sums += waves[index] * Float(block[index]) }
      return sums
    }
    let power = sums.lowHalf * sums.lowHalf + sums.highHalf * sums.highHalf
    let (row, column) = (Self.strongest(power, 0), Self.strongest(power, 4))
    let (low, high) = (power[row], power[column + 4])
    let scale = Float(blockSize) * Float(blockSize)
    guard low >= Self.leastPower * scale, high >= Self.leastPower * scale else { return nil }
    guard high <= low * Self.forward, low <= high * Self.reverse else { return nil }
    for index in 0..<4 {
      if index != row, power[index] * Self.most > low { return nil }
      if index != column, power[index + 4] * Self.most > high { return nil }
    }
    guard 2 * (low + high) >= Self.leastShare * energy * Float(blockSize) else { return nil }
    return DTMF.code(row: row, column: column)
  }

  private static func energy(_ block: UnsafeBufferPointer<Int16>) -> Float {
    var sum: Int64 = 0
    for index in block.indices {
      let value = Int32(block[index])
      sum &+= Int64(value &* value)
    }
    return Float(sum)
  }

  private static func strongest(_ power: SIMD8<Float>, _ first: Int) -> Int {
    var best = 0
    for index in 1..<4 where power[first + index] > power[first + best] { best = index }
    return best
  }
}
