import KallglotPolicy
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

// Whose policy, and who is calling: steps 1 to 5 for any request outside dialogs (contract 8.1).
extension KallglotEndpoint {
  /// What steps 1 to 5 said.
  struct Judgement {
    enum Outcome {
      case passed(Account)
      case refused(PolicyDecision)
      case challenged(PolicyDecision, [MessageDraft.Field])
    }
    var outcome: Outcome
    /// The steps that passed, in order.
    var decisions: [PolicyDecision] = []
  }

  /// The account whose policy judges a request before it is authenticated: the session's owner, else the Authorization's user, else the
  /// only account; nil = the listener's policy.
  func candidate(_ message: SIPMessage) -> Account? { candidate(message, credentials(of: message)) }

  private func candidate(_ message: SIPMessage, _ credentials: DigestCredentials?) -> Account? {
    if let user = try? message.requestURI().unescapedUser, user.hasPrefix("sess_"), let owner = sessions[user]?.account,
      let account = accounts[owner]
    {
      return account
    }
    if let username = credentials?.username, let account = account(username: username) { return account }
    return accountNames.count == 1 ? accountNames.first.flatMap { accounts[$0] } : nil
  }

  func account(username: String) -> Account? {
    for name in accountNames {
      if let account = accounts[name], account.username == username { return account }
    }
    return nil
  }

  /// Steps 1 to 4 by the candidate's policy, digest, then steps 1 to 4 again with the account that proved itself.
  func judge(_ message: SIPMessage, _ flow: Flow, at now: Instant) -> Judgement {
    let credentials = credentials(of: message)
    let candidate = candidate(message, credentials)
    let policy = candidate?.policy ?? configuration.listener
    if let failure = AccessChecks.firstFailure(policy, flow: flow) { return Judgement(outcome: .refused(failure)) }
    guard policy.authentication == .digest else {
      let account = candidate ?? Account(name: "", username: "", password: Secret(""), policy: policy)
      let passed = PolicyDecision(.authentication, setting: "authentication", .passed, detail: "no authentication is required")
      return Judgement(outcome: .passed(account), decisions: [passed])
    }
    let verdict = verify(message, credentials, algorithms: policy.digestAlgorithms.map(\.algorithm), at: now)
    switch verdict {
    case .accepted(let username, let foreignURI):
      guard let account = account(username: username) else { return Judgement(outcome: .refused(Self.wrong("unknown username"))) }
      if let failure = AccessChecks.firstFailure(account.policy, flow: flow) { return Judgement(outcome: .refused(failure)) }
      let passed = PolicyDecision(.authentication, .passed, detail: "account \(account.name)\(Self.note(foreignURI, message))")
      return Judgement(outcome: .passed(account), decisions: [passed])
    case .wrongCredentials(let why): return Judgement(outcome: .refused(Self.wrong(why.rawValue)))
    case .noCredentials: return challenge(policy, stale: false, detail: "no credentials for realm \(configuration.domain)", at: now)
    case .staleNonce: return challenge(policy, stale: true, detail: "nonce is older than 300 s", at: now)
    case .unknownNonce: return challenge(policy, stale: true, detail: "nonce was not issued here", at: now)
    case .replayed: return challenge(policy, stale: true, detail: "nonce count was used before", at: now)
    }
  }

  /// What the log says of a digest over another URI, which is no failure (RFC 3261 §22.4 item 4).
  private static func note(_ foreignURI: String?, _ message: SIPMessage) -> String {
    guard let foreignURI else { return "" }
    let target = message.requestURIBytes?.prefix(128).text ?? ""
    return "; its digest is over \(foreignURI.prefix(128)), the Request-URI is \(target) (RFC 3261 §22.4: a proxy may have rewritten it)"
  }

  private static func wrong(_ detail: String) -> PolicyDecision {
    PolicyDecision(.authentication, setting: "authentication", .refused(status: 403), detail: detail)
  }

  private func challenge(_ policy: Policy, stale: Bool, detail: String, at now: Instant) -> Judgement {
    let challenges = digest.challenges(policy.digestAlgorithms.map(\.algorithm), stale: stale, at: now)
    let fields = challenges.map { MessageDraft.Field(.wwwAuthenticate, $0.description) }
    let algorithms = policy.digestAlgorithms.map(\.rawValue).joined(separator: ", ")
    let decision = PolicyDecision(
      .authentication, setting: "digestAlgorithms", .challenged, detail: "\(detail); offered \(algorithms)\(stale ? ", stale" : "")")
    return Judgement(outcome: .challenged(decision, fields))
  }

  private func verify(_ message: SIPMessage, _ credentials: DigestCredentials?, algorithms: [DigestAlgorithm], at now: Instant)
    -> DigestVerdict
  {
    guard let method = message.method, let uri = message.requestURIBytes else { return .noCredentials }
    let password = credentials?.username.flatMap(account(username:))?.password
    return digest.verify(credentials, method: method, requestURI: uri, algorithms: algorithms, password: password, at: now)
  }

  /// The digest credentials for our realm. A client may answer each challenge of ours (RFC 7235 §4.2): those with an algorithm that can be
  /// checked come first.
  private func credentials(of message: SIPMessage) -> DigestCredentials? {
    let ours = message.digestCredentials(.authorization).filter { $0.isFor(realm: configuration.domain) }
    guard ours.count > 1 else { return ours.first }
    return ours.first { DigestAlgorithm(parameter: $0.algorithm) != nil } ?? ours.first
  }
}
