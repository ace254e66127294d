import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO
import SecureTransport

public typealias ServerID = TransactionLayer.ServerID
typealias ClientID = TransactionLayer.ClientID

/// The floors below the dialogs in one hand: composition, transactions and transport, and the way that each message takes.
final class SIPStack {
  let configuration: UserAgent.Configuration
  let style: MessageStyle
  let behaviour: Behaviour
  let transport: SIPTransportLayer
  let transactions: TransactionLayer
  @exclusivity(unchecked) var composer: Composer
  @exclusivity(unchecked) var served = ServedRequests()
  /// Who waits for the answers of each client transaction.
  @exclusivity(unchecked) var owners = SerialTable<ClientOwner>()
  /// Servers of domains that failed lately.
  var servers = ServerHealth()
  /// Searches for the servers of names.
  var locator: ServerLocator<Seeker>
  /// Those that are over, for whom each was.
  var locations: [(Seeker, Location)] = []
  var unsent = UnsentResponses()
  /// What the gate dropped last.
  var dropped = DroppedRequests()
  private var nonces: ClientNonces
  private var places = LocalPlaces()
  private var oversized = OversizedRequests()
  @exclusivity(unchecked) var transportEvents: [SIPTransportLayer.Event] = []
  @exclusivity(unchecked) var transactionOutputs: [TransactionLayer.Output] = []
  /// What the owner has not taken yet.
  @exclusivity(unchecked) var news = Backlog<UserAgentEvent>()
  /// What is being worked on while new ones gather; kept for their memory.
  @exclusivity(unchecked) private var handledEvents: [SIPTransportLayer.Event] = []
  @exclusivity(unchecked) private var handledOutputs: [TransactionLayer.Output] = []

  init(
    _ configuration: UserAgent.Configuration, serverTLS: TLSContext?, clientTLS: TLSContext?, entropy: Entropy, epoch: Epoch,
    firstPort: PortID, firstConnection: ConnectionID
  ) {
    self.configuration = configuration
    (style, behaviour) = (configuration.style, configuration.behaviour)
    composer = Composer(configuration.style, entropy: entropy, epoch: epoch)
    transport = SIPTransportLayer(
      listeners: configuration.listeners, serverTLS: serverTLS, clientTLS: clientTLS, entropy: entropy.fork("transport"),
      epoch: epoch, limits: configuration.limits, keepAlive: configuration.keepAlive, firstPort: firstPort,
      firstConnection: firstConnection)
    transactions = TransactionLayer(
      timers: configuration.timers, spelling: composer.spelling,
      answersToSourcePort: configuration.style.answersToSourcePort)
    locator = ServerLocator(configuration.means, entropy.fork("names"), firstQuery: 1 << 31)
    nonces = ClientNonces(entropy.fork("cnonce"), length: configuration.style.clientNonceLength)
  }

  /// 64·T1 in nanoseconds: how long an INVITE or a 2xx may take to be answered.
  var patience: Int64 { 64 * configuration.timers.t1.wholeNanoseconds }

  /// Our addresses are other ones now.
  func listenersChanged() { places = LocalPlaces() }

  func place(_ flow: Flow) -> LocalPlace { places.place(flow, transport, configuration) }

  /// Hands on what the layers said until all of them are quiet.
  func drain(
    _ handleEvent: (SIPTransportLayer.Event) -> Void, _ handleOutput: (TransactionLayer.Output) -> Void,
    _ handleLocation: (Seeker, Location) -> Void
  ) {
    while !transportEvents.isEmpty || !transactionOutputs.isEmpty || !locations.isEmpty {
      if !transportEvents.isEmpty {
        swap(&transportEvents, &handledEvents)
        for event in handledEvents { handleEvent(event) }
        handledEvents.removeAll(keepingCapacity: true)
      }
      if !transactionOutputs.isEmpty {
        swap(&transactionOutputs, &handledOutputs)
        for output in handledOutputs { handleOutput(output) }
        handledOutputs.removeAll(keepingCapacity: true)
      }
      if !locations.isEmpty {
        let (seeker, location) = locations.removeFirst()
        handleLocation(seeker, location)
      }
    }
  }

  // MARK: - Requests

