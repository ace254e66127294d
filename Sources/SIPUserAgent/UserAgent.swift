import Rules
import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO
import SecureTransport

/// The user agent core of RFC 3261 §8 and §12 to §15: it finds the ``Conversation`` that a message, a timer or a command is for, hands it
/// over and collects what comes of it.
///
/// It decides nothing about who may call: it tells its owner (``UserAgentEvent``) and does as told. One object a host, owned by that host.
public final class UserAgent {
  let stack: SIPStack
  let check: RequestCheck
  // Unchecked: touched for every message by code that cannot overlap itself, where the checks of exclusive access cost one part in thirty.
  @exclusivity(unchecked) private(set) var conversations = SerialTable<Conversation>()
  /// By the hash of the tag that this side chose: what a request within a dialog names.
  @exclusivity(unchecked) private var legsByTag: [UInt64: LegID] = [:]
  /// Requests that the owner has not answered yet.
  @exclusivity(unchecked) var asked = SerialTable<Asked>()
  /// INVITEs of which the owner has not said whether they are calls, by their leg.
  @exclusivity(unchecked) var arrivals = SerialTable<SIPRequest>()
  var merged = MergedRequests()
  var requests = OutOfDialogRequests()
  @exclusivity(unchecked) private var deadlines = DeadlineQueue<LegID>()
  private var lastLeg: UInt32 = 0

  /// A request of which the owner was told.
  struct Asked {
    var inbound: InboundMessage
    /// nil where it did not pass the audit.
    var request: SIPRequest?
  }

  public init(
    _ configuration: Configuration, serverTLS: TLSContext?, clientTLS: TLSContext?, entropy: Entropy, epoch: Epoch,
    firstPort: PortID = PortID(1), firstConnection: ConnectionID = ConnectionID(2)
  ) {
    stack = SIPStack(
      configuration, serverTLS: serverTLS, clientTLS: clientTLS, entropy: entropy, epoch: epoch, firstPort: firstPort,
      firstConnection: firstConnection)
    check = RequestCheck(configuration)
  }

  public var configuration: Configuration { stack.configuration }
  /// The Allow value of this user agent.
  public var allowValue: String { stack.composer.allowValue }
  /// The legs that have not ended, in the order they began.
  public var liveLegs: [LegID] { conversations.numbers.filter { conversations[$0]?.isLive == true }.map { LegID($0) } }
  /// The flow that requests of a leg come and go by; nil when the leg has ended.
  public func flow(of leg: LegID) -> Flow? { conversation(leg)?.path.flow ?? arrivals[leg.rawValue]?.flow }
  /// Whether something can be sent on a flow: a connection may have ended.
  public func isUsable(_ flow: Flow) -> Bool { stack.transport.isUsable(flow) }
  /// The Call-ID of a request that waits for its answer.
  public func callID(of id: RequestID) -> String? { requests.callID(of: id) }
  /// The Contact of a request that waits for its answer.
  public func contact(of id: RequestID) -> SIPURI? { requests.contact(of: id) }

  /// The TLS contexts of connections that are opened or accepted from now on; those that are there keep theirs.
  public func use(serverTLS: TLSContext, clientTLS: TLSContext) { stack.transport.use(serverTLS: serverTLS, clientTLS: clientTLS) }

  // MARK: - Driving

  public func start(at now: Instant, _ out: inout Outbox) {
    turn(at: now, &out) { stack.transport.start(at: now, &$0.out, &stack.transportEvents) }
  }

  /// Whether the arrival belongs to signalling; the rest is the owner's media.
  public func owns(_ arrival: Arrival) -> Bool {
    if case .resolved(let query, _) = arrival { return stack.locator.owns(query) }
    return stack.transport.owns(arrival)
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    if case .resolved(let query, let answer) = arrival { return turn(at: now, &out) { stack.resolved(query, answer, &$0) } }
    turn(at: now, &out) { stack.transport.receive(arrival, at: now, &$0.out, &stack.transportEvents) }
  }

  public func wake(at now: Instant, _ out: inout Outbox) {
    turn(at: now, &out) { turn in
      stack.transport.wake(at: now, &turn.out, &stack.transportEvents)
      stack.transactions.wake(at: now, &stack.transactionOutputs)
      while let leg = deadlines.takeExpired(at: now) {
        guard let conversation = conversations[leg.rawValue] else { continue }
        conversation.timerFired(&turn)
        settle(conversation)
      }
    }
  }

