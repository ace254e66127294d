import Codecs
import SansIO

/// The ear that knows marks: takes frames of audio and says who is heard, when, and how late.
///
/// It follows one speaker at a time, the loudest. What it says of a second is said a second later.
public struct MarkDetector: Sendable {
  /// Hops after the end of a second until it is judged.
  private static let patience = 167

  private var timeline = Timeline()
  private var reducer: RateReducer?
  private var reduced: [Int16] = []
  private var ear = MarkEar()
  private var notices: [MarkEar.Notice] = []
  /// The second that is judged next, since the first sample.
  private var second = 0
  private var clipping = ClippingGauge()
  private var rates = RateProbe()
  private var echo: EchoProbe?

  /// - Parameter own: the mark of the hearer, which may come back to it as an echo.
  public init(own: MarkSpeaker? = nil) { echo = own.map { EchoProbe($0) } }

  /// Whether a mark is heard at this moment.
  public var isHearing: Bool { ear.track?.isAway == false }

  /// The hearer speaks with this mark from now on.
  public mutating func listenForEcho(of own: MarkSpeaker) { if echo?.speaker != own { echo = EchoProbe(own) } }

  /// Takes a frame of 8, 16 or 48 kHz.
  public mutating func take(_ frame: AudioFrame, _ findings: inout [MarkFinding]) {
    let factor = frame.sampleRate / 8_000
    guard factor >= 1, frame.sampleRate % 8_000 == 0 else { return }
    fill(timeline.take(frame), &findings)
    if let (speaker, speed) = rates.take(frame) { findings.append(.wrongRate(speaker, speed, at: frame.time)) }
    guard factor > 1 else { return frame.samples.withUnsafeBufferPointer { hear($0, &findings) } }
    if reducer?.factor != factor { reducer = RateReducer(factor: factor) }
    frame.samples.withUnsafeBufferPointer { reducer?.reduce($0, into: &reduced) }
    let samples = reduced
    samples.withUnsafeBufferPointer { hear($0, &findings) }
  }

  /// The signal has ended.
  public mutating func finish(_ findings: inout [MarkFinding]) {
    ear.finish(&notices)
    for notice in notices { tell(notice, &findings) }
    notices.removeAll()
    while secondEnd <= ear.hops { judgeSecond(&findings) }
  }

  /// Silence in a hole.
  private mutating func fill(_ hole: Int64, _ findings: inout [MarkFinding]) {
    guard hole > 0 else { return }
    let filled = min(hole, Timeline.longest)
    let silence = [Int16](repeating: 0, count: Int(filled / 125_000))
    silence.withUnsafeBufferPointer { hear($0, &findings) }
    timeline.pass(hole - Int64(silence.count) * 125_000)
  }

  private mutating func hear(_ samples: UnsafeBufferPointer<Int16>, _ findings: inout [MarkFinding]) {
    var next = 0
    while next < samples.count {
      let isHop: Bool
      (next, isHop) = ear.take(samples, from: next, &notices)
      guard isHop else { return }
      if !notices.isEmpty {
        for notice in notices { tell(notice, &findings) }
        notices.removeAll(keepingCapacity: true)
      }
      look(&findings)
      if ear.hops >= secondEnd + Self.patience { judgeSecond(&findings) }
    }
  }

  /// What else there is in a new hop.
  private mutating func look(_ findings: inout [MarkFinding]) {
    let hop = ear.hops - 1
    let isMarked = ear.track.map { !$0.isAway } ?? false
    rates.hop(ear.hops, isSound: ear.history.tone(hop) != HopHistory.nothing, isMarked: isMarked)
    guard let speaker = echo?.speaker, ear.track?.hypothesis.speaker != speaker else { return }
    let anchor = timeline.anchor ?? 0
    let clock = Int(anchor / MarkCode.hopNanoseconds) + hop
    guard let lag = echo?.take(hop, clock: clock, ear.history) else { return }
    let late = Int64(lag) * MarkCode.hopNanoseconds + anchor % MarkCode.hopNanoseconds
    findings.append(.echo(speaker, late, at: timeline.instant(hop: hop)))
  }

  private mutating func tell(_ notice: MarkEar.Notice, _ findings: inout [MarkFinding]) {
    switch notice {
    case .began(let speaker, let hop): findings.append(.began(speaker, at: timeline.instant(hop: hop)))
    case .ended(let speaker, let hop): findings.append(.ended(speaker, at: timeline.instant(hop: hop)))
    case .changed(let speaker, let change): tell(change, of: speaker, &findings)
    }
  }

  private mutating func tell(_ change: MarkTrack.Change, of speaker: MarkSpeaker, _ findings: inout [MarkFinding]) {
    switch change {
    case .gap(let start, let end):
      findings.append(.gap(speaker, from: timeline.instant(hop: start), to: timeline.instant(hop: end)))
    case .warp(let hops, let hop):
      findings.append(.warp(speaker, by: Int64(hops) * MarkCode.hopNanoseconds, at: timeline.instant(hop: hop)))
    case .delay(let thousandths, let hop):
      let late = Self.wrapped((timeline.anchor ?? 0) + Int64(thousandths) * (MarkCode.hopNanoseconds / 1_000))
      findings.append(.delay(speaker, late, at: timeline.instant(hop: hop)))
      if speaker == echo?.speaker { findings.append(.echo(speaker, late, at: timeline.instant(hop: hop))) }
    case .symbol(let tone, let hop):
      guard let harmonic = clipping.take(tone, endingAt: hop, level: ear.history.level(hop, tone), ear.bank.samples) else { return }
      findings.append(.clipping(speaker, harmonic: harmonic, at: timeline.instant(hop: hop)))
    }
  }

  /// A delay is known up to rounds of the clock: from an eighth of one below zero.
  private static func wrapped(_ nanoseconds: Int64) -> Int64 {
    let round = MarkCode.roundNanoseconds
    let rest = nanoseconds % round
    let positive = rest < 0 ? rest + round : rest
    return positive > round / 8 * 7 ? positive - round : positive
  }

  // MARK: - Seconds

  private var secondEnd: Int { (second + 1) * 500 / 3 }

  private mutating func judgeSecond(_ findings: inout [MarkFinding]) {
    let hops = second * 500 / 3..<secondEnd
    second += 1
    var counts = [Int](repeating: 0, count: MarkSpeaker.count)
    var sounds = 0
    for hop in hops {
      if ear.history.tone(hop) != HopHistory.nothing { sounds += 1 }
      let owner = Int(ear.history.owner(hop))
      if owner < counts.count { counts[owner] += 1 }
    }
    var most = 0
    for index in counts.indices where counts[index] > counts[most] { most = index }
    // 36 of 42 symbols in a second are not faint.
    let confidence = min(100, counts[most] * 100 / 36)
    let sound: HeardSound
    if counts[most] >= 8, let speaker = MarkSpeaker(most) {
      sound = .mark(speaker)
    } else {
      sound = sounds * 10 <= hops.count ? .silence : sounds * 2 >= hops.count ? .somethingElse : .notMeasured
    }
    findings.append(.second(sound, confidence: counts[most] >= 8 ? confidence : 0, from: timeline.instant(hop: hops.lowerBound)))
  }
}