  /// Sends a request in a client transaction.
  ///
  /// - Parameter owner: who is told what comes of it; nil = nobody.
  func send(_ draft: RequestDraft, on flow: Flow, label: Label, for owner: ClientOwner?, _ turn: inout Turn) -> ClientID {
    let client = send(draft, on: flow, label: label, &turn)
    if let owner { owners[client.rawValue] = owner }
    return client
  }

  /// One that is too large for UDP goes over TCP (RFC 3261 §18.1.1).
  private func send(_ draft: RequestDraft, on flow: Flow, label: Label, _ turn: inout Turn) -> ClientID {
    let branch = composer.mint.branch()
    let bytes = composer.write(draft, branch: branch, at: place(flow), now: turn.now)
    guard flow.transport == .udp, let limit = configuration.datagramLimit, bytes.count > limit else {
      return transactions.send(bytes, method: draft.method, branch: branch, on: flow, label: label, at: turn.now, &transactionOutputs)
    }
    let stream = self.flow(to: SIPTarget(transport: .tcp, address: flow.remote), &turn)
    let client = transactions.send(
      composer.write(draft, branch: branch, at: place(stream), now: turn.now), method: draft.method, branch: branch, on: stream,
      label: label, at: turn.now, &transactionOutputs)
    oversized.keep(OversizedRequests.Request(draft: draft, flow: flow, label: label), client)
    return client
  }

  /// The peer takes no TCP: the request goes over UDP all the same (RFC 3261 §18.1.1). The number of its new transaction; nil when this was
  /// no such request, or it was answered already.
  func retryOverDatagrams(_ id: ClientID, _ failure: TransactionFailure, _ turn: inout Turn) -> ClientID? {
    guard let request = oversized.remove(id), case .transport = failure else { return nil }
    let branch = composer.mint.branch()
    return transactions.send(
      composer.write(request.draft, branch: branch, at: place(request.flow), now: turn.now), method: request.draft.method, branch: branch,
      on: request.flow, label: request.label, at: turn.now, &transactionOutputs)
  }

  /// Sends CANCEL for an INVITE that has had a provisional response (RFC 3261 §9.1).
  func cancel(_ invite: ClientID, fields: [HeaderField], label: Label, for owner: ClientOwner, _ now: Instant) {
    if let client = transactions.cancel(invite, fields: fields, label: label, at: now, &transactionOutputs) {
      owners[client.rawValue] = owner
    }
  }

  /// Destroys an INVITE's transaction without a word.
  func forget(_ client: ClientID) {
    transactions.forget(client)
    owners.remove(client.rawValue)
  }

  /// A transaction had an answer, or is over.
  func settled(_ id: ClientID) { oversized.remove(id) }

  /// Sends an ACK, which is a request without a transaction (RFC 3261 §13.2.2.4).
  func send(_ acknowledgement: Bytes, on flow: Flow, label: Label, _ turn: inout Turn) {
    transport.send(acknowledgement, on: flow, label, at: turn.now, &turn.out, &transportEvents)
  }

  func flow(to target: SIPTarget, _ turn: inout Turn) -> Flow { transport.flow(to: target, at: turn.now, &turn.out) }

  /// The field that answers the challenges of a 401 or 407; nil without credentials, or when they were tried already.
  func answer(_ response: SIPMessage, with digest: inout DigestClient?, method: SIPMethod, uri: String) -> HeaderField? {
    guard digest != nil else { return nil }
    let clientNonce = nonces.draw()
    guard let answer = digest?.answer(response, method: method, uri: uri, clientNonce: clientNonce, memory: &nonces.digests) else {
      return nil
    }
    return HeaderField(answer.header, answer.value)
  }

  // MARK: - Responses

  /// The bytes of a response, for one that is sent again and again.
  func compose(_ draft: ResponseDraft, to request: SIPRequest, at now: Instant) -> Bytes {
    compose(addressed(draft, to: request), to: request.inbound, at: now)
  }

  private func compose(_ draft: ResponseDraft, to request: InboundMessage, at now: Instant) -> Bytes {
    composer.write(draft, to: request.message, from: request.flow.remote, at: place(request.flow), now: now)
  }

