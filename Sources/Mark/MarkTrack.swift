import SansIO

/// Follows a mark that was found.
///
/// ```
///   steady ── three symbols in a row do not fit ──► away ── two of three fit ──► steady, a gap
///                                                    │ ├── they fit a little earlier or later ──► steady, the clock jumped
///                                                    │ └── a second without any ──► over
/// ```
/// A symbol is judged one hop after its end, since how strong its tone is a hop too early and a hop too late tells where it really ends.
struct MarkTrack: Sendable {
  enum Change: Hashable, Sendable {
    /// Hops: between the end of the last symbol before and the start of the first one after.
    case gap(from: Int, to: Int)
    /// So many hops were put in, or left out; found at a hop.
    case warp(by: Int, at: Int)
    /// In thousandths of a hop, of the whole phase.
    case delay(Int, at: Int)
    case symbol(tone: UInt8, endingAt: Int)
  }

  static let reach = 8
  /// Symbols in a row without the speaker that are no mere loss.
  private static let away = 3
  private static let jumpCertain: Int8 = 60
  private static let jumpMargin: Int8 = 48
  private static let mostScore: Int8 = 96
  /// Symbols in one figure of the delay.
  private static let delaySymbols = 10

  /// Room for 2 · `reach` + 1, in place: an array would be another piece of memory to come to for each hop of each stream.
  private typealias Scores = SIMD32<Int8>

  private(set) var hypothesis: Hypothesis
  /// The hop at which the last symbol that fits ends.
  private(set) var lastHit: Int
  private var misses = 0
  /// Whether the last symbols fitted, the newest in bit 0.
  private var fits: UInt8 = 0xFF
  /// How well the places from `-reach` to `reach` hops beside it fit.
  private var scores = Scores.zero
  private var (early, late, summed) = (0, 0, 0)

  init(_ hypothesis: Hypothesis, at hop: Int) { (self.hypothesis, lastHit) = (hypothesis, hop) }

  var isAway: Bool { misses >= Self.away }

  /// Judges the symbols that end at a hop; the one after it is there already.
  mutating func judge(_ hop: Int, _ history: inout HopHistory, _ report: (Change) -> Void) {
    judgeNeighbours(hop, history)
    if let symbol = hypothesis.symbol(endingAt: hop) {
      let tone = MarkCode.tone(Int(hypothesis.speaker.number), symbol)
      judge(symbol, tone, fits: history.tone(hop) == tone, hop, &history, report)
    }
    if isAway { jump(at: hop, &history, report) }
  }

  private mutating func judge(
    _ symbol: Int, _ tone: UInt8, fits isHit: Bool, _ hop: Int, _ history: inout HopHistory, _ report: (Change) -> Void
  ) {
    guard !MarkCode.isFaint(symbol) else {
      if isHit, !isAway { lastHit = hop }
      return
    }
    fits = fits << 1 | (isHit ? 1 : 0)
    guard isHit else {
      misses += 1
      return
    }
    if isAway {
      guard let first = fits & 2 != 0 ? 4 : fits & 4 != 0 ? 8 : nil else { return }
      report(.gap(from: edge(after: lastHit, history), to: edge(before: hop - first, history)))
      history.own(hop - first, hypothesis.speaker)
    }
    (misses, lastHit) = (0, hop)
    history.own(hop, hypothesis.speaker)
    report(.symbol(tone: tone, endingAt: hop))
    measure(tone, hop, history, report)
  }

  /// A tone's energy falls by as much on either side of where its symbol ends; the difference tells how far that is from the hop.
  private mutating func measure(_ tone: UInt8, _ hop: Int, _ history: HopHistory, _ report: (Change) -> Void) {
    early += history.level(hop - 1, tone)
    late += history.level(hop + 1, tone)
    summed += 1
    guard summed == Self.delaySymbols else { return }
    // 20·log10((18 + x)/(18 − x)) is 0.965 dB, 1.603 fifths of a doubling, for each of x ms; a hop has 6.
    let offset = (late - early) * 104 / summed
    (early, late, summed) = (0, 0, 0)
    // Beyond half a hop the next one is nearer, and tells it better.
    guard abs(offset) > 600 else { return report(.delay(offset - hypothesis.phase * 1_000, at: hop)) }
    shift(by: offset > 0 ? -1 : 1)
  }