  /// O(1).
  public var nextDeadline: Instant? {
    var earliest = stack.transactions.nextDeadline ?? .distantFuture
    if let candidate = stack.transport.nextDeadline { earliest = min(earliest, candidate) }
    if let candidate = deadlines.next { earliest = min(earliest, candidate) }
    return earliest == .distantFuture ? nil : earliest
  }

  /// Whose timer is due at ``nextDeadline``.
  public var nextTimer: String? {
    guard let due = nextDeadline else { return nil }
    if stack.transactions.nextDeadline == due { return "a transaction" }
    return stack.transport.nextDeadline == due ? "a connection" : "a dialog"
  }

  /// What came of what was asked of it and of what arrived, in its order; nil when the owner has taken all of it.
  public func nextEvent() -> UserAgentEvent? { stack.news.next() }

  /// Does something, then takes what the layers say of it until all of them are quiet.
  func turn(at now: Instant, _ out: inout Outbox, _ body: (inout Turn) -> Void) {
    var turn = Turn(now: now, out: Outbox(isObserved: out.isObserved))
    swap(&turn.out, &out)
    swap(&turn.news, &stack.news)
    body(&turn)
    stack.drain({ handle($0, &turn) }, { handle($0, &turn) }, { located($0, $1, &turn) })
    swap(&turn.out, &out)
    swap(&turn.news, &stack.news)
  }

  // MARK: - Looking up

  func newLeg() -> LegID {
    lastLeg += 1
    return LegID(lastLeg)
  }

  /// The conversation of a leg that has not ended.
  func conversation(_ id: LegID) -> Conversation? {
    guard let conversation = conversations[id.rawValue], conversation.isLive else { return nil }
    return conversation
  }

  /// The leg that a request within a dialog names.
  func conversation(named message: InboundMessage) -> Conversation? {
    guard let tag = message.essentials.toTag.map({ message.message[$0] }), let id = legsByTag[ByteHash.of(tag)],
      let conversation = conversations[id.rawValue], conversation.localTag.utf8.elementsEqual(tag), conversation.isNamed(by: message)
    else { return nil }
    return conversation
  }

  func add(_ conversation: Conversation) {
    conversations[conversation.id.rawValue] = conversation
    legsByTag[conversation.tagHash] = conversation.id
    settle(conversation)
  }

  /// Arms the next deadline of a conversation that was told something; one that is over goes as soon as no 2xx can come late.
  func settle(_ conversation: Conversation) {
    if !conversation.isLive {
      legsByTag[conversation.tagHash] = nil
      guard conversation.awaitsLateSuccess else {
        conversations.remove(conversation.id.rawValue)
        return deadlines.remove(conversation.id)
      }
    }
    deadlines.set(conversation.id, at: conversation.nextDeadline)
  }

  /// An INVITE that the owner was told of, once.
  func takeArrival(_ id: LegID) -> SIPRequest? { arrivals.remove(id.rawValue) }
  /// A request that the owner was told of, once.
  func takeAsked(_ server: ServerID) -> Asked? { asked.remove(server.rawValue) }
  /// From now on a copy of this request is one that is being served already (RFC 3261 §8.2.2.2).
  func serve(_ request: SIPRequest) { merged.serve(request) }

  func send(_ request: OutOfDialogRequest, _ turn: inout Turn) -> RequestID { requests.send(request, stack, &turn) }

  // MARK: - What the layers say

  private func handle(_ event: SIPTransportLayer.Event, _ turn: inout Turn) {
    switch event {
    case .message(let message):
      if hasSeveralVias(message, &turn) || isDropped(message, &turn) { return }
      stack.transactions.receive(message, at: turn.now, &stack.transactionOutputs)
    case .listening(let listener):
      // The real port is known only now.
      stack.listenersChanged()
      turn.report(.listening(listener))
    case .flowFailed(let flow, let failure):
      stack.transactions.flowFailed(flow, failure, at: turn.now, &stack.transactionOutputs)
      stack.responsesLost(on: flow, &turn)
      turn.report(.flowFailed(flow, failure))
    case .sendFailed(let bytes, let label, let flow, let error): sendFailed(bytes, label, flow, error, &turn)
    case .unreachable(let flow, let error, isNew: let isNew):
      if isNew { turn.report(.socketFailed(nil, SocketFailure(.unreachable, local: flow.local, remote: flow.remote, error: error))) }
      stack.transactions.flowFailed(flow, .unreachable, at: turn.now, &stack.transactionOutputs)
    case .socketFailed(let failure): turn.report(.socketFailed(nil, failure))
    case .acceptsAgain(let listener): turn.report(.acceptsAgain(listener))
    case .listenFailed(let listener, let failure): turn.report(.listenFailed(listener, failure))
    case .malformed(let error, _, let flow): turn.report(.malformed(rule: "\(error)", flow))
    case .rejected(let request, let status, let warning):
      let phrase = "\(SIPStatus.phrase(status)); Warning: \(warning)"
      turn.report(.requestRefused(nil, RefusedRequest(request, status: status, phrase: phrase)))
    case .accepted(let flow): turn.report(.accepted(flow))
    case .flowOpened(let flow): stack.flowOpened(flow)
    case .keepAlive: break
    }
  }

