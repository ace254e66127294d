import RTP
import SansIO

/// `quality: pbx, loss: "< 1 %", mos: "> 4.0"`, `quality: pbx, window: worst, loss: "> 80 %"`
struct QualityExpectation: Expectation {
  static let summary = """
    How good the RTP is that came to a member, on its newest leg or on its side of a named call, as its capture shows it until now: over \
    the whole, or in intervals of 5 s. What is not measured is not good.
    """
  static let examples = [
    "{ quality: pbx, loss: \"< 1 %\", jitter: \"< 20 ms\", mos: \"> 4.0\" }",
    "{ quality: kallglot, leg: leg, window: worst, loss: \"> 80 %\" }",
  ]

  private enum Window: String, CaseIterable, Sendable { case whole, worst, last, each }

  private static let quality = Key.required("quality", .numberedMember, "Who receives.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  private static let window = Key.standard(
    "window", ValueType<Window>.word, "whole",
    "Of which stretch: the whole, the interval with most loss, the last one with packets enough for a score, or each of those.")
  private static let loss = Key.optional("loss", .shareBound, "Packets that did not come.")
  private static let jitter = Key.optional("jitter", .durationBound, "The highest interarrival jitter (RFC 3550 §6.4.1).")
  private static let mos = Key.optional(
    "mos", .numberBound, "The score by the E-model, as a listener hears it: G.107 for G.711, G.107.1 for G.722, assumed for Opus.")
  private static let rating = Key.optional("rating", .numberBound, "The rating R behind it, on the scale of the codec.")
  private static let concealed = Key.standard(
    "concealed", .flag, "true", "Whether the score takes it that lost frames are concealed, which no packet shows.")
  private static let reordered = Key.optional("reordered", .count, "Packets that came after later ones.")
  private static let duplicates = Key.optional("duplicates", .count, "Packets that came twice.")
  private static let bursts = Key.optional("bursts", .count, "Bursts of loss, with Gmin 16 (RFC 3611 §4.7.2).")
  static let fields: [any DescribedField] = [
    quality, leg, window, loss, jitter, mos, rating, concealed, reordered, duplicates, bursts, Requirement.key,
  ]

