import Mark
import Media
import SansIO

/// `speak: { who: pbx, tone: 440 Hz, for: 2 s }`, `speak: { who: pbx, mark: caller, for: 5 s }`, with `leg: two` on that member's side of a
/// named call.
struct SpeakStep: FieldStep {
  static let keyword = "speak"
  static let summary =
    "A member sends a tone, or a mark that says who speaks and when, on its newest leg that is not over, or on its side of a named call; "
    + "the next step begins at once."
  static let examples = [
    "speak: { who: pbx, tone: 440 Hz, for: 2 s }", "speak: { who: kallglot, leg: leg, tone: 880 Hz, for: 1 s }",
    "speak: { who: pbx, mark: caller, for: 5 s }",
  ]

  private static let who = Key.required("who", .party, "Who speaks.").once("on")
  private static let tone = Key.optional("tone", .frequency, "The frequency.", inherits: true)
  private static let mark = Key.optional(
    "mark", .newMark, "The name of a mark, of the scenario's own choice: whoever hears it knows who spoke, and when. Up to 64 in a run.")
  private static let duration = Key.optional("for", .duration, "How long; until the call ends when missing.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  static let mapping = MappingShape([who, tone, mark, duration, leg])

  private let member: String
  private let audio: SpokenAudio
  private let what: String
  private let duration: Duration?
  private let leg: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try fields[Self.who]
    if let mark = try fields[Self.mark] {
      if fields.has("tone") { throw fields.place.problem("only one of tone, mark is allowed here, found tone and mark") }
      (audio, what) = (.mark(mark.speaker), "with the mark of \(mark.name)")
    } else {
      guard let frequency = try fields[Self.tone] else { throw fields.place.problem("expected one of the keys tone, mark") }
      (audio, what) = (.tone(Tone(frequency: frequency)), "\(frequency) Hz")
    }
    (duration, leg) = (try fields[Self.duration], try fields[Self.leg])
  }

  var text: String { "\(member) speaks \(what)\(leg.map { " on \($0)" } ?? "")\(duration.map { " for \($0)" } ?? "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = leg.map({ script.story($0, at: member) }) ?? script.live(member), story.state != .ended else {
      return .failed(
        Finding(
          rule: "the scenario", expected: "\(member) has a leg to speak on", observed: "it has none", evidence: script.lastEvidence[member],
          about: .leg(of: member))
      )
    }
    script.commands.append(.speak(story.leg, audio, for: duration))
    return .done
  }
}

extension ValueType where Value == SpokenMark {
  /// One that the step gives its name.
  static var newMark: ValueType {
    ValueType(.text) { (place, scope) throws(SourceProblem) in
      let name = try place.text()
      guard let mark = scope.notes.mark(name) else { throw place.problem("there are \(MarkSpeaker.count) marks in a run at most") }
      return mark
    }
  }
}