  /// With what its Contact says, where it has one.
  private func addressed(_ draft: ResponseDraft, to request: SIPRequest) -> ResponseDraft {
    guard (101..<300).contains(draft.status), request.method == .invite || request.method == .options else { return draft }
    var draft = draft
    draft.calledUser = request.calledUser
    draft.isContactSecure = request.wantsSecureContact
    return draft
  }

  /// Sends the 2xx of an INVITE; the user agent core, not its transaction, repeats it (RFC 3261 §13.3.1.4).
  func repeatSuccess(_ server: ServerID, _ success: Bytes, attempt: Int, dialog: LegID, sequence: UInt32, at now: Instant) {
    let label = Label(
      .response(status: 200, .invite), cause: attempt == 0 ? .first : .awaitingACK, attempt: UInt8(clamping: attempt),
      dialog: dialog.rawValue, sequence: sequence)
    transactions.respond(server, success, status: 200, label: label, at: now, &transactionOutputs)
  }

  /// Refuses an INVITE.
  ///
  /// - Parameter toTag: of the dialog that it does not make.
  func refuse(_ invite: SIPRequest, _ refusal: Refusal, toTag: String, leg: LegID, _ turn: inout Turn) {
    // A challenge is the stack's own word: it makes no dialog.
    let isChallenge = refusal.status == 401 && style.takesBranchAsTag
    var draft = ResponseDraft(
      refusal.status, reason: refusal.reason, toTag: isChallenge ? replyTag(invite.inbound) : toTag, fields: refusal.fields,
      kind: isChallenge ? .stackResponses : .responses)
    if let cause = style.refusalCauses[refusal.status], !draft.fields.contains(where: { $0.name == .reason }) {
      draft.fields.append(HeaderField(.reason, "Q.850;cause=\(cause)"))
    }
    respond(draft, to: invite, leg: leg, &turn)
  }

  /// Sends a response of a server transaction.
  func respond(_ draft: ResponseDraft, to request: SIPRequest, leg: LegID?, _ turn: inout Turn) {
    respond(request.server, addressed(draft, to: request), to: request.inbound, leg: leg, &turn)
  }

  /// The same to what did not pass the audit, or cannot make a dialog.
  func respond(_ server: ServerID, _ draft: ResponseDraft, to request: InboundMessage, leg: LegID?, _ turn: inout Turn) {
    let bytes = compose(draft, to: request, at: turn.now)
    let label = leg.map { request.responseLabel(draft.status, dialog: $0.rawValue) } ?? request.responseLabel(draft.status)
    if draft.status >= 300 {
      let refused = RefusedRequest(request, draft)
      if request.message.method == .invite { served.refused(server, status: draft.status, callID: refused.callID) }
      turn.report(.requestRefused(leg, refused))
    }
    transactions.respond(server, bytes, status: draft.status, label: label, at: turn.now, &transactionOutputs)
  }

  /// Answers a request without asking the owner.
  func refuse(
    _ server: ServerID, _ request: InboundMessage, status: Int, reason: String? = nil, fields: [HeaderField] = [], leg: LegID? = nil,
    _ turn: inout Turn
  ) {
    let draft = ResponseDraft(status, reason: reason, toTag: replyTag(request), fields: fields, kind: .stackResponses)
    respond(server, draft, to: request, leg: leg, &turn)
  }

  /// Answers a request for what is wrong with it.
  func refuse(_ server: ServerID, _ request: InboundMessage, _ defect: RequestDefect, leg: LegID? = nil, _ turn: inout Turn) {
    var fields = defect.fields
    if case .unreadable(let rule) = defect {
      fields.append(.init(.warning, WarningValue(refusing: rule, by: request.flow.local.address).fieldValue))
    }
    if case .unknownExtensions = defect { fields += composer.supportedFields }
    refuse(server, request, status: defect.status, reason: defect.reason, fields: fields, leg: leg, &turn)
  }

  /// The To tag of a response that makes no dialog; nil when the request has one.
  func replyTag(_ request: InboundMessage) -> String? {
    guard request.essentials.toTag == nil else { return nil }
    if style.takesBranchAsTag, let branch = request.essentials.via?.branch { return request.message[branch].text }
    return composer.mint.tag()
  }
}

