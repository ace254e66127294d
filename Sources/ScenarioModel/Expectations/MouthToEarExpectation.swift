import Mark
import SansIO

/// `mouthToEar: kallglot, mark: caller, p50: "< 200 ms", p95: "< 250 ms", max: "< 300 ms"`
struct MouthToEarExpectation: Expectation {
  static let summary = """
    How late a member hears a mark: from a sample's being spoken to the same sample's being heard, packet time, network, jitter buffer and \
    codec included. A figure each 240 ms of talk; fewer than eight are not measured. Both ends need one clock: never true of a real peer.
    """
  static let examples = [
    "{ mouthToEar: kallglot, mark: caller, p50: \"< 200 ms\", p95: \"< 250 ms\", within: 5 s }",
    "{ mouthToEar: pbx, leg: leg, mark: agent, max: \"< 300 ms\" }",
  ]

  private static let ear = Key.required("mouthToEar", .party, "Who hears.")
  private static let mark = Key.required("mark", .spokenMark, "Whose mark.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  private static let p50 = Key.optional("p50", .upperLimit, "Half of the figures are below: `< 200 ms`.")
  private static let p95 = Key.optional("p95", .upperLimit, "19 of 20 figures are below.")
  private static let most = Key.optional("max", .upperLimit, "All figures are below.")
  private static let least = Key.optional("min", .duration, "No figure is below.")
  static let fields: [any DescribedField] = [ear, mark, leg, p50, p95, most, least]
  private static let needed = 8

  private let member: String
  private let mark: SpokenMark
  private let leg: String?
  /// With their percentages.
  private let limits: [(name: String, percent: Int, limit: Duration)]
  private let least: Duration?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, mark, leg) = (try fields[Self.ear], try fields[Self.mark], try fields[Self.leg])
    var limits: [(String, Int, Duration)] = []
    if let limit = try fields[Self.p50] { limits.append(("p50", 50, limit.duration)) }
    if let limit = try fields[Self.p95] { limits.append(("p95", 95, limit.duration)) }
    if let limit = try fields[Self.most] { limits.append(("max", 100, limit.duration)) }
    (self.limits, least) = (limits, try fields[Self.least])
    if limits.isEmpty, least == nil { throw fields.place.problem("expected one of the keys p50, p95, max, min") }
  }

  var text: String {
    let wanted = limits.map { "\($0.name) < \($0.limit)" } + (least.map { ["min ≥ \($0)"] } ?? [])
    return "\(member) hears \(mark.name) with \(wanted.joined(separator: ", "))"
  }
  var rule: String { "ITU-T G.114: the one-way transmission time" }
  var knownTo: String? { member }
  var inquiry: Inquiry { .hearing(member, call: leg) }

  func judge(_ script: Script) -> Judgement {
    guard let story = leg.map({ script.story($0, at: member) }) ?? script.live(member) else {
      return .open("\(member) has no leg", script.lastEvidence[member])
    }
    let evidence = story.mediaEvidence ?? story.evidence
    let figures = story.marks.delays.filter { $0.speaker == mark.speaker }.map(\.nanoseconds).sorted()
    guard figures.count >= Self.needed else {
      let why = figures.isEmpty ? HearingText(member: member, story: story, script: script).heard : "\(figures.count) figures alone"
      return .open("mouth to ear not measured: \(why)", evidence)
    }
    let isLate = limits.contains { Self.figure($0.percent, figures) >= $0.limit.wholeNanoseconds }
    let isEarly = least.map { (figures.first ?? 0) < $0.wholeNanoseconds } ?? false
    guard isLate || isEarly else { return .met }
    return .open(Self.text(figures), evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let story = leg.map { script.story($0, at: member) } ?? script.live(member)
    let figures = story?.marks.delays.filter { $0.speaker == mark.speaker }.map(\.nanoseconds).sorted() ?? []
    return (figures.isEmpty ? "mouth to ear not measured" : Self.text(figures), story?.mediaEvidence ?? story?.evidence)
  }

  private static func text(_ figures: [Int64]) -> String {
    let parts = [("min", 0), ("p50", 50), ("p95", 95), ("max", 100)].map { "\($0.0) \(figure($0.1, figures) / 1_000_000) ms" }
    return "mouth to ear \(parts.joined(separator: ", ")) (\(figures.count) figures)"
  }

  /// Of sorted figures, the one below or at which so many percent are.
  private static func figure(_ percent: Int, _ figures: [Int64]) -> Int64 {
    figures.isEmpty ? 0 : figures[max(0, min(figures.count - 1, (figures.count * percent + 99) / 100 - 1))]
  }
}

/// `< 200 ms`
struct UpperLimit: Sendable, Hashable {
  var duration: Duration
}

extension ValueType where Value == UpperLimit {
  static var upperLimit: ValueType {
    ValueType(.text) { (place, _) throws(SourceProblem) in
      let text = try place.text()
      let number = text.hasPrefix("<") ? String(text.dropFirst().drop { $0 == " " }) : text
      let duration = try place.value("a limit such as '< 200 ms'", { _ in ScalarText.duration(number) })
      return UpperLimit(duration: duration)
    }
  }
}

extension ValueType where Value == SpokenMark {
  /// One that an earlier step speaks.
  static var spokenMark: ValueType {
    ValueType(.text) { (place, scope) throws(SourceProblem) in
      let name = try place.text()
      guard let mark = scope.notes.marks.first(where: { $0.name == name }) else {
        let known = scope.notes.marks.map(\.name)
        let hint = known.isEmpty ? "no earlier step speaks a mark" : "earlier steps speak \(known.joined(separator: ", "))"
        throw place.problem("'\(name)' is not a mark: \(hint)")
      }
      scope.notes.listensForMarks = true
      return mark
    }
  }
}
