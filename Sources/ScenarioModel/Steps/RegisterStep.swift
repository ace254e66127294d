import SansIO

/// `register: pbx`, `register: { member: pbx, expires: 120 }`
struct RegisterStep: FieldStep {
  static let keyword = "register"
  static let summary = "A member registers its account at the endpoint and keeps it refreshed."
  static let examples = ["register: pbx", "register: { member: pbx, expires: 120 }"]

  private static let member = Key.required("member", .party, "Who registers.")
  private static let expires = Key.standard("expires", .integer(0...86_400), "3600", "The expiry it asks for, in seconds.", inherits: true)
  static let mapping = MappingShape([member, expires], bare: "member")

  private let member: String
  private let expires: Int

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    try scope.needTrunk("REGISTER", at: fields.place)
    (member, expires) = (try fields[Self.member], try fields[Self.expires])
  }

  var text: String { "\(member) registers for \(expires) s" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetRegistration(member)
    script.commands.append(.register(member, expires: expires))
    return .done
  }
}
