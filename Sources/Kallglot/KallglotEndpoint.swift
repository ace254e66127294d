import KallglotPolicy
import CallControl
import Media
import SIPComposition
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import SecureTransport

/// The Kallglot SIP endpoint as one host: it wires the policy (``AdmissionDesk``), the sessions (``SessionCore``) and the registrations
/// (``Registrar``) to a ``CallAgent``.
///
/// Every decision is an ``EndpointEvent/decision(_:_:_:)`` with its rule, its setting and whether it is Kallglot's word or the Lab's.
public final class KallglotEndpoint: ScriptedHost, TimerNaming {
  public typealias Event = EndpointEvent

  let configuration: Configuration
  let agent: CallAgent
  let admission: AdmissionDesk
  @exclusivity(unchecked) var sessions: SessionCore<LegID>
  var registrar = Registrar()
  /// Whether the peer of a leg allows INFO.
  var takesInfo = SerialTable<Bool>()
  /// What its TLS is made of; nil where it was given contexts, which no policy changes.
  private let identity: EndpointTLS?
  private var tls: Policy.TLS

  /// - Parameter tls: the context of TLS listeners; nil where none listens.
  public convenience init(
    _ configuration: Configuration, tls: TLSContext?, clientTLS: TLSContext? = nil, entropy: Entropy, epoch: Epoch
  ) {
    self.init(configuration, nil, (tls, clientTLS), entropy: entropy, epoch: epoch)
  }

  /// One whose TLS is as its policy says, also after a change.
  ///
  /// - Parameter identity: nil where it has no TLS.
  public convenience init(
    _ configuration: Configuration, identity: EndpointTLS?, entropy: Entropy, epoch: Epoch
  ) throws(TLSError) {
    let policy = Self.tlsPolicy(configuration.accounts, configuration.listener)
    let contexts = (try identity?.server(policy), try identity?.client(policy))
    self.init(configuration, identity, contexts, entropy: entropy, epoch: epoch)
  }

  private init(
    _ configuration: Configuration, _ identity: EndpointTLS?, _ contexts: (server: TLSContext?, client: TLSContext?), entropy: Entropy,
    epoch: Epoch
  ) {
    self.configuration = configuration
    (self.identity, tls) = (identity, Self.tlsPolicy(configuration.accounts, configuration.listener))
    agent = CallAgent(
      configuration.callAgent, serverTLS: contexts.server, clientTLS: contexts.client, entropy: entropy, epoch: epoch)
    admission = AdmissionDesk(
      place: configuration.place, listener: configuration.listener, accounts: configuration.accounts, entropy: entropy.fork("nonce"))
    sessions = SessionCore(configuration.sessions)
    agent.userAgent.gate = admission.gate
  }

  /// A connection says nothing of accounts: whose TLS is the only account's, else the listener's.
  private static func tlsPolicy(_ accounts: [Account], _ listener: Policy) -> Policy.TLS {
    accounts.count == 1 ? accounts[0].policy.tls : listener.tls
  }

  /// New connections are made by what the policy says now.
  private func renewTLS(_ out: inout Outbox) {
    let policy = (admission.accounts.only?.policy ?? admission.listener).tls
    guard let identity, policy != tls else { return }
    do throws(TLSError) {
      agent.userAgent.use(serverTLS: try identity.server(policy), clientTLS: try identity.client(policy))
      tls = policy
    } catch {
      out.event(EndpointEvent.tlsKept(reason: "\(error)"))
    }
  }

  // MARK: - NetworkHost

  public func start(at now: Instant, _ out: inout Outbox) {
    agent.start(at: now, &out)
    handleSignals(at: now, &out)
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    agent.receive(arrival, at: now, &out)
    handleSignals(at: now, &out)
  }

  public func wake(at now: Instant, _ out: inout Outbox) {
    agent.wake(at: now, &out)
    handleSignals(at: now, &out)
    while let outputs = sessions.takeExpired(at: now) {
      carryOut(outputs, at: now, &out)
      handleSignals(at: now, &out)
    }
  }

  public var nextDeadline: Instant? {
    guard let own = sessions.nextDeadline else { return agent.nextDeadline }
    return agent.nextDeadline.map { min($0, own) } ?? own
  }

  public var nextTimer: String? { sessions.nextDeadline.map { $0 == nextDeadline } == true ? "a session" : agent.nextTimer }

  public func perform(_ command: Command, at now: Instant, _ out: inout Outbox) {
    switch command {
    case .party(.call(var request)):
      request.capability = request.capability ?? configuration.listener.capability(calling: request.hop)
      agent.perform(.call(request), at: now, &out)
    case .party(let command): agent.perform(command, at: now, &out)
    case .administer(.setPolicy(let account, let policy)):
      admission.accounts.setPolicy(policy, of: account)
      agent.userAgent.gate = admission.gate
      renewTLS(&out)
    case .administer(.setPassword(let account, let password)): admission.accounts.setPassword(password, of: account)
    case .administer(.setActive(let account, let isActive)): admission.accounts.setActive(isActive, of: account)
    case .administer(.callAccount(let account, let name)): callAccount(account, name: name, at: now, &out)
    case .administer(.endSession(let id)): carryOut(sessions.handle(.endSession(id), at: now), at: now, &out)
    }
    handleSignals(at: now, &out)
  }

  // MARK: - What is asked of it

