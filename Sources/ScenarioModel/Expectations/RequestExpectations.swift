import SansIO

/// `registered: pbx`, `registered: pbx, is: refused, status: 403`, `registered: pbx, expires: 3600`
struct RegistrationExpectation: Expectation {
  static let key = "registered"
  static let summary = "A member's last REGISTER was accepted, with this expiry; or refused, with this status."
  static let fields = ["is", "status", "expires"]

  private let member: String
  private let isRefused: Bool
  private let status: Int?
  private let expires: Int?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try scope.member(try fields.required(Self.key))
    isRefused = try fields["is"]?.word([("accepted", false), ("refused", true)]) ?? false
    status = try fields["status"]?.integer(300...699)
    expires = try fields["expires"]?.integer(0...86_400)
  }

  var text: String {
    isRefused
      ? "\(member)'s registration is refused\(status.map { " with \($0)" } ?? "")"
      : "\(member) is registered\(expires.map { " for \($0) s" } ?? "")"
  }
  var rule: String { "RFC 3261 §10" }

  func judge(_ script: Script) -> Judgement {
    let evidence = script.lastEvidence[member]
    guard let state = script.registered[member] else { return .open("no answer to REGISTER", evidence) }
    guard let failure = state.failure else {
      if isRefused { return .impossible("registered for \(state.expires ?? 0) s", evidence) }
      guard expires == nil || expires == state.expires else { return .impossible("registered for \(state.expires ?? 0) s", evidence) }
      return .met
    }
    let isMet = isRefused && (status.map { failure.hasPrefix("\($0) ") } ?? true)
    return isMet ? .met : .impossible("registration failed: \(failure)", evidence)
  }
}

/// `pinged: pbx, status: 200`
struct PingExpectation: Expectation {
  static let key = "pinged"
  static let summary = "A member's last OPTIONS was answered, with this status (200 when none is named)."
  static let fields = ["status"]

  private let member: String
  private let status: Int

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try scope.member(try fields.required(Self.key))
    status = try fields["status"]?.integer(200...699) ?? 200
  }

  var text: String { "\(member)'s OPTIONS is answered with \(status)" }
  var rule: String { "RFC 3261 §11, contract 8.4" }

  func judge(_ script: Script) -> Judgement {
    let evidence = script.lastEvidence[member]
    guard let answer = script.pinged[member] else { return .open("no answer to OPTIONS", evidence) }
    guard let actual = answer.status else { return .impossible("OPTIONS failed: \(answer.failure ?? "")", evidence) }
    return actual == status ? .met : .impossible("answered with \(actual)", evidence)
  }
}

/// `violation: "CSeq"`: a rule that a peer broke, by a part of its text.
struct ViolationExpectation: Expectation {
  static let key = "violation"
  static let summary = "A member saw its peer break a rule whose text contains this."
  static let fields: [String] = ["at"]

  private let part: String
  private let member: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    part = try fields.required(Self.key).text()
    if let place = fields["at"] { member = try scope.member(place) } else { member = nil }
  }

  var text: String { "a violation of '\(part)' is seen\(member.map { " at \($0)" } ?? "")" }
  var rule: String { "the scenario" }

  func judge(_ script: Script) -> Judgement {
    let seen = script.violations.filter { member == nil || $0.member == member }
    if seen.contains(where: { $0.rule.contains(part) }) { return .met }
    return .open(seen.last.map { "seen was: \($0.rule)" } ?? "no rule was broken", seen.last?.evidence)
  }
}