  private func sendFailed(_ bytes: Bytes, _ label: Label, _ flow: Flow, _ error: SystemError, _ turn: inout Turn) {
    let failure = SocketFailure(.send, local: flow.local, remote: flow.remote, subject: label.subject, error: error)
    turn.report(.socketFailed(label.dialog == 0 ? nil : LegID(label.dialog), failure))
    stack.transactions.sendFailed(bytes, error, at: turn.now, &stack.transactionOutputs)
  }

  /// A response with more than one Via was not meant for us: it is discarded (RFC 3261 §8.1.3.3).
  private func hasSeveralVias(_ message: InboundMessage, _ turn: inout Turn) -> Bool {
    guard !message.message.isRequest, message.essentials.hasSeveralVias else { return false }
    turn.report(.violation(nil, PeerViolation(.severalVias, "\(message) has \(message.message.commaValues(.via).count)")))
    return true
  }

  /// What belongs to a live transaction or dialog is never dropped.
  private func isDropped(_ message: InboundMessage, _ turn: inout Turn) -> Bool {
    let gate = stack.transport.gate
    guard gate.coversRequests, let method = message.message.method, gate.drops(message.flow), !stack.transactions.knows(message),
      conversation(named: message) == nil
    else { return false }
    if method != .ack, stack.dropped.isNew(message) {
      turn.report(.dropped(method == .invite && message.essentials.toTag == nil ? newLeg() : nil, message))
    }
    return true
  }

  /// The servers of a name are known, or there are none.
  private func located(_ seeker: Seeker, _ location: SIPStack.Location, _ turn: inout Turn) {
    switch seeker {
    case .dialog(let leg): with(leg) { $0.located(location, &turn) }
    case .fork(let leg, let number): with(leg) { ($0 as? CallerConversation)?.locatedFork(number, location, &turn) }
    case .redirection(let leg): with(leg) { ($0 as? CallerConversation)?.located(redirection: location, &turn) }
    case .request(let request): requests.located(request, location, stack, &turn)
    case .response(let response): stack.located(response, location, &turn)
    }
  }

  private func with(_ leg: LegID, _ body: (Conversation) -> Void) {
    guard let conversation = conversations[leg.rawValue] else { return }
    body(conversation)
    settle(conversation)
  }

  private func handle(_ output: TransactionLayer.Output, _ turn: inout Turn) {
    switch output {
    case .send(let bytes, let flow, let label): stack.send(bytes, on: flow, label: label, &turn)
    case .reply(let bytes, let flow, port: let port, let label): stack.reply(bytes, on: flow, port: port, label, &turn)
    case .request(let server, let message): receive(message, server, &turn)
    case .ack(let message): receiveAcknowledgement(message, &turn)
    case .cancelled(let invite, by: let server, let message): receiveCancel(of: invite, message, server, &turn)
    case .response(let client, let message): receiveResponse(client, message, &turn)
    case .failed(let client, let failure): clientFailed(client, failure, &turn)
    case .ended(let client):
      stack.settled(client)
      if let owner = stack.owners.remove(client.rawValue) { ended(client, owner) }
    case .ackMissing(let server):
      guard let refusal = stack.served.refusal(server) else { return }
      turn.report(.violation(stack.served.leg(server), PeerViolation(.refusalNotAcknowledged, refusal)))
    case .endedServer(let server):
      stack.served.ended(server)
      asked.remove(server.rawValue)
      merged.ended(server)
    case .unusable(let message, let error):
      turn.report(.malformed(rule: "\(error)", message.flow))
      stack.transport.reject(message, error, at: turn.now, &turn.out, &stack.transportEvents)
    case .strayResponse: break
    }
  }
}
