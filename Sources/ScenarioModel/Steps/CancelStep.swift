import SansIO

/// `cancel: leg`
struct CancelStep: FieldStep {
  static let keyword = "cancel"
  static let summary = "The caller cancels a call that is not answered yet."
  static let examples = ["cancel: leg"]

  private static let leg = Key.required("leg", .leg, "The call.")
  static let mapping = MappingShape([leg], bare: "leg")

  private let leg: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) { leg = try fields[Self.leg] }

  var text: String { "cancel \(leg)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = script.story(leg) else {
      return .failed(
        Finding(rule: "the scenario", expected: "\(leg) has been placed", observed: "it has not", evidence: nil, about: .call(leg, at: nil))
      )
    }
    guard story.state != .established, story.state != .ended else {
      return .failed(
        Finding(
          rule: "RFC 3261 §9.1", expected: "\(leg) is not answered yet", observed: "the leg is \(story.state.rawValue)",
          evidence: story.evidence))
    }
    script.commands.append(.cancel(story.leg))
    return .done
  }
}
