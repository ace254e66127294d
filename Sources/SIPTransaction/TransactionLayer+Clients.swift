import SIPMessage
import SIPTransport
import SansIO

/// A client transaction with what it has to send again.
final class ClientEntry {
  enum Machine: Sendable {
    case invite(InviteClientTransaction)
    case other(NonInviteClientTransaction)
  }

  var machine: Machine
  let key: BranchKey
  let flow: Flow
  /// For ACK and CANCEL; gone once the final response came, since a transaction lives half a minute after it.
  var draft: MessageDraft?
  var bytes: Bytes
  let label: Label
  var acknowledgement: Bytes?

  init(machine: Machine, key: BranchKey, flow: Flow, draft: MessageDraft, bytes: Bytes, label: Label) {
    self.machine = machine
    self.key = key
    self.flow = flow
    self.draft = draft
    self.bytes = bytes
    self.label = label
  }

  var nextDeadline: Instant? {
    switch machine {
    case .invite(let machine): machine.nextDeadline
    case .other(let machine): machine.nextDeadline
    }
  }

  func forgetRequest() {
    draft = nil
    bytes = Bytes()
  }
}

extension TransactionLayer {
  /// Sends a request in a transaction of its own.
  ///
  /// - Parameters:
  ///   - draft: complete, with the Via whose branch is `branch`.
  ///   - label: of the first transmission; repetitions say so.
  public func send(
    _ draft: MessageDraft, method: SIPMethod, branch: String, on flow: Flow, label: Label, at now: Instant, _ outputs: inout [Output]
  ) -> ClientID {
    let id = newClientID()
    let key = BranchKey(branch: branch, method: method)
    let isReliable = flow.transport.isReliable
    let machine: ClientEntry.Machine =
      method == .invite
      ? .invite(InviteClientTransaction(values, isReliable: isReliable))
      : .other(NonInviteClientTransaction(values, isReliable: isReliable))
    clients[id] = ClientEntry(machine: machine, key: key, flow: flow, draft: draft, bytes: draft.serialized(), label: label)
    clientsByBranch[key] = id
    step(id, invite: .start, other: .start, nil, at: now, &outputs)
    return id
  }

  /// Sends CANCEL for an INVITE that has had a provisional response (RFC 3261 §9.1); nil when there is nothing to cancel.
  ///
  /// - Parameter finish: completes the CANCEL in the user agent's spelling.
  public func cancel(
    _ id: ClientID, label: Label, finish: (inout MessageDraft) -> Void = { _ in }, at now: Instant, _ outputs: inout [Output]
  ) -> ClientID? {
    guard let entry = clients[id], case .invite(let machine) = entry.machine, machine.state == .proceeding,
      var draft = entry.draft?.derived(.cancel)
    else { return nil }
    finish(&draft)
    return send(draft, method: .cancel, branch: entry.key.branch, on: entry.flow, label: label, at: now, &outputs)
  }

  /// Whether an INVITE waits for its final response.
  public func isUnanswered(_ id: ClientID) -> Bool {
    guard case .invite(let machine)? = clients[id]?.machine else { return false }
    return machine.state == .calling || machine.state == .proceeding
  }

  /// Destroys a transaction without a word (RFC 3261 §9.1: an INVITE that was cancelled and never answered).
  public func forget(_ id: ClientID) {
    if let entry = clients[id] { store(id, entry, isOver: true) }
  }

  /// A flow broke: transactions on it that wait for a response fail.
  public func flowFailed(_ flow: Flow, _ failure: FlowFailure, at now: Instant, _ outputs: inout [Output]) {
    let broken = clients.filter { $0.value.flow.path == flow.path && $0.value.flow.remote == flow.remote }.keys
    for id in broken.sorted(by: { $0.rawValue < $1.rawValue }) {
      step(id, invite: .transportFailed(failure), other: .transportFailed(failure), nil, at: now, &outputs)
    }
  }

  func receiveResponse(
    _ message: SIPMessage, on flow: Flow, at now: Instant, _ outputs: inout [Output]
  ) throws(SIPHeaderError) {
    let branch = try message.via().branch ?? ""
    let method = try message.cseq().method
    guard let status = message.status, let id = clientsByBranch[BranchKey(branch: branch, method: method)] else {
      outputs.append(.strayResponse(message, flow))
      return
    }
    step(id, invite: .response(status: status), other: .response(status: status), (message, flow), at: now, &outputs)
  }

  func wakeClient(_ id: ClientID, at now: Instant, _ outputs: inout [Output]) {
    while let entry = clients[id] {
      switch entry.machine {
      case .invite(var machine):
        guard let timer = machine.takeExpired(at: now) else { return rearm(id) }
        entry.machine = .invite(machine)
        step(id, invite: .timer(timer), other: .start, nil, at: now, &outputs)
      case .other(var machine):
        guard let timer = machine.takeExpired(at: now) else { return rearm(id) }
        entry.machine = .other(machine)
        step(id, invite: .start, other: .timer(timer), nil, at: now, &outputs)
      }
    }
  }

