import KallglotPolicy
import Legs
import Media
import SDP
import SIPComposition
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import SecureTransport

/// The Kallglot SIP endpoint as one host: policy in front, a ``Party`` behind it.
///
/// Every decision is told as ``EndpointEvent/decision(_:_:method:source:)`` with its rule, its setting and whether it is Kallglot's word
/// or the Lab's. The order of the checks is that of contract 8.1 and stands in `KallglotEndpoint+Admission`.
public final class KallglotEndpoint: ScriptedHost {
  public struct Configuration: Sendable {
    /// Realm and our domain in URIs.
    public var domain: String
    public var accounts: [Account]
    public var sessions: [Session]
    /// The policy that holds where no account can be told.
    public var listener: Policy
    public var listeners: [TransportListener]
    public var mediaAddress: IPAddress
    /// From the INVITE to the 200.
    public var answerDelay: Duration
    /// A tone that every answered leg hears; nil = silence.
    public var tone: Tone?
    public var sendsMedia: Bool
    public var style: MessageStyle

    public init(
      domain: String = "sip.kallglot.com", accounts: [Account] = [], sessions: [Session] = [], listener: Policy = .standard,
      listeners: [TransportListener], mediaAddress: IPAddress, answerDelay: Duration = .zero, tone: Tone? = nil,
      sendsMedia: Bool = true, style: MessageStyle = .kallglot
    ) {
      self.domain = domain
      self.accounts = accounts
      self.sessions = sessions
      self.listener = listener
      self.listeners = listeners
      self.mediaAddress = mediaAddress
      self.answerDelay = answerDelay
      self.tone = tone
      self.sendsMedia = sendsMedia
      self.style = style
    }
  }

  public enum Command: Sendable {
    case party(PartyCommand)
    case administer(Administration)
  }

  public typealias Event = EndpointEvent

  let configuration: Configuration
  let party: Party
  var accounts: [String: Account]
  let accountNames: [String]
  var sessions: SessionTable
  var registrar = Registrar()
  var digest: DigestServer
  /// What a leg was admitted with: the account whose cap it counts against, and the policy of that moment, which holds to its end.
  struct Admission {
    var account: String
    var policy: Policy
  }

  @exclusivity(unchecked) var admitted: [LegID: Admission] = [:]
  /// Sessions without legs, until their grace is over.
  @exclusivity(unchecked) var sessionDeadlines = DeadlineQueue<String>()
  /// Calls that may not last for ever.
  @exclusivity(unchecked) var durationDeadlines = DeadlineQueue<LegID>()
  var callsByAccount: [String: Int] = [:]

  /// - Parameter tls: the context of TLS listeners; nil where none listens.
  public init(_ configuration: Configuration, tls: TLSContext?, clientTLS: TLSContext? = nil, entropy: Entropy, epoch: Epoch) {
    self.configuration = configuration
    let policy = configuration.listener
    party = Party(
      Party.Configuration(
        userAgent: UserAgent.Configuration(
          style: configuration.style, listeners: configuration.listeners,
          prefersFlowOverContact: policy.natContact == .flow, contactHost: policy.contactHost),
        capability: AudioCapability(codecs: policy.spokenCodecs), mediaAddress: configuration.mediaAddress,
        mediaPorts: policy.mediaPorts,
        descriptions: DescriptionStyle(originUser: "kallglot", sessionName: "kallglot"),
        aor: NameAddress(uri: SIPURI(host: configuration.domain, user: "kallglot")), answerDelay: configuration.answerDelay,
        rtpTimeout: policy.rtpTimeout, sendsMedia: configuration.sendsMedia),
      serverTLS: tls, clientTLS: clientTLS, entropy: entropy, epoch: epoch)
    accounts = Dictionary(configuration.accounts.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    accountNames = configuration.accounts.map(\.name)
    sessions = SessionTable(configuration.sessions)
    digest = DigestServer(realm: configuration.domain, entropy: entropy.fork("nonce"))
    party.userAgent.mayAnswer = { [unowned self] flow in droppingRule(flow) == nil }
  }

  // MARK: - NetworkHost

  public func start(at now: Instant, _ out: inout Outbox) { handle(party.start(at: now, &out), at: now, &out) }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    handle(party.receive(arrival, at: now, &out), at: now, &out)
  }

  public func wake(at now: Instant, _ out: inout Outbox) {
    handle(party.wake(at: now, &out), at: now, &out)
    while let id = durationDeadlines.takeExpired(at: now) {
      let reason = [MessageDraft.Field(.reason, "SIP;cause=200;text=\"Maximum call duration\"")]
      handle(party.hangUp(id, because: .durationReached, fields: reason, at: now, &out), at: now, &out)
    }
    while let id = sessionDeadlines.takeExpired(at: now) { complete(id, &out) }
  }

