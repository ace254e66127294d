import SansIO

/// `modification: leg, is: refused, status: 488`: what came of the last re-INVITE that this side sent.
struct ReinviteExpectation: Expectation {
  static let summary = "The last re-INVITE that the caller of a named call sent was refused, with this status."
  static let examples = ["{ modification: leg, is: refused, status: 488 }"]

  private static let modification = Key.required("modification", .leg, "The call.")
  private static let verdict = Key.standard("is", .words([("refused", true)]), "refused", "The result.")
  private static let status = Key.optional("status", .integer(300...699), "The final response's status.")
  static let fields: [any DescribedField] = [modification, verdict, status]

  private let name: String
  private let status: Int?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    name = try fields[Self.modification]
    _ = try fields[Self.verdict]
    status = try fields[Self.status]
  }

  var text: String { "the re-INVITE on \(name) is refused\(status.map { " with \($0)" } ?? "")" }
  var rule: String { "RFC 3261 §14" }
  var inquiry: Inquiry { .reinvite(of: name) }

  func judge(_ script: Script) -> Judgement {
    guard let story = script.story(name) else { return .open("\(name) has not begun", nil) }
    guard let failure = story.reinviteFailure else {
      return .open("no re-INVITE was refused, \(story.reinvites) were accepted", story.evidence)
    }
    return status == nil || status == failure.status ? .met : .impossible("refused: \(failure.reason)", story.evidence)
  }
}
