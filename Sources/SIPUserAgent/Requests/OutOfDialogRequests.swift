import SIPComposition
import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// What the Contact of a request outside dialogs says beside the address.
public struct ContactForm: Hashable, Sendable {
  /// nil = the user of From.
  public var user: String?
  /// Inside the URI, with their semicolon.
  public var parameters = ""

  public init(user: String? = nil, parameters: String = "") {
    self.user = user
    self.parameters = parameters
  }
}

/// A request outside dialogs to be sent.
public struct OutOfDialogRequest: Sendable {
  public var method: SIPMethod
  public var target: SIPTarget
  /// Further servers of the same domain, tried in their order where the target fails (RFC 3263 §4.3).
  public var others: [SIPTarget] = []
  public var uri: SIPURI
  public var from: NameAddress
  public var to: NameAddress
  /// Kept over several requests (REGISTER, RFC 3261 §10.2.4); nil = a new one.
  public var callID: String?
  public var sequence: UInt32?
  public var contact = ContactForm()
  public var credentials: Credentials?
  public var fields: [HeaderField] = []

  public init(_ method: SIPMethod, to target: SIPTarget, uri: SIPURI, from: NameAddress, to: NameAddress) {
    (self.method, self.target, self.uri, self.from, self.to) = (method, target, uri, from, to)
  }
}

/// The requests outside dialogs that wait for their final responses (RFC 3261 §8.1, §10, §11).
struct OutOfDialogRequests {
  private struct Entry {
    let callID: String
    var uri: SIPURI
    var draft: RequestDraft
    var flow: Flow
    var digest: DigestClient?
    /// Where redirections lead.
    var targets = TargetSet()
    /// The place that it was redirected to, while its servers are looked for.
    var redirection: AlternativeTarget?
    /// The other servers of the domain; nil where there is but one.
    var failover: ServerFailover?

    /// As a new request, without what belonged to the place it was sent to before.
    mutating func turn(to flow: Flow) {
      self.flow = flow
      draft.sequence += 1
      digest?.beginRequest()
      draft.removeCredentials()
    }
  }

  private var entries = SerialTable<Entry>()
  private var last: UInt32 = 0

  var count: Int { entries.count }

  mutating func send(_ request: OutOfDialogRequest, _ stack: SIPStack, _ turn: inout Turn) -> RequestID {
    last += 1
    let id = RequestID(last)
    let (first, failover) = stack.failover(request.target, others: request.others, at: turn.now)
    let flow = stack.flow(to: first, &turn)
    let sequence = request.sequence ?? stack.composer.mint.firstSequence(isOutside: true)
    var from = request.from
    if from.tag == nil { from.tag = stack.composer.mint.tag() }
    if request.method == .options, !stack.style.options.hasUser { from.uri.user = nil }
    let callID = request.callID ?? stack.composer.mint.callID(host: flow.local.address.description)
    let identity = HeaderLines.identity(from: from.description, to: request.to.withoutPort.description, callID: callID)
    var draft = RequestDraft(request.method, uri: Bytes(request.uri.description), identity: identity, sequence: sequence)
    if !request.fields.contains(where: { $0.name == .contact }) {
      let contact = stack.composer.contact(
        user: request.contact.user ?? from.uri.user, at: stack.place(flow), parameters: request.contact.parameters, isOfCall: false,
        isSecure: request.uri.scheme == .sips || request.to.uri.scheme == .sips)
      draft.fields.append(.contact, contact)
    }
    draft.append(request.fields)
    if request.method == .register, stack.style.allowInRegister { draft.fields.append(.allow, stack.composer.allowValue) }
    let digest = request.credentials.map { DigestClient($0) }
    let entry = Entry(callID: callID, uri: request.uri, draft: draft, flow: flow, digest: digest, failover: failover)
    transmit(id, entry, stack, &turn)
    return id
  }

  private mutating func transmit(_ id: RequestID, _ entry: Entry, _ stack: SIPStack, _ turn: inout Turn) {
    entries[id.rawValue] = entry
    let label = Label(.request(entry.draft.method.label), sequence: entry.draft.sequence)
    _ = stack.send(entry.draft, on: entry.flow, label: label, for: .request(id), &turn)
  }

