/// The last three seconds, hop by hop: the strongest tone, how strong each was, and whose symbol it was found to be.
struct HopHistory: Sendable {
  static let size = 512
  static let nothing: UInt8 = 0xFF

  /// In one piece, since each of a thousand streams comes to its own memory anew: the strongest tones, the owners, the levels.
  private var cells = [UInt8](repeating: nothing, count: size * 18)
  private static let (owners, levels) = (size, 2 * size)
  /// Hops so far.
  private(set) var count = 0

  /// Whether a hop is kept still.
  func keeps(_ hop: Int) -> Bool { hop >= 0 && hop < count && count - hop <= Self.size }

  @inline(__always)
  func tone(_ hop: Int) -> UInt8 { cells[hop & (Self.size - 1)] }

  @inline(__always)
  func level(_ hop: Int, _ tone: UInt8) -> Int { Int(cells[Self.levels + ((hop & (Self.size - 1)) << 4 | Int(tone))]) }

  /// The levels of all tones, in their order.
  @inline(__always)
  func withLevels<Result>(_ hop: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    cells.withUnsafeBufferPointer { cells in
      let start = Self.levels + (hop & (Self.size - 1)) << 4
      return body(UnsafeBufferPointer(rebasing: cells[start..<start + 16]))
    }
  }

  func owner(_ hop: Int) -> UInt8 { cells[Self.owners + (hop & (Self.size - 1))] }

  mutating func own(_ hop: Int, _ speaker: MarkSpeaker) { cells[Self.owners + (hop & (Self.size - 1))] = speaker.number }

  /// Takes the block that the bank has just filled.
  mutating func append(from bank: inout ToneBank) {
    let slot = count & (Self.size - 1)
    cells.withUnsafeMutableBufferPointer { cells in
      let levels = Self.levels + slot << 4
      cells[slot] = bank.finishBlock(UnsafeMutableBufferPointer(rebasing: cells[levels..<levels + 16])) ?? Self.nothing
      cells[Self.owners + slot] = Self.nothing
    }
    count += 1
  }

  /// The tones of the four symbols that end with a hop, as the key of ``MarkCode/index``; nil where there is silence among them, or two
  /// neighbours that no sequence has.
  func quadruple(_ hop: Int) -> Int? {
    guard hop >= 12 else { return nil }
    let (first, second, third, fourth) = (tone(hop - 12), tone(hop - 8), tone(hop - 4), tone(hop))
    guard first != Self.nothing, second != Self.nothing, third != Self.nothing, fourth != Self.nothing else { return nil }
    guard first != second, second != third, third != fourth else { return nil }
    return Int(first) << 12 | Int(second) << 8 | Int(third) << 4 | Int(fourth)
  }
}

/// Who may be heard, and at which place of the clock: hop `h` of the signal is hop `h + phase` of the speaker's clock.
struct Hypothesis: Hashable, Sendable {
  var speaker: MarkSpeaker
  /// Below ``MarkCode/round``.
  var phase: Int

  init(_ speaker: MarkSpeaker, phase: Int) {
    self.speaker = speaker
    self.phase = phase & (MarkCode.round - 1)
  }

  /// The symbol that ends with a hop; nil where none does.
  @inline(__always)
  func symbol(endingAt hop: Int) -> Int? {
    let clock = hop &- 3 &+ phase
    return clock & 3 == 0 ? clock >> 2 & (MarkCode.symbols - 1) : nil
  }

  func moved(by hops: Int) -> Hypothesis { Hypothesis(speaker, phase: phase + hops) }

  /// By how many hops another one's clock is ahead of this one's, the shorter way round.
  func distance(to other: Hypothesis) -> Int {
    let ahead = (other.phase - phase) & (MarkCode.round - 1)
    return ahead > MarkCode.round / 2 ? ahead - MarkCode.round : ahead
  }
}