  private func rearm(_ id: ClientID) { deadlines.set(.client(id), at: clients[id]?.nextDeadline) }

  /// Feeds the machine of a transaction, whichever it has, and carries out what it says.
  func step(
    _ id: ClientID, invite: InviteClientTransaction.Input, other: NonInviteClientTransaction.Input, _ message: (SIPMessage, Flow)?,
    at now: Instant, _ outputs: inout [Output]
  ) {
    guard let entry = clients[id] else { return }
    switch entry.machine {
    case .invite(var machine):
      let results = machine.handle(invite, at: now)
      entry.machine = .invite(machine)
      for result in results { carryOut(result, id, entry, message, &outputs) }
      if machine.state == .completed || machine.state == .accepted { entry.forgetRequest() }
      store(id, entry, isOver: machine.state == .terminated)
    case .other(var machine):
      let results = machine.handle(other, at: now)
      entry.machine = .other(machine)
      for result in results { carryOut(result, id, entry, message, &outputs) }
      if machine.state == .completed { entry.forgetRequest() }
      store(id, entry, isOver: machine.state == .terminated)
    }
  }

  private func store(_ id: ClientID, _ entry: ClientEntry, isOver: Bool) {
    if isOver {
      clients[id] = nil
      clientsByBranch[entry.key] = nil
      deadlines.remove(.client(id))
    } else {
      deadlines.set(.client(id), at: entry.nextDeadline)
    }
  }

  private func carryOut(
    _ result: InviteClientTransaction.Output, _ id: ClientID, _ entry: ClientEntry, _ message: (SIPMessage, Flow)?,
    _ outputs: inout [Output]
  ) {
    switch result {
    case .sendInvite(let attempt):
      outputs.append(.send(entry.bytes, entry.flow, entry.label.repeated(attempt == 0 ? .first : .timerA, attempt)))
    case .sendAck(let attempt):
      if let message, entry.acknowledgement == nil, var draft = entry.draft?.derived(.ack, to: message.0) {
        finishAcknowledgement(&draft)
        entry.acknowledgement = draft.serialized()
      }
      guard let bytes = entry.acknowledgement else { return }
      var label = entry.label.repeated(attempt == 0 ? .first : .repeated, attempt)
      label.subject = .request(.ack)
      outputs.append(.send(bytes, entry.flow, label))
    case .deliver: if let message { outputs.append(.response(id, message.0, message.1)) }
    case .fail(let failure): outputs.append(.failed(id, failure))
    case .end: outputs.append(.ended(id))
    }
  }

  private func carryOut(
    _ result: NonInviteClientTransaction.Output, _ id: ClientID, _ entry: ClientEntry, _ message: (SIPMessage, Flow)?,
    _ outputs: inout [Output]
  ) {
    switch result {
    case .send(let attempt):
      outputs.append(.send(entry.bytes, entry.flow, entry.label.repeated(attempt == 0 ? .first : .timerE, attempt)))
    case .deliver: if let message { outputs.append(.response(id, message.0, message.1)) }
    case .fail(let failure): outputs.append(.failed(id, failure))
    case .end: outputs.append(.ended(id))
    }
  }
}

extension Label {
  func repeated(_ cause: Cause, _ attempt: Int) -> Label {
    var label = self
    label.cause = cause
    label.attempt = UInt8(clamping: attempt)
    return label
  }
}

extension MessageDraft {
  /// The ACK for a final response other than 2xx (RFC 3261 §17.1.1.3) or the CANCEL (§9.1) of this INVITE: the same Request-URI, topmost
  /// Via, From, Call-ID, CSeq number and Route; To is the response's in an ACK, the request's in a CANCEL.
  func derived(_ method: SIPMethod, to response: SIPMessage? = nil) -> MessageDraft {
    guard case .request(_, let uri) = startLine else { preconditionFailure("only an INVITE has an ACK and a CANCEL") }
    var draft = MessageDraft(request: method, uri: uri)
    var hasVia = false
    for var field in fields {
      switch field.name.known {
      case .via:
        guard !hasVia else { continue }
        hasVia = true
      case .cseq: field.value = "\(field.value.prefix { $0 != " " }) \(method.token)"
      case .to: if let to = response?.first(.to) { field.value = to.text }
      case .from, .callID, .maxForwards, .route, .userAgent: break
      case .authorization, .proxyAuthorization: if method != .ack { continue }
      default: continue
      }
      draft.fields.append(field)
    }
    return draft
  }
}
