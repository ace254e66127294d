import KallglotPolicy
import SansIO

/// `changePolicy: { account: acme, sipAccess: false }`
struct ChangePolicyStep: Step {
  static let keyword = "changePolicy"
  static let summary =
    "Settings of an account change to the file's policy with these differences; established calls keep the settings they were admitted "
    + "with."
  static let examples = ["changePolicy: { account: acme, sipAccess: false }"]

  private static let account = Key.required("account", .account, "The account.")
  static var shape: Shape { .mapping(MappingShape(descriptions: [account.description] + PolicySchema.descriptions)) }

  private let account: String
  private let policy: Policy
  private let keys: [String]

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    try scope.needEndpoint(Self.keyword, at: place)
    var policy = scope.scenario.policy
    let fields = try PolicySchema.apply(place, to: &policy, scope, others: MappingShape([Self.account]))
    account = try fields[Self.account]
    if scope.scenario.accounts.count > 1, let (name, place, _) = try place.pairs().first(where: { PolicySchema.tlsNames.contains($0.key) })
    {
      throw place.problem("\(name) of one account among several has no effect: a connection does not say whose it is")
    }
    self.policy = policy
    keys = try place.pairs().map(\.key).filter { $0 != "account" }
  }

  var text: String { "the policy of \(account) changes: \(keys.joined(separator: ", "))" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.administer(.setPolicy(account: account, policy)))
    return .done
  }
}
