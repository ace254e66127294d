import SansIO

/// `changePassword: { of: pbx, to: "new one" }`
struct ChangePasswordStep: FieldStep {
  static let keyword = "changePassword"
  static let summary = """
    The password that a PBX uses from now on: what its operator does after Regenerate Password. Without `to` it is the one that \
    `regeneratePassword` sets without `to`.
    """
  static let examples = ["changePassword: pbx", "changePassword: { of: pbx, to: \"new one\" }"]

  private static let of = Key.required("of", .party, "The member.")
  private static let to = Key.standard("to", .text, "regenerated", "The new one.")
  static let mapping = MappingShape([of, to], bare: "of")

  private let member: String
  private let password: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, password) = (try fields[Self.of], try fields[Self.to])
    guard scope.scenario.member(member)?.account == nil else { return }
    let place = fields.place(of: Self.of) ?? fields.place
    throw place.problem("\(member) has no account whose password it could use: give it 'account' in the cast")
  }

  var text: String { "\(member) gets the new password" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.setPassword(member, Secret(password)))
    return .done
  }
}
