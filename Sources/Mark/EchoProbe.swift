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
  private var sums = [Int32](repeating: 0, count: latest)
  private var counts = [Int32](repeating: 0, count: latest)
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
    let mean = history.meanLevel(hop, besides: loudest)
    // The symbol that ends with this hop began three hops ago.
    let begin = clock - 3
    let number = Int(speaker.number)
    sums.withUnsafeMutableBufferPointer { sums in
      counts.withUnsafeMutableBufferPointer { counts in
        var lag = begin & 3
        while lag < Self.latest {
          let symbol = (begin - lag) >> 2 & (MarkCode.symbols - 1)
          let tone = MarkCode.tone(number, symbol)
          if !MarkCode.isFaint(symbol), abs(Int(tone) - Int(loudest)) > 1 {
            sums[lag] &+= Int32(truncatingIfNeeded: history.level(hop, tone) - mean)
            counts[lag] &+= 1
          }
          lag += MarkCode.hopsPerSymbol
        }
      }
    }
    return hops % (Self.wanted * 5 / 2) == 0 ? conclude() : nil
  }

  private mutating func conclude() -> Int? {
    var best: (lag: Int, mean: Int32) = (0, 0)
    for lag in sums.indices where counts[lag] >= Int32(Self.wanted / 2) {
      let mean = sums[lag] * 16 / counts[lag]
      if mean > best.mean { best = (lag, mean) }
    }
    for lag in sums.indices { (sums[lag], counts[lag]) = (0, 0) }
    guard best.mean >= Int32(Self.clear * 16) else {
      seen = nil
      return nil
    }
    defer { seen = best.lag }
    return seen.map { abs($0 - best.lag) <= 2 } ?? false ? best.lag : nil
  }
}
