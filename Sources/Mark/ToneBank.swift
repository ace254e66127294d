/// How much of each of the mark's tones is in a signal of 8 kHz: each 6 ms, over the last 24.
///
/// A discrete Fourier transform on sixteen bins, block by block: a block's sums are turned by its place and added to those of the three
/// before it. In integers.
struct ToneBank: Sendable {
  static let blockSize = 48
  /// Blocks whose samples are kept, for a closer look.
  static let keptBlocks = 8
  private static let totals = 4 * 32
  /// Below −66 dB of full scale there is nothing to hear.
  private static let floor: Int64 = 16 * 16

  /// Sums of the last four blocks, sixteen cosines, then sixteen sines; behind them their totals.
  private var sums = [Int32](repeating: 0, count: 5 * 32)
  /// Mean squares of the last four blocks.
  private var powers: (Int64, Int64, Int64, Int64) = (0, 0, 0, 0)
  /// The last samples: block `n` is at `n % keptBlocks`.
  private(set) var samples = [Int16](repeating: 0, count: keptBlocks * blockSize)
  private var filled = 0
  /// Blocks so far.
  private(set) var blocks = 0

  /// Takes as many samples as the block has room for.
  ///
  /// - Returns: how many it took, and whether the block is full.
  @inline(__always)
  mutating func take(_ source: UnsafeBufferPointer<Int16>, from start: Int) -> (count: Int, isFull: Bool) {
    let count = min(Self.blockSize - filled, source.count - start)
    let base = (blocks % Self.keptBlocks) * Self.blockSize + filled
    samples.withUnsafeMutableBufferPointer { samples in
      for index in 0..<count { samples[base &+ index] = source[start &+ index] }
    }
    filled += count
    guard filled == Self.blockSize else { return (count, false) }
    filled = 0
    return (count, true)
  }

  /// What the last four blocks hold, after one that is full.
  ///
  /// - Parameter levels: sixteen places for the tones' energies, in fifths of a doubling.
  /// - Returns: the strongest tone; nil where there is nothing to hear.
  mutating func finishBlock(_ levels: UnsafeMutableBufferPointer<UInt8>) -> UInt8? {
    let slot = blocks % 4 * 32
    let base = blocks % Self.keptBlocks * Self.blockSize
    let isOdd = blocks % 2 == 1
    blocks += 1
    samples.withUnsafeBufferPointer { samples in
      let block = UnsafeBufferPointer(rebasing: samples[base..<base + Self.blockSize])
      powers = (powers.1, powers.2, powers.3, Self.power(block))
      sums.withUnsafeMutableBufferPointer { sums in
        let totals = UnsafeMutableBufferPointer(rebasing: sums[Self.totals..<Self.totals + 32])
        Self.transform(block, UnsafeMutableBufferPointer(rebasing: sums[slot..<slot + 32]), totals, isOdd: isOdd)
      }
    }
    guard powers.0 + powers.1 + powers.2 + powers.3 >= 4 * Self.floor else {
      for tone in 0..<16 { levels[tone] = 0 }
      return nil
    }
    return sums.withUnsafeBufferPointer { Self.strongest(UnsafeBufferPointer(rebasing: $0[Self.totals..<Self.totals + 32]), levels) }
  }

  private static func power(_ block: UnsafeBufferPointer<Int16>) -> Int64 {
    var sum: Int64 = 0
    for index in 0..<blockSize {
      let value = Int64(block[index])
      sum &+= value &* value
    }
    return sum / Int64(blockSize)
  }

  /// A tone with an odd number of double periods in a symbol turns by a half from block to block.
  private static func transform(
    _ block: UnsafeBufferPointer<Int16>, _ sums: UnsafeMutableBufferPointer<Int32>, _ totals: UnsafeMutableBufferPointer<Int32>,
    isOdd: Bool
  ) {
    waves.withUnsafeBufferPointer { waves in
      for row in 0..<32 {
        var sum: Int32 = 0
        let wave = row &* blockSize
        for index in 0..<blockSize { sum &+= Int32(block[index]) &* Int32(waves[wave &+ index]) }
        sum >>= 8
        if isOdd, row & 1 == 1 { sum = 0 &- sum }
        totals[row] = totals[row] &- sums[row] &+ sum
        sums[row] = sum
      }
    }
  }

  private static func strongest(_ totals: UnsafeBufferPointer<Int32>, _ levels: UnsafeMutableBufferPointer<UInt8>) -> UInt8 {
    var best: Int64 = -1
    var strongest: UInt8 = 0
    for tone in 0..<16 {
      let (real, imaginary) = (Int64(totals[tone]), Int64(totals[tone &+ 16]))
      let energy = real &* real &+ imaginary &* imaginary
      levels[tone] = level(energy)
      if energy > best { (best, strongest) = (energy, UInt8(truncatingIfNeeded: tone)) }
    }
    return strongest
  }

  /// Five times the logarithm to base 2, its fraction by a straight line.
  @inline(__always)
  static func level(_ energy: Int64) -> UInt8 {
    guard energy > 0 else { return 0 }
    let exponent = 63 &- energy.leadingZeroBitCount
    let fraction = exponent >= 4 ? Int(energy >> Int64(exponent &- 4)) & 15 : 0
    return UInt8(truncatingIfNeeded: min(255, ((exponent << 4 | fraction) &* 5) >> 4))
  }

  /// What the samples of a block are multiplied by: 32 rows, in parts of 1,023, so that 48 products fit 32 bits.
  private static let waves: [Int16] = (0..<32).flatMap { row in
    let step = MarkCode.cycles(row % 16) * 6
    let quarter = row < 16 ? MarkWave.period / 4 : 0
    return (0..<blockSize).map { Int16(Int32(MarkWave.sine[(step * $0 + quarter) % MarkWave.period]) * 1_023 / 32_767) }
  }
}