  private let member: NumberedMember
  private let leg: String?
  private let window: Window
  private let (loss, jitter, mos, rating): (Bound?, Bound?, Bound?, Bound?)
  private let isConcealed: Bool
  private let (reordered, duplicates, bursts): (Count?, Count?, Count?)
  let rule: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, leg, window) = (try fields[Self.quality], try fields[Self.leg], try fields[Self.window])
    (loss, jitter) = (try fields[Self.loss], try fields[Self.jitter])
    (mos, rating, isConcealed) = (try fields[Self.mos], try fields[Self.rating], try fields[Self.concealed])
    (reordered, duplicates, bursts) = (try fields[Self.reordered], try fields[Self.duplicates], try fields[Self.bursts])
    rule = try fields[Requirement.key] ?? (mos ?? rating != nil ? "ITU-T G.107, G.107.1" : "RFC 3550 §6.4.1, RFC 3611 §4.7")
    scope.notes.asksForQuality()
  }

  var text: String {
    let bounds = [("loss", loss), ("jitter", jitter), ("MOS", mos), ("R", rating)].compactMap { name, bound in
      bound.map { "\(name) \($0.text)" }
    }
    let counts = [("reordered", reordered), ("duplicates", duplicates), ("bursts", bursts)].compactMap { name, count in
      count.map { "\(name) \($0.text.isEmpty ? "at least once" : $0.text)" }
    }
    let stretch = window == .whole ? "" : window == .each ? " in each interval" : " in the \(window.rawValue) interval"
    return "what comes to \(member.name)\(leg.map { " on \($0)" } ?? "") has \((bounds + counts).joined(separator: ", "))\(stretch)"
  }
  var inquiry: Inquiry { .hearing(member.name, call: leg) }

  func judge(_ script: Script) -> Judgement {
    let streams = streams(script)
    guard !streams.isEmpty else { return .open("no RTP has come to \(member.name)", script.lastEvidence[member.name]) }
    for stream in streams {
      let stretches = stretches(of: stream)
      guard !stretches.isEmpty else { return .open("no interval has packets enough for figures", citation(stream)) }
      for stretch in stretches where !admits(stretch) { return .open(Self.observed(stretch), citation(stream)) }
    }
    return .met
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let stream = streams(script).last
    return (stream.flatMap { stretches(of: $0).first }.map(Self.observed) ?? "no RTP came", stream.flatMap(citation))
  }

  // MARK: - Streams

  /// What the capture of the member has come in for its side of the call.
  private func streams(_ script: Script) -> [SeenStream] {
    let story = leg.map { script.story($0, at: member.name) } ?? script.newest(member.name)
    guard let local = story?.audio?.local else { return [] }
    return script.traffic(member.index).streams.filter { stream in
      leg == nil ? stream.destination.address == local.address : stream.destination == local
    }
  }

  private func citation(_ stream: SeenStream) -> FrameCitation? {
    FrameCitation(HostID(UInt16(member.index)), UInt32(clamping: stream.last.frame))
  }

  /// A stretch of a stream, with its score.
  private struct Stretch {
    var loss: BurstGapLoss
    var jitter: Double
    var reordered: Int
    var duplicates: Int
    var score: QualityFigure
    /// Seconds since the stream began; nil for the whole.
    var begin: Int?
  }

  private func stretches(of stream: SeenStream) -> [Stretch] {
    let (figures, scores) = (stream.figures, isConcealed ? stream.concealed : stream.unconcealed)
    let intervals = zip(figures.windows, scores.dropFirst()).map { window, score in
      Stretch(
        loss: window.loss, jitter: window.maximumJitter, reordered: Int(window.reordered), duplicates: Int(window.duplicates), score: score,
        begin: Int((window.start - stream.first.time) / 1_000_000_000))
    }
    let measured = intervals.filter { $0.loss.expected >= QualityFigure.fewestPackets }
    switch window {
    case .whole:
      let jitter = figures.windows.map(\.maximumJitter).max() ?? 0
      return scores.first.map {
        [Stretch(loss: figures.loss, jitter: jitter, reordered: figures.reordered, duplicates: figures.duplicates, score: $0)]
      } ?? []
    case .worst: return measured.max { ($0.loss.missingRatio, $0.jitter) < ($1.loss.missingRatio, $1.jitter) }.map { [$0] } ?? []
    case .last: return measured.last.map { [$0] } ?? []
    case .each: return measured
    }
  }

  private func admits(_ stretch: Stretch) -> Bool {
    func admits(_ bound: Bound?, _ figure: Double?) -> Bool { bound.map { bound in figure.map(bound.admits) ?? false } ?? true }
    return admits(loss, stretch.loss.missingRatio * 100) && admits(jitter, stretch.jitter)
      && admits(mos, stretch.score.score?.meanOpinionScore) && admits(rating, stretch.score.score?.rating)
      && reordered?.admits(stretch.reordered) ?? true && duplicates?.admits(stretch.duplicates) ?? true
      && bursts?.admits(stretch.loss.metrics.bursts) ?? true
  }

  private static func observed(_ stretch: Stretch) -> String {
    let score =
      switch stretch.score {
      case .measured(let score): "MOS \(score.mosText) (\(score.inputs))"
      case .notMeasured(let reason): "MOS not measured: \(reason)"
      }
    let place = stretch.begin.map { "from \($0) s for 5 s: " } ?? ""
    let bursts = CountText.of(stretch.loss.metrics.bursts, "burst")
    return "\(place)\(stretch.loss.lost) of \(CountText.of(stretch.loss.expected, "packet")) missing, \(stretch.reordered) reordered, "
      + "\(stretch.duplicates) twice, \(bursts), jitter up to \(Int(stretch.jitter)) ms, \(score)"
  }
}