  /// Challenges are answered once, redirections followed; any other final response is told.
  mutating func receive(_ id: RequestID, _ status: Int, _ response: InboundMessage, _ stack: SIPStack, _ turn: inout Turn) {
    guard status > 100, var entry = entries[id.rawValue] else { return }
    if entry.failover != nil {
      let retryAfter = response.message.retryAfter
      let next = stack.failOver(&entry.failover, .response(status: status), retryAfter: retryAfter, leg: nil, &turn)
      if let next { return transmit(to: next, id, entry, stack, &turn) }
      entries[id.rawValue] = entry
    }
    guard status >= 200 else { return }
    if status == 401 || status == 407,
      let answer = stack.answer(response.message, with: &entry.digest, method: entry.draft.method, uri: entry.uri.description)
    {
      entry.draft.sequence += 1
      entry.draft.fields.set(answer.name, answer.value)
      return transmit(id, entry, stack, &turn)
    }
    if (300..<400).contains(status), stack.configuration.followsRedirections {
      entry.targets.add(response.message, from: entry.uri)
      if follow(id, entry, stack, &turn) { return }
    }
    entries.remove(id.rawValue)
    turn.report(.response(id, response, sequence: entry.draft.sequence))
  }

  /// Sends a request to the next contact of a 3xx (RFC 3261 §8.1.3.4), or looks for its servers first; false when there is none. Its
  /// Contact stays: bindings are made for the address that was registered.
  private mutating func follow(_ id: RequestID, _ entry: Entry, _ stack: SIPStack, _ turn: inout Turn) -> Bool {
    var entry = entry
    guard let next = entry.targets.next() else { return false }
    if let target = next.target(insteadOf: entry.flow) {
      entry.failover = nil
      redirect(id, entry, to: next, target, stack, &turn)
    } else {
      entry.redirection = next
      entries[id.rawValue] = entry
      stack.locate(next.uri, for: .request(id), &turn)
    }
    return true
  }

  private mutating func redirect(
    _ id: RequestID, _ entry: Entry, to next: AlternativeTarget, _ target: SIPTarget, _ stack: SIPStack, _ turn: inout Turn
  ) {
    var entry = entry
    if !next.isProxy {
      entry.uri = next.uri
      entry.uri.headers = []
      entry.draft.uri = Bytes(entry.uri.description)
    }
    transmit(to: target, id, entry, stack, &turn)
  }

  /// The servers of a contact are known, or there are none: then the next contact has its turn.
  mutating func located(_ id: RequestID, _ location: SIPStack.Location, _ stack: SIPStack, _ turn: inout Turn) {
    guard var entry = entries[id.rawValue], let next = entry.redirection else { return }
    entry.redirection = nil
    switch location {
    case .found(let servers):
      let (first, failover) = stack.failover(servers[0], others: Array(servers.dropFirst()), at: turn.now)
      entry.failover = failover
      redirect(id, entry, to: next, first, stack, &turn)
    case .failed(let reason):
      turn.report(.notLocated(nil, reason: reason))
      if follow(id, entry, stack, &turn) { return }
      entries.remove(id.rawValue)
      turn.report(.requestFailed(id, .transport(.notLocated(reason)), sequence: entry.draft.sequence))
    }
  }

  private mutating func transmit(
    to target: SIPTarget, _ id: RequestID, _ entry: Entry, _ stack: SIPStack, _ turn: inout Turn
  ) {
    var entry = entry
    entry.turn(to: stack.flow(to: target, &turn))
    transmit(id, entry, stack, &turn)
  }

  mutating func failed(_ id: RequestID, _ failure: TransactionFailure, _ stack: SIPStack, _ turn: inout Turn) {
    guard var entry = entries.remove(id.rawValue) else { return }
    if entry.failover != nil, let next = stack.failOver(&entry.failover, .failed(failure), leg: nil, &turn) {
      return transmit(to: next, id, entry, stack, &turn)
    }
    if follow(id, entry, stack, &turn) { return }
    turn.report(.requestFailed(id, failure, sequence: entry.draft.sequence))
  }

  func callID(of id: RequestID) -> String? { entries[id.rawValue]?.callID }

  func contact(of id: RequestID) -> SIPURI? {
    entries[id.rawValue]?.draft.fields.first(.contact).flatMap { (try? NameAddress(parsing: $0))?.uri }
  }
}