  public var nextDeadline: Instant? {
    var earliest = party.nextDeadline ?? .distantFuture
    if let candidate = durationDeadlines.next { earliest = min(earliest, candidate) }
    if let candidate = sessionDeadlines.next { earliest = min(earliest, candidate) }
    return earliest == .distantFuture ? nil : earliest
  }

  public func perform(_ command: Command, at now: Instant, _ out: inout Outbox) {
    switch command {
    case .party(let command): handle(party.perform(command, at: now, &out), at: now, &out)
    case .administer(let change): administer(change, at: now, &out)
    }
  }

  private func administer(_ change: Administration, at now: Instant, _ out: inout Outbox) {
    switch change {
    case .setPolicy(let name, let policy): accounts[name]?.policy = policy
    case .setPassword(let name, let password): accounts[name]?.password = password
    case .setActive(let name, let isActive): accounts[name]?.isActive = isActive
    case .callAccount(let account, let name): callAccount(account, name: name, at: now, &out)
    case .endSession(let id):
      let reason = [MessageDraft.Field(.reason, "SIP;cause=200;text=\"Session ended\"")]
      guard let state = sessions[id]?.state, state != .ended else { return }
      out.event(EndpointEvent.sessionEnded(id, reason: "ended by the API"))
      for leg in sessions.end(id) { handle(party.hangUp(leg, fields: reason, at: now, &out), at: now, &out) }
    }
  }

  /// Calls that are up or being set up.
  public var liveCalls: Int { party.liveLegs }

  /// The accounts in their order: calls that count against the cap, and the cap.
  public var accountLoads: [(name: String, up: Int, cap: Int)] {
    accountNames.map { ($0, callsByAccount[$0, default: 0], accounts[$0]?.policy.maxConcurrentCalls ?? 0) }
  }

  /// What was sent and received so far on a leg that has not ended; nil before its media began.
  public func mediaReport(of id: LegID) -> MediaReport? { party.mediaReport(of: id) }

  // MARK: - Signals

  func handle(_ signals: [Party.Signal], at now: Instant, _ out: inout Outbox) {
    for signal in signals {
      switch signal {
      case .event(let event): handle(event, at: now, &out)
      case .incoming(let id, let message, let flow): admit(id, message, flow, at: now, &out)
      case .request(let server, let message, let flow): answer(server, message, flow, at: now, &out)
      case .defective(let server, let message, let flow, let defect): answer(server, message, flow, defect, at: now, &out)
      case .inDialog(let id, let server, let message): answerInDialog(id, server, message, at: now, &out)
      case .accepted(let flow): judgeConnection(flow, at: now, &out)
      }
    }
  }

  private func handle(_ event: PartyEvent, at now: Instant, _ out: inout Outbox) {
    out.event(EndpointEvent.party(event))
    switch event {
    case .established(let id, _):
      sessions.activate(id)
      if let limit = admitted[id]?.policy.maxCallDuration { durationDeadlines.set(id, at: now.advanced(by: limit)) }
      if let tone = configuration.tone { handle(party.perform(.speak(id, tone, for: nil), at: now, &out), at: now, &out) }
    case .ended(let id, _, _): release(id, at: now, &out)
    default: break
    }
  }

  private func release(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    let admission = admitted.removeValue(forKey: id)
    durationDeadlines.remove(id)
    if let session = sessions.leave(id) {
      let grace = admission?.policy.byeGrace ?? .zero
      if grace > .zero { sessionDeadlines.set(session, at: now.advanced(by: grace)) } else { complete(session, &out) }
    }
    guard let account = admission?.account else { return }
    let left = callsByAccount[account, default: 1] - 1
    callsByAccount[account] = left > 0 ? left : nil
  }

  /// The session is over: its last leg is gone and nobody joined it since.
  private func complete(_ id: String, _ out: inout Outbox) {
    if sessions.complete(id) { out.event(EndpointEvent.sessionEnded(id, reason: "completed")) }
  }

  func tell(_ decision: PolicyDecision, leg: LegID?, _ message: SIPMessage, _ flow: Flow, _ out: inout Outbox) {
    let request = JudgedRequest(method: message.method?.token ?? "", peer: flow.remote, callID: (try? message.callID()) ?? "")
    out.event(EndpointEvent.decision(leg, decision, request))
  }
}

extension MessageStyle {
  /// How the endpoint writes: the RFC's order, its own name.
  public static let kallglot: MessageStyle = {
    var style = MessageStyle.plain
    style.product = "Kallglot"
    style.allow = [.invite, .ack, .bye, .cancel, .options, .register, .info]
    return style
  }()
}