  /// Calls that are up or being set up.
  public var liveCalls: Int { agent.liveLegs }

  /// The accounts in their order: calls that count against the cap, and the cap.
  public var accountLoads: [(name: String, up: Int, cap: Int)] {
    admission.accounts.names.map { name in
      (name, sessions.calls(of: name), admission.accounts[name]?.policy.maxConcurrentCalls ?? 0)
    }
  }

  /// What was sent and received so far on a leg that has not ended; nil before its media began.
  public func mediaReport(of id: LegID) -> MediaReport? { agent.mediaReport(of: id) }

  // MARK: - Signals of the user agent

  /// One list: what a reaction causes comes after what had already happened.
  private func handleSignals(at now: Instant, _ out: inout Outbox) {
    while let signal = agent.nextSignal() {
      switch signal {
      case .event(let event): handle(event, at: now, &out)
      case .incoming(let id, let request): admit(ServedRequest(id, request), at: now, &out)
      case .request(let request): answer(ServedRequest(request), at: now, &out)
      case .defective(let server, let message, let defect): answer(ServedRequest(server, message), defect, at: now, &out)
      case .inDialog(let id, let request): answerInDialog(id, request, at: now, &out)
      case .accepted(let flow): judgeConnection(flow, at: now, &out)
      case .dropped(let id, let message): drop(id, message, at: now, &out)
      }
    }
  }

  private func handle(_ event: CallAgentEvent, at now: Instant, _ out: inout Outbox) {
    out.event(EndpointEvent.party(event))
    switch event {
    case .established(let id, _):
      carryOut(sessions.handle(.established(id), at: now), at: now, &out)
      join(id, at: now, &out)
      if let tone = configuration.tone { agent.perform(.speak(id, .tone(tone), for: nil), at: now, &out) }
    case .digit(let id, let digit): relay(digit, of: id, at: now, &out)
    case .ended(let id, _, _):
      _ = takesInfo.remove(id.rawValue)
      carryOut(sessions.handle(.ended(id), at: now), at: now, &out)
    default: break
    }
  }

  /// Gives a leg that is up what it is to hear.
  private func join(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    switch configuration.audio {
    case .silence: break
    case .echo: agent.perform(.bridge(id, nil), at: now, &out)
    case .bridge: if let other = sessions.partner(of: id) { agent.perform(.bridge(id, other), at: now, &out) }
    }
  }

  /// A connection from an address that the policy drops is reset before a byte is read (contract 8.1, step 3).
  private func judgeConnection(_ flow: Flow, at now: Instant, _ out: inout Outbox) {
    guard let failure = admission.droppingRule(flow) else { return }
    out.event(EndpointEvent.decision(nil, failure, JudgedRequest(method: "", peer: flow.remote)))
    agent.drop(flow, at: now, &out)
  }

  /// The gate kept a request out: it has no transaction, and gets no word.
  private func drop(_ id: LegID?, _ message: InboundMessage, at now: Instant, _ out: inout Outbox) {
    guard let failure = admission.droppingRule(message.flow) else { return }
    out.event(EndpointEvent.decision(id, failure, JudgedRequest(message)))
    if message.flow.transport.isReliable { agent.drop(message.flow, at: now, &out) }
  }

  // MARK: - Outputs of the sessions

  func carryOut(_ outputs: [SessionCore<LegID>.Output], at now: Instant, _ out: inout Outbox) {
    for output in outputs {
      switch output {
      case .joined(let id, let session, let account, let role):
        out.event(EndpointEvent.joined(id, session: session, account: account, role: role))
      case .sessionEnded(let session, let end): out.event(EndpointEvent.sessionEnded(session, reason: end.reason))
      case .hangUp(let id, .sessionEnded):
        agent.hangUp(id, fields: [Self.reason("Session ended")], at: now, &out)
      case .hangUp(let id, .durationReached):
        let fields = [Self.reason("Maximum call duration")]
        agent.hangUp(id, because: .durationReached, fields: fields, at: now, &out)
      }
    }
  }

  private static func reason(_ text: String) -> HeaderField { HeaderField(.reason, "SIP;cause=200;text=\"\(text)\"") }

  // MARK: - Calls of its own

  /// Calls an account where it registered: the Request-URI is its whole Contact, parameters included (RFC 3261 §16.5), since some products
  /// know their trunk by one (Asterisk's `line`).
  private func callAccount(_ account: String, name: String?, at now: Instant, _ out: inout Outbox) {
    guard let binding = registrar.latestBinding(of: account, at: now) else {
      return out.event(EndpointEvent.notCalled(account: account, reason: "it has no registered contact"))
    }
    let policy = admission.accounts[account]?.policy ?? configuration.listener
    let way = binding.way(policy.natContact) { agent.userAgent.isUsable($0) }
    let decision = PolicyDecision(
      .registration, setting: "natContact", .passed, detail: "\(account) is called \(way); its Contact is \(binding.contact)")
    out.event(EndpointEvent.decision(nil, decision, JudgedRequest(method: "INVITE", peer: way.hop.first?.address, isOurs: true)))
    var request = CallRequest(name: name, uri: binding.contact, hop: way.hop, flow: way.flow)
    request.prefersFlow = policy.natContact == .flow
    request.capability = policy.capability(calling: request.hop)
    agent.perform(.call(request), at: now, &out)
  }
}
