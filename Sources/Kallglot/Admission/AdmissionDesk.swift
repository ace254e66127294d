import KallglotPolicy
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// Where requests outside dialogs are judged: it knows the accounts and the nonces, asks the rules in their order, and answers nobody.
final class AdmissionDesk {
  /// What steps 1 to 5 said of a request.
  enum Authentication {
    /// With the decision of step 5, which is worth a line in the log.
    case passed(Account, PolicyDecision)
    case refused(PolicyDecision)
    case challenged(PolicyDecision, [DigestChallenge])
  }

  /// What steps 6 to 9 said of an INVITE, as far as they can be asked before the call is taken in.
  enum Admission {
    /// With the passes that are worth a line in the log: those that have a detail.
    case passed(Ticket, [PolicyDecision])
    case refused(PolicyDecision)
  }

  /// What a call is admitted with.
  struct Ticket {
    var account: Account
    var destination: SessionCore<LegID>.Destination
    var context: AdmissionContext
  }

  let place: EndpointPlace
  /// The policy that holds where no account can be told.
  let listener: Policy
  var accounts: AccountTable
  private var digest: DigestServer

  /// - Parameter entropy: for nonces.
  init(place: EndpointPlace, listener: Policy, accounts: [Account], entropy: Entropy) {
    self.place = place
    self.listener = listener
    self.accounts = AccountTable(accounts)
    digest = DigestServer(realm: place.domain, entropy: entropy)
  }

  // MARK: - Steps 1 to 4

  /// The first of steps 1 to 4 that fails, by the policy of whoever the request seems to come from; nil when all pass.
  func accessFailure(_ request: AdmissionRequest, _ sessions: SessionCore<LegID>) -> PolicyDecision? {
    AdmissionOrder.access.firstFailure(request, context(of: request, sessions))
  }

  /// The sources that get no word at all, before it is known who they are. Where there are several accounts a request says whose policy it
  /// is, so the gate lets it in to be judged.
  var gate: DropGate {
    let policy = accounts.only?.policy ?? listener
    guard policy.allowlistRefusal == .drop, !policy.allow.isEmpty else { return .open }
    let context = AdmissionContext(place: place, policy: policy)
    let transports = SIPTransportProtocol.allCases.filter { transport in
      let flow = Flow(
        transport: transport, local: .init(.anyV4, port: 0), remote: .init(.anyV4, port: 0), path: .port(PortID(0)))
      let request = AdmissionRequest(method: .options, flow: flow, target: nil)
      return TransportRule.check(request, context).verdict == .passed && RequireTLSRule.check(request, context).verdict == .passed
    }
    return DropGate(admitting: policy.allow, over: transports, coversRequests: accounts.names.count < 2)
  }

  /// The rule by which a peer gets no word at all, before it is known who it is; a connection is closed by it before a byte is read.
  func droppingRule(_ flow: Flow) -> PolicyDecision? {
    let policy = accounts.only?.policy ?? listener
    guard policy.allowlistRefusal == .drop else { return nil }
    let request = AdmissionRequest(method: .options, flow: flow, target: nil)
    let failure = AdmissionOrder.access.firstFailure(request, AdmissionContext(place: place, policy: policy))
    return failure?.verdict == .dropped ? failure : nil
  }

  /// Before a request is authenticated its policy is that of the session's owner, else of the Authorization's user, else of the only
  /// account, else the listener's.
  func context(of request: AdmissionRequest, _ sessions: SessionCore<LegID>) -> AdmissionContext {
    let candidate = candidate(request, sessions)
    return AdmissionContext(place: place, policy: candidate?.policy ?? listener, account: candidate)
  }

  private func candidate(_ request: AdmissionRequest, _ sessions: SessionCore<LegID>) -> Account? {
    if let owner = request.sessionID.flatMap({ sessions[$0]?.account }), let account = accounts[owner] { return account }
    if let username = request.credentials?.username, let account = accounts.account(username: username) { return account }
    return accounts.only
  }

  // MARK: - Step 5

  /// Steps 1 to 4 by the candidate's policy, digest, then steps 1 to 4 again by that of the account that proved itself.
  func authenticate(_ request: AdmissionRequest, _ sessions: SessionCore<LegID>, at now: Instant) -> Authentication {
    var context = context(of: request, sessions)
    if let failure = AdmissionOrder.access.firstFailure(request, context) { return .refused(failure) }
    guard context.policy.authentication == .digest else {
      let account = context.account ?? Account(name: "", username: "", password: Secret(""), policy: context.policy)
      return .passed(account, DigestRule.check(request, context))
    }
    let algorithms = context.policy.digestAlgorithms.map(\.algorithm)
    let verdict = verify(request, algorithms, at: now)
    var proven: Account?
    if case .accepted(let username, _) = verdict { proven = accounts.account(username: username) }
    context.proof = .verdict(verdict, proven)
    let decision = DigestRule.check(request, context)
    switch (decision.verdict, proven) {
    case (.challenged, _): return .challenged(decision, digest.challenges(algorithms, stale: verdict.isStale, at: now))
    case (.passed, let account?):
      let own = AdmissionContext(place: place, policy: account.policy, account: account)
      if let failure = AdmissionOrder.access.firstFailure(request, own) { return .refused(failure) }
      return .passed(account, decision)
    case (.passed, nil), (.refused, _), (.dropped, _): return .refused(decision)
    }
  }

  private func verify(_ request: AdmissionRequest, _ algorithms: [DigestAlgorithm], at now: Instant) -> DigestVerdict {
    let password = request.credentials?.username.flatMap(accounts.account(username:))?.password
    return digest.verify(
      request.credentials, method: request.method, requestURI: request.targetText, algorithms: algorithms, password: password, at: now)
  }

  // MARK: - Steps 6 to 9

  /// - Parameter account: who steps 1 to 5 say it is.
  func admit(_ request: AdmissionRequest, _ account: Account, _ sessions: SessionCore<LegID>) -> Admission {
    var context = AdmissionContext(place: place, policy: account.policy, account: account)
    context.calls = sessions.calls(of: account.name)
    if let id = request.sessionID {
      context.session = .named(id, sessions.lookUp(id, account: account.policy.authentication == .none ? nil : account.name))
    }
    var passes: [PolicyDecision] = []
    for rule in AdmissionOrder.call {
      let decision = rule.check(request, context)
      guard decision.verdict == .passed else { return .refused(decision) }
      if !decision.detail.isEmpty { passes.append(decision) }
    }
    return .passed(Ticket(account: account, destination: request.sessionID.map { .session($0) } ?? .inbound, context: context), passes)
  }
}
