import SansIO

/// `leg: leg, is: refused, status: 403`: the caller's side of a call that a step named; with `at: kallglot` that member's side of it.
struct LegExpectation: Expectation {
  static let summary =
    "The caller's side of a named call (or the side of the member `at`) is ringing, established, refused, ended, modified, or has early "
    + "media."
  static let examples = [
    "{ leg: leg, is: established, codec: PCMU, within: 2 s }", "{ leg: leg, is: refused, status: 403 }",
    "{ leg: leg, at: kallglot, is: ended, because: hang-up }",
  ]

  private static let leg = Key.required("leg", .leg, "The call.")
  private static let at = Key.optional("at", .party, "The member whose side is meant; the caller when missing.")
  static var fields: [any DescribedField] { [leg] + LegCondition.fields + [at] }

  private let name: String
  private let member: String?
  private let condition: LegCondition

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (name, member, condition) = (try fields[Self.leg], try fields[Self.at], try LegCondition(fields))
  }

  var text: String { "\(name) is \(condition.text)\(member.map { " at \($0)" } ?? "")" }
  var rule: String { condition.rule }
  var inquiry: Inquiry { .call(name, at: member) }

  func judge(_ script: Script) -> Judgement {
    guard let caller = script.story(name) else { return .open("\(name) has not begun", nil) }
    guard let member else { return condition.judge(caller) }
    guard let story = script.story(name, at: member) else { return .open("nothing of \(name) has come to \(member)", caller.evidence) }
    return condition.judge(story)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    LegCondition.sighting(member.map { script.story(name, at: $0) } ?? script.story(name))
  }
}
