import SansIO

/// `options: pbx`
struct OptionsStep: FieldStep {
  static let keyword = "options"
  static let summary = "A member pings the endpoint by OPTIONS."
  static let examples = ["options: pbx"]

  private static let member = Key.required("member", .party, "Who asks.")
  static let mapping = MappingShape([member], bare: "member")

  private let member: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    try scope.needTrunk("OPTIONS", at: fields.place)
    member = try fields[Self.member]
  }

  var text: String { "\(member) sends OPTIONS" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetPing(member)
    script.commands.append(.options(member))
    return .done
  }
}
