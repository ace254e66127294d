import SansIO

/// `unregister: pbx`
struct UnregisterStep: FieldStep {
  static let keyword = "unregister"
  static let summary = "A member removes its binding: REGISTER with Expires 0."
  static let examples = ["unregister: pbx"]

  private static let member = Key.required("member", .party, "The member.")
  static let mapping = MappingShape([member], bare: "member")

  private let member: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    try scope.needTrunk("REGISTER", at: fields.place)
    member = try fields[Self.member]
  }

  var text: String { "\(member) unregisters" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetRegistration(member)
    script.commands.append(.unregister(member))
    return .done
  }
}