/// Why a client transaction exists.
enum ClientOwner {
  case invite(LegID)
  case cancel(LegID)
  case bye(LegID)
  case info(LegID)
  case reinvite(LegID)
  case request(RequestID)
}

/// What is known of requests as long as their server transactions live.
struct ServedRequests {
  private struct Entry {
    var leg: LegID?
    /// A refusal that waits for its ACK.
    var refusal: Refusal?
  }

  private struct Refusal {
    var status: Int
    var callID: String
  }

  private var entries = SerialTable<Entry>()

  var count: Int { entries.count }

  /// The leg of an INVITE.
  func leg(_ server: ServerID) -> LegID? { entries[server.rawValue]?.leg }

  mutating func belongs(_ server: ServerID, to leg: LegID) {
    var entry = entries[server.rawValue] ?? Entry()
    entry.leg = leg
    entries[server.rawValue] = entry
  }

  mutating func refused(_ server: ServerID, status: Int, callID: String) {
    var entry = entries[server.rawValue] ?? Entry()
    entry.refusal = Refusal(status: status, callID: callID)
    entries[server.rawValue] = entry
  }

  /// Status and Call-ID of a refusal that was never acknowledged; nil where none was sent.
  func refusal(_ server: ServerID) -> String? { entries[server.rawValue]?.refusal.map { "\($0.status) \($0.callID)" } }

  mutating func ended(_ server: ServerID) { entries.remove(server.rawValue) }
}

/// Requests that were too large for UDP, in case their connection cannot be had.
struct OversizedRequests {
  struct Request {
    var draft: RequestDraft
    /// The UDP flow it was meant for.
    var flow: Flow
    var label: Label
  }

  private var requests: [UInt32: Request] = [:]

  mutating func keep(_ request: Request, _ id: ClientID) { requests[id.rawValue] = request }

  @discardableResult
  mutating func remove(_ id: ClientID) -> Request? { requests.isEmpty ? nil : requests.removeValue(forKey: id.rawValue) }
}

/// Client nonces, and what is remembered of digests over requests and calls of all our accounts.
struct ClientNonces {
  private var entropy: Entropy
  private let length: Int
  var digests = DigestMemory()

  init(_ entropy: Entropy, length: Int) {
    self.entropy = entropy
    self.length = length
  }

  mutating func draw() -> String { entropy.hex(length) }
}

/// How our places are written, by transport and local address; the last one is kept, since a host writes it again and again.
struct LocalPlaces {
  private struct Entry {
    var transport: SIPTransportProtocol
    var local: TransportAddress
    var place: LocalPlace
  }

  private var last: Entry?

  mutating func place(_ flow: Flow, _ layer: SIPTransportLayer, _ configuration: UserAgent.Configuration) -> LocalPlace {
    if let last, last.transport == flow.transport, last.local == flow.local { return last.place }
    let address = flow.local.address
    let place = LocalPlace(
      viaToken: flow.transport.viaToken, sentBy: layer.viaSentBy(for: flow), host: address.isIPv6 ? "[\(address)]" : address.description,
      contactHost: configuration.contactHost, contactPort: Self.contactPort(flow, layer), securePort: Self.securePort(flow, layer),
      isReliable: flow.transport.isReliable, isUDP: flow.transport == .udp, style: configuration.style)
    last = Entry(transport: flow.transport, local: flow.local, place: place)
    return place
  }

  /// The port peers can reach us at: the listener's, since a connection that we opened has a port nobody listens on.
  private static func contactPort(_ flow: Flow, _ layer: SIPTransportLayer) -> UInt16 {
    layer.listeners.first { $0.transport == flow.transport && $0.address.address == flow.local.address }?.address.port
      ?? layer.listeners.first { $0.transport == flow.transport }?.address.port ?? flow.local.port
  }

  /// The port of our TLS listener at the flow's address; nil where none listens: then the default stands for it.
  private static func securePort(_ flow: Flow, _ layer: SIPTransportLayer) -> UInt16? {
    let secure = layer.listeners.filter { $0.transport == .tls }
    return (secure.first { $0.address.address == flow.local.address } ?? secure.first)?.address.port
  }
}
