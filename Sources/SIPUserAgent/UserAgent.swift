import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO
import SecureTransport

/// The user agent core of RFC 3261 §8 and §12 to §15: dialogs and INVITE usages on top of one transport and one transaction layer.
///
/// It decides nothing about who may call: it tells its party (``UserAgentEvent``) and does as told. One object a host, owned by that
/// host. Its parts: the caller's side in `UserAgent+Caller`, with redirections in `UserAgent+Targets` and forks in `UserAgent+Forks`; the
/// called side in `UserAgent+Incoming` and `UserAgent+Callee`; requests outside dialogs in `UserAgent+Requests`, message building in
/// `UserAgent+Messages`, the way of each message in `UserAgent+Flows`.
public final class UserAgent {
  public struct Configuration: Sendable {
    public var style: MessageStyle
    public var timers: SIPTimers
    public var listeners: [TransportListener]
    public var limits: SIPLimits
    /// Send requests of a dialog without Route over the flow it came by when Contact names another address (contract: `natContact`).
    public var prefersFlowOverContact: Bool
    /// The host of Contact; nil = the address the message leaves from.
    public var contactHost: String?
    /// URI schemes besides sip and sips that a Request-URI may have; others get 416 (RFC 3261 §8.2.2.1).
    public var foreignSchemes: Set<String> = []
    /// Requests over UDP that are longer, in bytes, go over TCP (RFC 3261 §18.1.1); nil = never.
    public var datagramLimit: Int? = 1_300
    /// The answer that declines an offer, for a 2xx that nobody wants and that has to be acknowledged (RFC 3261 §13.2.2.4).
    public var decline: @Sendable (Bytes) -> Bytes = { _ in Bytes() }
    /// Follow a 3xx to its contacts (RFC 3261 §8.1.3.4).
    public var followsRedirections = true

    public init(
      style: MessageStyle = .plain, timers: SIPTimers = .standard, listeners: [TransportListener], limits: SIPLimits = .standard,
      prefersFlowOverContact: Bool = true, contactHost: String? = nil
    ) {
      self.style = style
      self.timers = timers
      self.listeners = listeners
      self.limits = limits
      self.prefersFlowOverContact = prefersFlowOverContact
      self.contactHost = contactHost
    }
  }

  /// What makes two requests the same one (RFC 3261 §8.2.2.2).
  struct MergeKey: Hashable {
    var fromTag: String
    var callID: String
    var sequence: UInt32
    var method: SIPMethod
  }

  /// Why a client transaction exists.
  enum ClientPurpose {
    case invite(LegID)
    case cancel(LegID)
    case bye(LegID)
    case reinvite(LegID)
    case request(RequestID)
  }

  public let configuration: Configuration
  /// The Allow value of this user agent.
  public let allowValue: String
  /// The values of Supported, one a header.
  let supportedInRequests: [String]
  let supportedInResponses: [String]
  let orders: HeaderOrders
  let transport: SIPTransportLayer
  let transactions: TransactionLayer
  let epoch: Epoch
  var mint: IdentifierMint
  var clientNonces: Entropy
  /// Of all our accounts, over requests and calls.
  var nonceCounts = NonceCounts()

  // Unchecked: touched for every message by code that cannot overlap itself, where the checks of exclusive access cost one part in thirty.
  @exclusivity(unchecked) var usages: [LegID: InviteUsage] = [:]
  /// Legs by the tag that this side chose: what a request within a dialog names.
  var legsByTag: [String: LegID] = [:]
  /// Status and Call-ID of the refusals that wait for their ACK.
  var unacknowledged: [ServerID: (status: Int, callID: String)] = [:]
  @exclusivity(unchecked) var purposes: [TransactionLayer.ClientID: ClientPurpose] = [:]
  var legsByServer: [ServerID: LegID] = [:]
  /// Requests outside dialogs that are being served, to tell a copy that came by another path.
  var mergeKeys: [MergeKey: ServerID] = [:]
  var mergeKeysByServer: [ServerID: MergeKey] = [:]
  var requests: [RequestID: OutgoingRequest] = [:]
  /// Calls of ours that are over while late 2xx may still come.
  var remains: [LegID: InviteUsage] = [:]
  /// Requests that went over TCP for their size.
  var oversized: [TransactionLayer.ClientID: OversizedRequest] = [:]
  @exclusivity(unchecked) var deadlines = DeadlineQueue<LegID>()
  /// Set only while the machine handles the input they belong to.
  var refusals: [LegID: Refusal] = [:]
  var acknowledgements: [LegID: SIPMessage] = [:]
  private var lastLeg: UInt32 = 0
  private var lastRequest: UInt32 = 0

