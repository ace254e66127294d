/// Finds a mark of which nothing is known yet.
///
/// Four tones in a row name the few places of the code where they stand; what came before tells which of them is right. Each symbol that
/// fits makes a place 8 times as likely, each other one half as likely; at 2 to the 48 there are more odds than there are places and hops
/// in an hour.
enum MarkSearch {
  static let hit = 12
  static let miss = -5
  /// In quarters of a doubling.
  static let certain = 192
  private static let hopeless = 40

  /// The place that the symbols up to the newest hop name, and the hop at which the first of them ends.
  ///
  /// - Parameters:
  ///   - known: what is followed already.
  ///   - first: no symbol that ends before this hop counts.
  static func find(_ history: HopHistory, at hop: Int, besides known: Hypothesis?, notBefore first: Int) -> (Hypothesis, start: Int)? {
    guard let key = history.quadruple(hop) else { return nil }
    let index = MarkCode.index
    for entry in Int(index.starts[key])..<Int(index.starts[key + 1]) {
      let place = Int(index.places[entry])
      guard let speaker = MarkSpeaker(place >> 10) else { continue }
      let hypothesis = Hypothesis(speaker, phase: ((place & (MarkCode.symbols - 1)) << 2) - (hop - 3))
      if let known, known.speaker == speaker, abs(known.distance(to: hypothesis)) <= MarkTrack.reach { continue }
      if let start = verify(hypothesis, history, from: hop, notBefore: first) {
        return (hypothesis.moved(by: nearest(hypothesis, history, from: hop, to: start)), start)
      }
    }
    return nil
  }

  private static func verify(_ hypothesis: Hypothesis, _ history: HopHistory, from hop: Int, notBefore first: Int) -> Int? {
    var (score, best, start) = (0, 0, hop)
    var at = hop
    while at >= first, history.keeps(at) {
      if let symbol = hypothesis.symbol(endingAt: at), !MarkCode.isFaint(symbol) {
        score += history.tone(at) == MarkCode.tone(Int(hypothesis.speaker.number), symbol) ? hit : miss
        if score > best { (best, start) = (score, at) }
        if score < best - hopeless { break }
      }
      at -= 4
    }
    return best >= certain ? start : nil
  }

  /// Half a symbol too early or too late still fits: where its tones are strongest it ends. In hops by which the clock has to move.
  static func nearest(_ hypothesis: Hypothesis, _ history: HopHistory, from hop: Int, to start: Int) -> Int {
    var sums = [0, 0, 0, 0, 0]
    var at = hop - MarkCode.hopsPerSymbol
    while hypothesis.symbol(endingAt: at) == nil { at -= 1 }
    while at > start, history.keeps(at - 2) {
      if let symbol = hypothesis.symbol(endingAt: at) {
        let tone = MarkCode.tone(Int(hypothesis.speaker.number), symbol)
        for offset in -2...2 { sums[offset + 2] += history.level(at + offset, tone) }
      }
      at -= MarkCode.hopsPerSymbol
    }
    var best = 2
    for index in sums.indices where sums[index] > sums[best] { best = index }
    return 2 - best
  }
}
