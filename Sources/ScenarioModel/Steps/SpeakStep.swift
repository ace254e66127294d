import SansIO

/// `speak: { who: pbx, tone: 440 Hz, for: 2 s }`, with `leg: two` on that member's side of a named call.
struct SpeakStep: FieldStep {
  static let keyword = "speak"
  static let summary =
    "A member sends a tone on its newest leg that is not over, or on its side of a named call; the next step begins at once."
  static let examples = ["speak: { who: pbx, tone: 440 Hz, for: 2 s }", "speak: { who: kallglot, leg: leg, tone: 880 Hz, for: 1 s }"]

  private static let who = Key.required("who", .party, "Who speaks.").once("on")
  private static let tone = Key.required("tone", .frequency, "The frequency.", inherits: true)
  private static let duration = Key.optional("for", .duration, "How long; until the call ends when missing.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  static let mapping = MappingShape([who, tone, duration, leg])

  private let member: String
  private let frequency: Int
  private let duration: Duration?
  private let leg: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, frequency) = (try fields[Self.who], try fields[Self.tone])
    (duration, leg) = (try fields[Self.duration], try fields[Self.leg])
  }

  var text: String { "\(member) speaks \(frequency) Hz\(leg.map { " on \($0)" } ?? "")\(duration.map { " for \($0)" } ?? "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = leg.map({ script.story($0, at: member) }) ?? script.live(member), story.state != .ended else {
      return .failed(
        Finding(
          rule: "the scenario", expected: "\(member) has a leg to speak on", observed: "it has none", evidence: script.lastEvidence[member],
          about: .leg(of: member))
      )
    }
    script.commands.append(.speak(story.leg, tone: frequency, for: duration))
    return .done
  }
}
