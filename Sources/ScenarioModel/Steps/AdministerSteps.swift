import Kallglot
import SIPUserAgent
import SansIO

/// `regeneratePassword: acme`, `regeneratePassword: { account: acme, to: "new one" }`
struct RegeneratePasswordStep: Step {
  static let keyword = "regeneratePassword"
  static let summary = "The portal's Regenerate Password: the old one is refused from now on, calls that are up go on."

  private let account: String
  private let password: String

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    if place.isMapping {
      let fields = try place.fields(["account", "to"])
      account = try scope.account(try fields.required("account"))
      password = try fields.required("to").text()
    } else {
      account = try scope.account(place)
      password = "regenerated"
    }
  }

  var text: String { "the password of \(account) is regenerated" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.administer(.setPassword(account: account, Secret(password))))
    return .done
  }
}

/// `changePolicy: { account: acme, sipAccess: false }`
struct ChangePolicyStep: Step {
  static let keyword = "changePolicy"
  static let summary = "Settings of an account change; calls that are up keep what they were admitted with."

  private let account: String
  private let policy: Policy
  private let keys: [String]

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let pairs = try place.pairs()
    guard let owner = pairs.first(where: { $0.key == "account" }) else { throw place.problem("'account' is missing") }
    account = try scope.account(owner.value)
    var policy = scope.scenario.policy
    let addresses = Dictionary(scope.scenario.cast.map { ($0.name, $0.address) }, uniquingKeysWith: { first, _ in first })
    try PolicySchema.apply(pairs, to: &policy, cast: addresses, others: ["account"])
    self.policy = policy
    keys = pairs.map(\.key).filter { $0 != "account" }
  }

  var text: String { "the policy of \(account) changes: \(keys.joined(separator: ", "))" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.administer(.setPolicy(account: account, policy)))
    return .done
  }
}

/// `deactivate: acme`
struct DeactivateStep: Step {
  static let keyword = "deactivate"
  static let summary = "The organization of an account becomes inactive, or has no credits left."

  private let account: String

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) { account = try scope.account(place) }

  var text: String { "\(account) becomes inactive" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.administer(.setActive(account: account, false)))
    return .done
  }
}

/// `endSession: demo`
struct EndSessionStep: Step {
  static let keyword = "endSession"
  static let summary = "The API ends a session: BYE with Reason on all its legs."

  private let session: String

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    session = try place.word(scope.scenario.sessions.map { ($0.name, $0.id) })
  }

  var text: String { "\(session) is ended by the API" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.administer(.endSession(session)))
    return .done
  }
}
