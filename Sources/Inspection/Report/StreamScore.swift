import RTP
import SansIO
import WireReader

/// How good a stream was where it was captured, in words and as JSON.
///
/// What its receiver does about lost frames no capture shows: G.711 is scored with concealment and without.
enum StreamScore {
  /// `quality: MOS 4.33 with PLC, 3.83 without (NB R 89.6, …); worst 5 s from 10 s: 250 of 250 packets missing, …`.
  static func text(_ stream: RTPStream) -> String {
    let figures = stream.figures
    var parts = ["quality: \(score(stream, figures.loss))"]
    let metrics = figures.loss.metrics
    if metrics.bursts > 0 {
      parts.append(
        "\(CountText.of(metrics.bursts, "burst")), mean length \(Words.decimal(metrics.burstLength, 1)), with "
          + "\(Words.decimal(metrics.burstDensity * 100, 1)) % missing, \(Words.decimal(metrics.gapDensity * 100, 1)) % in the gaps")
    }
    if let worst = figures.worst, figures.windows.count > 1, worst.loss.lost > 0 {
      let length = (worst.end - worst.start) / 1_000_000_000
      let begin = (worst.start - stream.first.time) / 1_000_000_000
      parts.append(
        "worst \(length) s from \(begin) s: \(worst.loss.lost) of \(CountText.of(worst.loss.expected, "packet")) missing, jitter up to "
          + "\(Words.decimal(worst.maximumJitter, 1)) ms, \(score(stream, worst.loss))")
    }
    return parts.joined(separator: "; ")
  }

  private static func score(_ stream: RTPStream, _ loss: BurstGapLoss) -> String {
    switch (stream.score(loss, conceals: true), stream.score(loss, conceals: false)) {
    case (.measured(let best), .measured(let worst)) where best.mosText != worst.mosText:
      "MOS \(best.mosText) with PLC, \(worst.mosText) without (\(best.inputs))"
    case (.measured(let score), _): "MOS \(score.mosText) (\(score.inputs))"
    case (.notMeasured(let reason), _): "MOS not measured: \(reason)"
    }
  }

  /// What a peer reports of it (RFC 3611 §4.7).
  static func text(_ metrics: VoIPMetrics) -> String {
    func percent(_ part: UInt8) -> String { "\(Words.decimal(Double(part) * 100 / 256, 1)) %" }
    func tenths(_ value: UInt8) -> String? { value == VoIPMetrics.unavailable ? nil : Words.decimal(Double(value) / 10, 1) }
    let mos = tenths(metrics.mosListening).map { ", MOS-LQ \($0)" } ?? ""
    let delay = metrics.roundTripDelay > 0 ? ", round trip \(metrics.roundTripDelay) ms" : ""
    return "XR says \(percent(metrics.lossRate)) lost, \(percent(metrics.discardRate)) discarded\(mos)\(delay), "
      + "buffer \(metrics.bufferNominal) ms"
  }

  // MARK: - JSON

  static func json(_ stream: RTPStream) -> JSONValue {
    let figures = stream.figures
    return .object([
      ("reordered", .integer(figures.reordered)), ("burstGap", json(figures.loss)), ("scores", scores(stream, figures.loss)),
      ("intervals", .array(figures.windows.map { json($0, stream) })),
      ("worst", figures.worst.map { json($0, stream) } ?? .null),
    ])
  }

  private static func json(_ loss: BurstGapLoss) -> JSONValue {
    let metrics = loss.metrics
    return .object([
      ("expected", .integer(loss.expected)), ("lost", .integer(loss.lost)), ("bursts", .integer(metrics.bursts)),
      ("burstDensity", JSONValue(metrics.burstDensity)), ("gapDensity", JSONValue(metrics.gapDensity)),
      ("burstPackets", JSONValue(metrics.burstLength)), ("gapPackets", JSONValue(metrics.gapLength)),
      ("burstRatio", JSONValue(loss.burstRatio)),
    ])
  }

  private static func json(_ window: QualityWindow, _ stream: RTPStream) -> JSONValue {
    .object([
      ("from", JSONValue(Double(window.start - stream.first.time) / 1e9)), ("to", JSONValue(Double(window.end - stream.first.time) / 1e9)),
      ("reordered", .integer(Int(window.reordered))), ("duplicates", .integer(Int(window.duplicates))),
      ("meanJitter", stream.hasClock ? JSONValue(window.meanJitter) : .null),
      ("maxJitter", stream.hasClock ? JSONValue(window.maximumJitter) : .null), ("burstGap", json(window.loss)),
      ("scores", scores(stream, window.loss)),
    ])
  }

  /// With concealment at the receiver, and without.
  private static func scores(_ stream: RTPStream, _ loss: BurstGapLoss) -> JSONValue {
    .object([
      ("concealed", json(stream.score(loss, conceals: true))), ("unconcealed", json(stream.score(loss, conceals: false))),
    ])
  }

  private static func json(_ figure: QualityFigure) -> JSONValue {
    switch figure {
    case .notMeasured(let reason): .object([("notMeasured", .string(reason))])
    case .measured(let score):
      .object([
        ("mos", JSONValue(score.meanOpinionScore)), ("rating", JSONValue(score.rating)), ("scale", .string(score.scale.rawValue)),
        ("ie", JSONValue(score.ie)), ("bpl", score.bpl.map { JSONValue($0) } ?? .null), ("ppl", JSONValue(score.lossPercent)),
        ("burstRatio", JSONValue(score.burstRatio)), ("delay", .null), ("assumption", JSONValue(score.assumption)),
      ])
    }
  }
}
