import SansIO

/// `at: kallglot, is: established, direction: recvonly`: the newest leg of a member.
struct MemberLegExpectation: Expectation {
  static let summary = "The newest leg of a member is ringing, established, refused, ended, modified, or has early media."
  static let examples = ["{ at: kallglot, is: modified, direction: recvonly, times: 2 }"]

  private static let at = Key.required("at", .party, "The member.")
  static var fields: [any DescribedField] { [at] + LegCondition.fields }

  private let member: String
  private let condition: LegCondition

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, condition) = (try fields[Self.at], try LegCondition(fields))
  }

  var text: String { "the leg of \(member) is \(condition.text)" }
  var rule: String { condition.rule }
  var inquiry: Inquiry { .leg(of: member) }

  func judge(_ script: Script) -> Judgement {
    guard let story = script.newest(member) else { return .open("\(member) has no leg", script.lastEvidence[member]) }
    return condition.judge(story)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) { LegCondition.sighting(script.newest(member)) }
}
