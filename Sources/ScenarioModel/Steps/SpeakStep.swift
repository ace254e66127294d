import Media
import SansIO

/// `speak: { on: pbx, tone: 440 Hz, for: 2 s }`, with `leg: two` on that member's side of a named call.
struct SpeakStep: Step {
  static let keyword = "speak"
  static let summary = "A member sends a tone on its newest leg that is not over, or on its side of a named call; the next step begins at once."

  private let member: String
  private let frequency: Int
  private let duration: Duration?
  private let leg: String?

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let fields = try place.fields(["on", "tone", "for", "leg"])
    member = try scope.member(try fields.required("on"))
    frequency = try ToneText.read(try fields.required("tone"))
    duration = try fields["for"]?.duration()
    if let place = fields["leg"] { leg = try scope.leg(place) } else { leg = nil }
  }

  var text: String { "\(member) speaks \(frequency) Hz\(leg.map { " on \($0)" } ?? "")\(duration.map { " for \($0)" } ?? "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = leg.map({ script.story($0, at: member) }) ?? script.live(member), story.state != .ended else {
      return .failed(Finding(rule: "the scenario", expected: "\(member) has a leg to speak on", observed: "it has none", evidence: script.lastEvidence[member]))
    }
    script.commands.append(.party(member, .speak(story.id, Tone(frequency: frequency), for: duration)))
    return .done
  }
}

/// `440 Hz`, or the number alone.
enum ToneText {
  static func read(_ place: NodeReader) throws(SourceProblem) -> Int {
    try place.value("a frequency from 100 to 3500 Hz such as '440 Hz'") { text in
      Int(text.replacing("Hz", with: "").filter { $0 != " " }).flatMap { (100...3_500).contains($0) ? $0 : nil }
    }
  }
}