  @exclusivity(unchecked) var transportEvents: [SIPTransportLayer.Event] = []
  @exclusivity(unchecked) var transactionOutputs: [TransactionLayer.Output] = []
  @exclusivity(unchecked) var events: [UserAgentEvent] = []
  var lastFlowTexts: (transport: SIPTransportProtocol, local: TransportAddress, texts: FlowTexts?) = (
    .udp, TransportAddress(.anyV4, port: 0), nil
  )
  /// What ``drain(at:_:)`` works on, while new ones gather; kept for their memory.
  @exclusivity(unchecked) private var handledEvents: [SIPTransportLayer.Event] = []
  @exclusivity(unchecked) private var handledOutputs: [TransactionLayer.Output] = []

  public init(
    _ configuration: Configuration, serverTLS: TLSContext?, clientTLS: TLSContext?, entropy: Entropy, epoch: Epoch,
    firstPort: PortID = PortID(1), firstConnection: ConnectionID = ConnectionID(2)
  ) {
    self.configuration = configuration
    self.epoch = epoch
    allowValue = configuration.style.allowed.map(\.token).joined(separator: ", ")
    supportedInRequests = configuration.style.supportedValues(inRequest: true)
    supportedInResponses = configuration.style.supportedValues(inRequest: false)
    orders = HeaderOrders(configuration.style.orders)
    transport = SIPTransportLayer(
      listeners: configuration.listeners, serverTLS: serverTLS, clientTLS: clientTLS, entropy: entropy.fork("transport"),
      epoch: epoch, limits: configuration.limits, firstPort: firstPort, firstConnection: firstConnection)
    transactions = TransactionLayer(timers: configuration.timers)
    mint = IdentifierMint(style: configuration.style, entropy: entropy)
    clientNonces = entropy.fork("cnonce")
    transactions.answersToSourcePort = configuration.style.reactions.answersToSourcePort
    transactions.finishAcknowledgement = { [unowned self] in self.spell(&$0, .request(.ack)) }
  }

  /// The legs that have not ended, in the order they began.
  public var liveLegs: [LegID] { usages.keys.sorted() }

  /// The flow that requests of a leg come and go by; nil when the leg has ended.
  public func flow(of leg: LegID) -> Flow? { usages[leg]?.flow }

  /// Whether something can be sent on a flow: a connection may have ended.
  public func isUsable(_ flow: Flow) -> Bool { transport.isUsable(flow) }

  /// Whether requests of a leg without Route go over its flow rather than to Contact; nil = as configured.
  public func prefer(flow: Bool?, for leg: LegID) { usages[leg]?.prefersFlow = flow }

  func newLegID() -> LegID {
    lastLeg += 1
    return LegID(lastLeg)
  }

  func newRequestID() -> RequestID {
    lastRequest += 1
    return RequestID(lastRequest)
  }

  // MARK: - Driving

  public func start(at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    transport.start(at: now, &out, &transportEvents)
    return drain(at: now, &out)
  }

