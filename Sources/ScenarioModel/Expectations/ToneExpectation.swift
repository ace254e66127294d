import SansIO

/// `hears: pbx, tone: 440 Hz`, `hears: kallglot, leg: two, tone: 440 Hz`
struct ToneExpectation: Expectation {
  static let summary = "A member has heard this tone on its newest leg that is not over, or on its side of a named call."
  static let examples = ["{ hears: pbx, tone: 440 Hz, within: 1 s }", "{ hears: kallglot, leg: leg, tone: 440 Hz }"]

  private static let hears = Key.required("hears", .party, "Who hears.")
  private static let tone = Key.required("tone", .frequency, "The frequency, within 2 %.", inherits: true)
  private static let leg = Key.optional("leg", .leg, "On which call.")
  static let fields: [any DescribedField] = [hears, tone, leg]

  private let member: String
  private let tone: Int
  private let leg: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, tone, leg) = (try fields[Self.hears], try fields[Self.tone], try fields[Self.leg])
  }

  var text: String { "\(member) hears \(tone) Hz\(leg.map { " on \($0)" } ?? "")" }
  var rule: String { "RFC 3264 §6: the audio that was agreed arrives" }
  var knownTo: String? { member }
  var inquiry: Inquiry { .hearing(member, call: leg) }

  func judge(_ script: Script) -> Judgement {
    guard let story = story(script) else {
      return .open("\(member) has no leg\(leg.map { " of \($0)" } ?? "")", script.lastEvidence[member])
    }
    // 2 % and at least 5 Hz: what 40 ms of G.711 can tell.
    if story.heard.contains(where: { abs($0 - tone) <= max(5, tone / 50) }) { return .met }
    return .open(Self.observed(story, at: member), story.mediaEvidence ?? story.evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    let story = story(script)
    return ("\(member) heard \(story?.heard.map { "\($0) Hz" }.joined(separator: ", ") ?? "")", story?.mediaEvidence ?? story?.evidence)
  }

  private func story(_ script: Script) -> LegStory? { leg.map { script.story($0, at: member) } ?? script.live(member) }

  private static func observed(_ story: LegStory, at member: String) -> String {
    let heard = story.heard.isEmpty ? "no tone" : story.heard.map { "\($0) Hz" }.joined(separator: ", ")
    let packets = story.packetsReceived.map { " in \(CountText.of($0, "packet"))" } ?? ""
    return "\(member) heard \(heard)\(packets)"
  }
}