  /// Where a break begins behind a symbol that ends with a hop: a third of a symbol is enough for it to fit, so the middle of what may be
  /// is a hop before its end, and a hop behind it where the next one is faint or spoiled.
  private func edge(after hop: Int, _ history: HopHistory) -> Int {
    let next = hop + MarkCode.hopsPerSymbol
    return hop + 1 + (isFaint(next) || isTrace(next, history) ? 1 : -1)
  }

  private func edge(before hop: Int, _ history: HopHistory) -> Int {
    let last = hop - MarkCode.hopsPerSymbol
    return hop - 3 - (isFaint(last) || isTrace(last, history) ? 1 : -1)
  }

  private func isFaint(_ hop: Int) -> Bool { hypothesis.symbol(endingAt: hop).map(MarkCode.isFaint) ?? false }

  /// Whether the tone that a symbol should have is among the strong ones: what is left of it at the edge of a break.
  private func isTrace(_ hop: Int, _ history: HopHistory) -> Bool {
    guard history.keeps(hop), let symbol = hypothesis.symbol(endingAt: hop), !MarkCode.isFaint(symbol) else { return false }
    let strongest = history.tone(hop)
    guard strongest != HopHistory.nothing else { return false }
    let tone = MarkCode.tone(Int(hypothesis.speaker.number), symbol)
    return history.level(hop, tone) + 10 >= history.level(hop, strongest)
  }

  private mutating func shift(by hops: Int) {
    hypothesis = hypothesis.moved(by: hops)
    scores = .zero
  }

  private mutating func judgeNeighbours(_ hop: Int, _ history: HopHistory) {
    let tone = history.tone(hop)
    // Of four neighbours one has a symbol that ends here.
    var offset = -Self.reach
    while hypothesis.moved(by: offset).symbol(endingAt: hop) == nil { offset += 1 }
    while offset <= Self.reach {
      if let symbol = hypothesis.moved(by: offset).symbol(endingAt: hop), !MarkCode.isFaint(symbol) {
        let isHit = MarkCode.tone(Int(hypothesis.speaker.number), symbol) == tone
        let score = scores[offset + Self.reach] + Int8(isHit ? MarkSearch.hit : MarkSearch.miss)
        scores[offset + Self.reach] = max(0, min(Self.mostScore, score))
      }
      offset += 4
    }
  }

  private mutating func jump(at hop: Int, _ history: inout HopHistory, _ report: (Change) -> Void) {
    var best = 0
    for index in 0...2 * Self.reach where scores[index] > scores[best] { best = index }
    // Half a symbol beside it much fits as well.
    let isClear = scores[best] - scores[Self.reach] >= Self.jumpMargin
    guard scores[best] >= Self.jumpCertain, isClear, abs(best - Self.reach) >= 2 else { return }
    move(to: hypothesis.moved(by: best - Self.reach), at: hop, &history, report)
  }

  /// The same speaker is heard at another place of its clock.
  mutating func move(to other: Hypothesis, at hop: Int, _ history: inout HopHistory, _ report: (Change) -> Void) {
    let exact = other.moved(by: MarkSearch.nearest(other, history, from: hop, to: lastHit))
    let ahead = hypothesis.distance(to: exact)
    hypothesis = exact
    let first = backfill(hop, &history)
    if first - 3 - (lastHit + 1) > MarkCode.hopsPerSymbol * Self.away - 2 {
      report(.gap(from: edge(after: lastHit, history), to: edge(before: first, history)))
    }
    report(.warp(by: -ahead, at: first - 3))
    (misses, fits, lastHit) = (0, 0xFF, hop)
    shift(by: 0)
    (early, late, summed) = (0, 0, 0)
  }

  /// Marks the symbols that fit as the speaker's, back to the last one before. Returns the first of them.
  private func backfill(_ hop: Int, _ history: inout HopHistory) -> Int {
    var at = hop
    while hypothesis.symbol(endingAt: at) == nil { at -= 1 }
    var first = at
    var strangers = 0
    while at > lastHit, history.keeps(at), strangers < 3 {
      if let symbol = hypothesis.symbol(endingAt: at), !MarkCode.isFaint(symbol) {
        if history.tone(at) == MarkCode.tone(Int(hypothesis.speaker.number), symbol) {
          history.own(at, hypothesis.speaker)
          (first, strangers) = (at, 0)
        } else {
          strangers += 1
        }
      }
      at -= MarkCode.hopsPerSymbol
    }
    return first
  }
}