  /// Whether the arrival belongs to signalling; the rest is the party's media.
  public func owns(_ arrival: Arrival) -> Bool { transport.owns(arrival) }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    transport.receive(arrival, at: now, &out, &transportEvents)
    return drain(at: now, &out)
  }

  public func wake(at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    transport.wake(at: now, &out, &transportEvents)
    transactions.wake(at: now, &transactionOutputs)
    while let leg = deadlines.takeExpired(at: now) { timerFired(leg, at: now, &out) }
    return drain(at: now, &out)
  }

  /// O(1).
  public var nextDeadline: Instant? {
    var earliest = transactions.nextDeadline ?? .distantFuture
    if let candidate = transport.nextDeadline { earliest = min(earliest, candidate) }
    if let candidate = deadlines.next { earliest = min(earliest, candidate) }
    return earliest == .distantFuture ? nil : earliest
  }

  /// Whether an unreadable request on a flow may be told what is wrong; nil = always. For a policy that drops.
  public var mayAnswer: ((Flow) -> Bool)? {
    get { transport.mayAnswer }
    set { transport.mayAnswer = newValue }
  }

  /// Closes a connection, or forgets a UDP peer; for a policy that drops.
  public func drop(_ flow: Flow, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    transport.close(flow, .reset, at: now, &out, &transportEvents)
    return drain(at: now, &out)
  }

  /// Passes what the layers said upwards until all of them are quiet.
  func drain(at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    while !transportEvents.isEmpty || !transactionOutputs.isEmpty {
      swap(&transportEvents, &handledEvents)
      for event in handledEvents { handle(event, at: now) }
      handledEvents.removeAll(keepingCapacity: true)
      swap(&transactionOutputs, &handledOutputs)
      for output in handledOutputs { handle(output, at: now, &out) }
      handledOutputs.removeAll(keepingCapacity: true)
    }
    guard !events.isEmpty else { return [] }
    defer { events = [] }
    return events
  }

  private func handle(_ event: SIPTransportLayer.Event, at now: Instant) {
    switch event {
    case .message(let message, let flow):
      if hasSeveralVias(message) { return }
      transactions.receive(message, on: flow, at: now, &transactionOutputs)
    case .flowFailed(let flow, let failure):
      transactions.flowFailed(flow, failure, at: now, &transactionOutputs)
      events.append(.flowFailed(flow, failure))
    case .sendFailed(let bytes, let label, let flow, let error):
      let failure = SocketFailure(.send, local: flow.local, remote: flow.remote, subject: label.subject, error: error)
      events.append(.socketFailed(label.dialog == 0 ? nil : LegID(label.dialog), failure))
      transactions.sendFailed(bytes, error, at: now, &transactionOutputs)
    case .unreachable(let flow, let error, isNew: let isNew):
      if isNew {
        events.append(.socketFailed(nil, SocketFailure(.unreachable, local: flow.local, remote: flow.remote, error: error)))
      }
      transactions.flowFailed(flow, .unreachable, at: now, &transactionOutputs)
    case .socketFailed(let failure): events.append(.socketFailed(nil, failure))
    case .acceptsAgain(let listener): events.append(.acceptsAgain(listener))
    case .listening(let listener):
      // The real port is known only now.
      lastFlowTexts.texts = nil
      events.append(.listening(listener))
    case .listenFailed(let listener, let failure): events.append(.listenFailed(listener, failure))
    case .malformed(let error, _, let flow): events.append(.malformed(rule: "\(error)", flow))
    case .rejected(let request, let status, let warning, let flow):
      let phrase = "\(SIPStatus.phrase(status)); Warning: \(warning)"
      events.append(.requestRefused(nil, RefusedRequest(request, status: status, phrase: phrase, on: flow)))
    case .accepted(let flow): events.append(.accepted(flow))
    case .flowOpened, .keepAlive: break
    }
  }

  /// A response with more than one Via was not meant for us: it is discarded (RFC 3261 §8.1.3.3).
  private func hasSeveralVias(_ message: SIPMessage) -> Bool {
    guard !message.isRequest, !message.hasOneVia else { return false }
    let count = message.commaValues(.via).count
    guard count > 1 else { return false }
    events.append(.violation(nil, PeerViolation(.severalVias, "\(message) has \(count)")))
    return true
  }

  private func handle(_ output: TransactionLayer.Output, at now: Instant, _ out: inout Outbox) {
    switch output {
    case .send(let bytes, let flow, let label):
      transport.send(bytes, on: flow, label, at: now, &out, &transportEvents)
    case .request(let id, let message, let flow): receiveRequest(id, message, flow, at: now, &out)
    case .ack(let message, _): receiveAcknowledgement(message, at: now, &out)
    case .cancelled(let invite, by: let cancel, let message, let flow):
      receiveCancel(of: invite, by: cancel, message, flow, at: now, &out)
    case .response(let id, let message, let flow): receiveResponse(id, message, flow, at: now, &out)
    case .failed(let id, let failure): clientFailed(id, failure, at: now, &out)
    case .reply(let bytes, let flow, port: let port, let label): reply(bytes, on: flow, port: port, label, at: now, &out)
    case .ended(let id):
      if !oversized.isEmpty { oversized[id] = nil }
      if let purpose = purposes.removeValue(forKey: id) { inviteTransactionEnded(purpose, id) }
    case .ackMissing(let id):
      let refusal = unacknowledged.removeValue(forKey: id).map { "\($0.status) \($0.callID)" }
      events.append(.violation(legsByServer[id], PeerViolation(.refusalNotAcknowledged, refusal ?? "")))
    case .endedServer(let id):
      legsByServer[id] = nil
      unacknowledged[id] = nil
      if let key = mergeKeysByServer.removeValue(forKey: id) { mergeKeys[key] = nil }
    case .unusable(let message, let error, let flow):
      events.append(.malformed(rule: "\(error)", flow))
      transport.reject(message, error, flow, at: now, &out, &transportEvents)
    case .strayResponse: break
    }
  }
}
