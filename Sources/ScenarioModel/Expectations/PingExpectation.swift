import SansIO

/// `pinged: pbx, status: 200`
struct PingExpectation: Expectation {
  static let summary = "A member's last OPTIONS was answered, with this status."
  static let examples = ["{ pinged: pbx, within: 1 s }", "{ pinged: pbx, status: 403 }"]

  private static let pinged = Key.required("pinged", .party, "Who asked.")
  private static let status = Key.standard("status", .integer(200...699), "200", "The answer.")
  static let fields: [any DescribedField] = [pinged, status]

  private let member: String
  private let status: Int

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, status) = (try fields[Self.pinged], try fields[Self.status])
  }

  var text: String { "\(member)'s OPTIONS is answered with \(status)" }
  var rule: String { "RFC 3261 §11, contract 8.4" }
  var inquiry: Inquiry { .ping(member) }

  func judge(_ script: Script) -> Judgement {
    guard let answer = script.pinged[member], answer.isKnown else { return .open("no answer to OPTIONS", script.lastEvidence[member]) }
    let evidence = answer.frame ?? script.lastEvidence[member]
    guard let actual = answer.status else { return .impossible("OPTIONS failed: \(answer.failure ?? "")", evidence) }
    return actual == status ? .met : .impossible("answered with \(actual)", evidence)
  }
}
