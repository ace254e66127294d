import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// A request outside dialogs that waits for its final response.
struct OutgoingRequest {
  var method: SIPMethod
  var uri: SIPURI
  var draft: MessageDraft
  var sequence: UInt32
  var flow: Flow
  var digest: DigestClient?
  /// Where redirections lead.
  var targets = TargetSet()

  mutating func raiseSequence() {
    sequence += 1
    draft.set(.cseq, "\(sequence) \(method.token)")
  }
}

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

// Requests outside dialogs, both ways: OPTIONS, REGISTER and whatever a party answers itself (RFC 3261 §8, §10, §11).
extension UserAgent {
  /// Sends a request outside any dialog; the answer comes as ``UserAgentEvent/response(_:_:)``. Digest challenges are answered once,
  /// redirections to an address followed.
  ///
  /// - Parameter fields: further header fields, with From, To and Call-ID where the caller keeps them over several requests (REGISTER).
  public func send(
    _ method: SIPMethod, to target: SIPTarget, uri: SIPURI, from: NameAddress, to: NameAddress, callID: String? = nil,
    sequence: UInt32? = nil, contact: ContactForm = ContactForm(), credentials: Credentials? = nil, fields: [MessageDraft.Field] = [],
    at now: Instant, _ out: inout Outbox
  ) -> (RequestID, [UserAgentEvent]) {
    let id = newRequestID()
    let flow = transport.flow(to: target, at: now, &out)
    let sequence = sequence ?? mint.firstSequence(isOutside: true)
    var from = from
    if from.tag == nil { from.tag = mint.tag() }
    if method == .options, !configuration.style.options.hasUser { from.uri.user = nil }
    var draft = MessageDraft(request: method, uri: uri.description)
    draft.append(.from, from.description)
    draft.append(.to, Self.logical(to).description)
    draft.append(.callID, callID ?? mint.callID(host: flow.local.address.description))
    draft.append(.cseq, "\(sequence) \(method.token)")
    if !fields.contains(where: { $0.name == .contact }) {
      appendContact(
        to: &draft, user: contact.user ?? from.uri.user, flow: flow, parameters: contact.parameters, isOfCall: false,
        isSecure: uri.scheme == .sips || to.uri.scheme == .sips)
    }
    draft.fields += fields
    if method == .register, configuration.style.allowInRegister { draft.append(.allow, allowValue) }
    let request = OutgoingRequest(
      method: method, uri: uri, draft: draft, sequence: sequence, flow: flow,
      digest: credentials.map { DigestClient($0) })
    requests[id] = request
    transmit(id, request, at: now, &out)
    return (id, drain(at: now, &out))
  }

  private func transmit(_ id: RequestID, _ request: OutgoingRequest, at now: Instant, _ out: inout Outbox) {
    let label = Label(.request(request.method.label), sequence: request.sequence)
    let client = sendRequest(request.draft, method: request.method, on: request.flow, label: label, at: now, &out)
    purposes[client] = .request(id)
  }

  func receiveRequestResponse(_ id: RequestID, _ status: Int, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard status >= 200, var request = requests[id] else { return }
    if status == 401 || status == 407,
      let answer = answer(message, with: &request.digest, method: request.method, uri: request.uri.description)
    {
      request.raiseSequence()
      request.draft.set(answer.name, answer.value)
      requests[id] = request
      return transmit(id, request, at: now, &out)
    }
    if (300..<400).contains(status), follow(message, &request, at: now, &out) {
      requests[id] = request
      return transmit(id, request, at: now, &out)
    }
    requests[id] = nil
    events.append(.response(id, message))
  }

  /// Turns a request to the next contact of a 3xx (RFC 3261 §8.1.3.4); false when there is none. Its Contact stays: bindings are made for
  /// the address that was registered.
  private func follow(_ message: SIPMessage, _ request: inout OutgoingRequest, at now: Instant, _ out: inout Outbox) -> Bool {
    guard configuration.followsRedirections else { return false }
    request.targets.add(message, from: request.uri)
    guard let next = request.targets.next(), let target = next.target(insteadOf: request.flow) else { return false }
    request.flow = transport.flow(to: target, at: now, &out)
    if !next.isProxy {
      request.uri = next.uri
      request.uri.headers = []
      request.draft.startLine = .request(request.method, uri: request.uri.description)
    }
    request.raiseSequence()
    request.digest?.beginRequest()
    request.draft.removeCredentials()
    return true
  }

  /// The Call-ID of a request that waits for its answer.
  public func callID(of id: RequestID) -> String? { requests[id]?.draft.first(.callID) }

  /// The Contact of a request that waits for its answer.
  public func contact(of id: RequestID) -> SIPURI? { requests[id]?.draft.first(.contact).flatMap { try? NameAddress(parsing: $0).uri } }

  func requestFailed(_ id: RequestID, _ failure: TransactionFailure) {
    let last = requests.removeValue(forKey: id)?.draft.first(.cseq).flatMap { UInt32($0.prefix { $0 != " " }) }
    events.append(.requestFailed(id, failure, sequence: last ?? 0))
  }

  /// Answers a request that was handed up: outside dialogs, or within one.
  public func respond(
    _ server: ServerID, to request: SIPMessage, on flow: Flow, status: Int, reason: String? = nil,
    fields: [MessageDraft.Field] = [], body: Bytes = Bytes(), at now: Instant, _ out: inout Outbox
  ) -> [UserAgentEvent] {
    let isOutside = request.toTag == nil
    var draft = responseDraft(to: request, status: status, reason: reason, toTag: replyTag(request), flow: flow)
    draft.fields += fields
    draft.body = body
    respond(server, draft, status: status, to: request, on: flow, leg: nil, kind: isOutside ? kind(of: request) : .responses, at: now)
    return drain(at: now, &out)
  }

  private func kind(of request: SIPMessage) -> HeaderOrder.Kind { request.method.map { .responsesTo($0) } ?? .responses }

  /// Answers a request within a dialog, re-INVITE included.
  public func respondInDialog(
    _ id: LegID, _ server: ServerID, to request: SIPMessage, status: Int, fields: [MessageDraft.Field] = [],
    kind: HeaderOrder.Kind = .responses, at now: Instant, _ out: inout Outbox
  ) -> [UserAgentEvent] {
    guard let usage = usages[id] else { return [] }
    if (200..<300).contains(status) { commit(usage, server, request) }
    let flow = transactions.flow(of: server) ?? usage.flow
    var draft = responseDraft(to: request, status: status, toTag: nil, flow: flow)
    draft.fields += fields
    respond(server, draft, status: status, to: request, on: flow, leg: nil, kind: kind, at: now)
    return drain(at: now, &out)
  }

  /// Leaves a request without any answer, not even 100.
  public func ignore(_ server: ServerID, at now: Instant) { transactions.abandon(server, at: now, &transactionOutputs) }

  /// Forgets an INVITE without any answer.
  public func ignore(_ id: LegID, at now: Instant) {
    guard let usage = usages.removeValue(forKey: id), case .callee(let callee) = usage.role else { return }
    legsByTag[usage.localTag] = nil
    legsByServer[callee.server] = nil
    deadlines.remove(id)
    transactions.abandon(callee.server, at: now, &transactionOutputs)
  }

  /// Fresh identifiers in this product's form, for what a party keeps over several requests (REGISTER).
  public func registrationContactParameters() -> String { mint.text(configuration.style.registrationContactParameters) }

  /// An address as To and From may have it: without port (RFC 3261 §19.1.1, table 1).
  static func logical(_ address: NameAddress) -> NameAddress {
    var address = address
    address.uri.port = nil
    return address
  }
}
