import SansIO

/// `registered: pbx`, `registered: pbx, is: refused, status: 403`, `registered: pbx, expires: 3600`
struct RegistrationExpectation: Expectation {
  static let summary = "A member's last REGISTER was accepted, with this expiry; or refused, with this status."
  static let examples = ["{ registered: pbx, expires: 3600, within: 2 s }", "{ registered: pbx, is: refused, status: 403 }"]

  private static let registered = Key.required("registered", .party, "Who registered.")
  private static let verdict = Key.standard("is", .words([("accepted", false), ("refused", true)]), "accepted", "The result.")
  private static let status = Key.optional("status", .integer(300...699), "The final response's status.")
    .with(.key("is", "refused"))
  private static let expires = Key.optional("expires", .integer(0...86_400), "The granted expiry in seconds.").with(
    .key("is", "accepted"))
  static let fields: [any DescribedField] = [registered, verdict, status, expires]

  private let member: String
  private let isRefused: Bool
  private let status: Int?
  private let expires: Int?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, isRefused) = (try fields[Self.registered], try fields[Self.verdict])
    (status, expires) = (try fields[Self.status], try fields[Self.expires])
  }

  var text: String {
    isRefused
      ? "\(member)'s registration is refused\(status.map { " with \($0)" } ?? "")"
      : "\(member) is registered\(expires.map { " for \($0) s" } ?? "")"
  }
  var rule: String { "RFC 3261 §10" }
  var inquiry: Inquiry { .registration(member) }

  func judge(_ script: Script) -> Judgement {
    guard let answer = script.registered[member], answer.isKnown else { return .open("no answer to REGISTER", script.lastEvidence[member]) }
    let evidence = answer.frame ?? script.lastEvidence[member]
    guard let actual = answer.status else {
      return isRefused && status == nil ? .met : .impossible("registration failed: \(answer.failure ?? "")", evidence)
    }
    if actual < 300 {
      let isMet = !isRefused && (expires == nil || expires == answer.expires)
      return isMet ? .met : .impossible("registered for \(answer.expires ?? 0) s", evidence)
    }
    let isMet = isRefused && (status == nil || status == actual)
    return isMet ? .met : .impossible("registration failed: \(actual) \(answer.phrase)", evidence)
  }
}
