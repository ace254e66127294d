import SansIO

/// Looks for the hearer's own mark below another sound.
///
/// Who speaks knows which tones it has said; where they are stronger than their neighbours, always so late, they come back.
struct EchoProbe: Sendable {
  /// Hops: the latest echo that is looked for, 1.2 s.
  private static let latest = 200
  /// Symbols of one look: two seconds without the faint ones.
  private static let wanted = 72
  /// Fifths of a doubling by which the tones of an echo stand out, in two looks at the same place: 6 dB, eight times what chance does.
  private static let clear = 10

  let speaker: MarkSpeaker
  /// By how late: a sum, and from bit 20 on the count of what is in it; behind them what each tone of the present hop adds.
  private var cells = [Int32](repeating: 0, count: latest + MarkCode.tones)
  private static let one: Int32 = 1 << 20
  private var hops = 0
  /// Where the last look saw one.
  private var seen: Int?

  init(_ speaker: MarkSpeaker) { self.speaker = speaker }

  /// Takes a hop; `clock`: the hop of the run's clock at its start.
  ///
  /// - Returns: how late the own mark comes, in hops; once in two seconds.
  mutating func take(_ hop: Int, clock: Int, _ history: HopHistory) -> Int? {
    // Every second hop is exact enough.
    guard clock & 1 == 1 else { return nil }
    let loudest = history.tone(hop)
    guard loudest != HopHistory.nothing else { return nil }
    hops += 1
    weigh(hop, loudest, history)
    // The symbol that ends with this hop began three hops ago.
    let begin = clock - 3
    let number = Int(speaker.number)
    cells.withUnsafeMutableBufferPointer { cells in
      var lag = begin & 3
      while lag < Self.latest {
        let symbol = (begin &- lag) >> 2 & (MarkCode.symbols - 1)
        if !MarkCode.isFaint(symbol) {
          cells[lag] &+= cells[Self.latest &+ Int(MarkCode.tone(number, symbol))]
        }
        lag &+= MarkCode.hopsPerSymbol
      }
    }
    return hops % (Self.wanted * 5 / 2) == 0 ? conclude() : nil
  }

  /// How far each tone is above the mean of all but the loudest and its neighbours, which say nothing themselves.
  private mutating func weigh(_ hop: Int, _ loudest: UInt8, _ history: HopHistory) {
    history.withLevels(hop) { levels in
      let others = (0..<MarkCode.tones).lazy.filter { abs($0 - Int(loudest)) > 1 }
      let (sum, count) = others.reduce(into: (0, 0)) { $0 = ($0.0 + Int(levels[$1]), $0.1 + 1) }
      let mean = Int32(truncatingIfNeeded: sum / max(1, count))
      for tone in 0..<MarkCode.tones {
        cells[Self.latest + tone] = abs(tone - Int(loudest)) > 1 ? Self.one + Int32(levels[tone]) - mean : 0
      }
    }
  }

  private mutating func conclude() -> Int? {
    var best: (lag: Int, mean: Int32) = (0, 0)
    for lag in 0..<Self.latest {
      // A sum is less than half a million either way.
      let count = (cells[lag] + Self.one / 2) / Self.one
      guard count >= Int32(Self.wanted / 2) else { continue }
      let mean = (cells[lag] - count * Self.one) * 16 / count
      if mean > best.mean { best = (lag, mean) }
    }
    for lag in 0..<Self.latest { cells[lag] = 0 }
    guard best.mean >= Int32(Self.clear * 16) else {
      seen = nil
      return nil
    }
    defer { seen = best.lag }
    return seen.map { abs($0 - best.lag) <= 2 } ?? false ? best.lag : nil
  }
}
