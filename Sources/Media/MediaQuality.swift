import Codecs
import RTP
import SansIO

/// How good the media of one side was, and what that rests on: kept where there is a jitter buffer, or figures are asked for.
///
/// A class, so that reports without it do not carry its size.
public final class MediaQuality: Hashable, Sendable {
  /// What the jitter buffer did; nil without one.
  public let buffer: JitterBufferCounts?
  /// Loss, bursts and gaps of what came, over the whole and by interval.
  public let figures: ReceptionLedger.Figures
  /// As a listener hears it.
  public let score: QualityFigure
  /// The same for the worst interval; nil when nothing came.
  public let worstScore: QualityFigure?
  /// To the peer and back (RFC 3550 §6.4.1): the last one, and the longest; nil when the peer's reports do not tell.
  public let roundTrip: Duration?
  public let longestRoundTrip: Duration?
  /// What the peer last measured of our stream (RFC 3611 §4.7).
  public let peerMetrics: VoIPMetrics?
  /// RTCP of the peer's that could not be read.
  public let malformedControl: Int

  init(
    _ figures: ReceptionLedger.Figures, buffer: JitterBufferCounts?, codec: ScoredCodec?, _ reporter: RTCPReporter
  ) {
    self.figures = figures
    self.buffer = buffer
    // Without a buffer nothing is concealed.
    let conceals = buffer != nil
    score = QualityFigure(codec, figures.loss, conceals: conceals)
    worstScore = figures.worst.map { QualityFigure(codec, $0.loss, conceals: conceals) }
    (roundTrip, longestRoundTrip) = (reporter.roundTrip?.last, reporter.roundTrip?.longest)
    (peerMetrics, malformedControl) = (reporter.peerMetrics, reporter.malformed)
  }

  public static func == (left: MediaQuality, right: MediaQuality) -> Bool {
    left.buffer == right.buffer && left.figures == right.figures && left.score == right.score && left.worstScore == right.worstScore
      && left.roundTrip == right.roundTrip && left.longestRoundTrip == right.longestRoundTrip && left.peerMetrics == right.peerMetrics
      && left.malformedControl == right.malformedControl
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(figures.loss)
    hasher.combine(buffer)
  }
}

extension MediaQuality {
  /// `loss 1.2 % (3 of 250 lost, 1 late), 2 bursts, buffer 60 ms (up to 120), 4 late, MOS 4.31 (NB R 88.9, …), worst 5 s: …`.
  public var text: String {
    var parts = [Self.loss(figures.loss)]
    let bursts = figures.loss.metrics.bursts
    if bursts > 0 { parts.append(CountText.of(bursts, "burst")) }
    if let buffer { parts.append(Self.text(buffer)) }
    if let longestRoundTrip { parts.append("round trip up to \(Self.milliseconds(longestRoundTrip))") }
    parts.append(Self.text(score))
    if let worst = figures.worst, let worstScore, worst.loss.lost + worst.loss.discarded > 0 {
      parts.append("worst \((worst.end - worst.start) / 1_000_000_000) s: \(Self.loss(worst.loss)), \(Self.text(worstScore))")
    }
    if malformedControl > 0 { parts.append("\(CountText.of(malformedControl, "RTCP packet")) not readable") }
    return parts.joined(separator: ", ")
  }

  /// `MOS 4.31 (NB R 88.9, …)`, or why there is none.
  public static func text(_ figure: QualityFigure) -> String {
    switch figure {
    case .measured(let score): "MOS \(score.mosText) (\(score.inputs))"
    case .notMeasured(let reason): "MOS not measured: \(reason)"
    }
  }

  private static func loss(_ loss: BurstGapLoss) -> String {
    let percent = loss.missingRatio * 100
    let discarded = loss.discarded > 0 ? ", \(loss.discarded) late" : ""
    return "missing \(decimal(percent)) % (\(loss.lost) of \(loss.expected) lost\(discarded))"
  }

  private static func text(_ counts: JitterBufferCounts) -> String {
    var parts = ["buffer \(milliseconds(counts.delay)), at most \(milliseconds(counts.maximumDelay))"]
    let named = [
      (counts.late, "late"), (counts.reordered, "reordered"), (counts.duplicates, "twice"), (counts.underruns, "underruns"),
      (counts.concealed, "concealed"), (counts.resets, "resets"),
    ]
    for (count, name) in named where count > 0 { parts.append("\(count) \(name)") }
    return parts.joined(separator: ", ")
  }

  private static func milliseconds(_ time: Duration) -> String { "\(time.wholeNanoseconds / 1_000_000) ms" }

  private static func decimal(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}

extension VoIPMetrics {
  /// The score, and the delays of the jitter buffer (§4.7.5, §4.7.7).
  mutating func set(_ quality: MediaQuality) {
    if let score = quality.score.score { set(score) }
    guard let buffer = quality.buffer else { return }
    bufferNominal = UInt16(clamping: buffer.delay.wholeNanoseconds / 1_000_000)
    bufferMaximum = UInt16(clamping: buffer.maximumDelay.wholeNanoseconds / 1_000_000)
    bufferAbsoluteMaximum = bufferMaximum
  }
}

extension Codec {
  /// As scores know it; nil where no impairment factor is known.
  ///
  /// - Parameter bitRate: of the stream, in bit/s.
  func scored(bitRate: Int?) -> ScoredCodec? {
    switch self {
    case .g711: .g711
    case .g722: .g722
    case .opus(let parameters): bitRate.map { .opus(bitRate: $0, hasFEC: parameters.usesFEC) }
    }
  }
}
