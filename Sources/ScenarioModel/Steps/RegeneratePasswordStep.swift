import KallglotPolicy
import SansIO

/// `regeneratePassword: acme`, `regeneratePassword: { account: acme, to: "new one" }`
struct RegeneratePasswordStep: FieldStep {
  static let keyword = "regeneratePassword"
  static let summary = "The portal's Regenerate Password: the old one is refused from now on, established calls continue."
  static let examples = ["regeneratePassword: acme", "regeneratePassword: { account: acme, to: \"new one\" }"]

  private static let account = Key.required("account", .account, "The account.")
  private static let to = Key.standard("to", .text, "regenerated", "The new one.")
  static let mapping = MappingShape([account, to], bare: "account")

  private let account: String
  private let password: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    try scope.needEndpoint(Self.keyword, at: fields.place)
    (account, password) = (try fields[Self.account], try fields[Self.to])
  }

  var text: String { "the password of \(account) is regenerated" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.administer(.setPassword(account: account, Secret(password))))
    return .done
  }
}
