import KallglotPolicy
import SansIO

/// `deactivate: acme`
struct DeactivateStep: FieldStep {
  static let keyword = "deactivate"
  static let summary = "The organization of an account becomes inactive, or has no credits left."
  static let examples = ["deactivate: acme"]

  private static let account = Key.required("account", .account, "The account.")
  static let mapping = MappingShape([account], bare: "account")

  private let account: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    try scope.needEndpoint(Self.keyword, at: fields.place)
    account = try fields[Self.account]
  }

  var text: String { "\(account) becomes inactive" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.administer(.setActive(account: account, false)))
    return .done
  }
}
