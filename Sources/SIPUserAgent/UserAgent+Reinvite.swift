import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

// INVITE within a dialog, both ways (RFC 3261 §14).
extension UserAgent {
  /// Sends a re-INVITE with this offer; empty = the peer's 200 shall carry one. What comes of it are ``UserAgentEvent/modified(_:_:)``,
  /// to be answered by ``acknowledge(_:body:at:_:)``, or ``UserAgentEvent/modificationFailed(_:status:reason:)``.
  public func modify(_ id: LegID, body: Bytes, fields: [MessageDraft.Field] = [], at now: Instant, _ out: inout Outbox) -> [UserAgentEvent]
  {
    guard let usage = usages[id], usage.isEstablished else {
      events.append(.modificationFailed(id, status: nil, reason: "the call is not established"))
      return drain(at: now, &out)
    }
    if case .idle = usage.modification.state {
      usage.reinvite = InviteUsage.Reinvite(body: body, fields: fields)
      if case .caller(let caller) = usage.role { caller.digest?.beginRequest() }
    }
    handleModification(id, .modify, at: now, &out)
    return drain(at: now, &out)
  }

  /// Sends the ACK of a 2xx that made us wait for its body: a delayed answer, or a re-INVITE's.
  public func acknowledge(_ id: LegID, body: Bytes, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    guard let usage = usages[id] else { return drain(at: now, &out) }
    if let reinvite = usage.reinvite, reinvite.awaitsAcknowledgement {
      acknowledge(id, usage, reinvite, body: body, at: now, &out)
    } else if case .caller(let caller) = usage.role, usage.acknowledgements[caller.client] == nil {
      acknowledge(id, usage, caller, body: body, at: now, &out)
    }
    return drain(at: now, &out)
  }

  /// Answers a re-INVITE with 200 and this body, repeated until the ACK comes.
  public func answerReinvite(
    _ id: LegID, _ server: ServerID, _ request: SIPMessage, body: Bytes, at now: Instant, _ out: inout Outbox
  ) -> [UserAgentEvent] {
    guard let usage = usages[id] else { return [] }
    commit(usage, server, request)
    usage.dialog?.refreshTarget(request)
    usage.contactFlow = usage.flow
    checkContact(id, of: request, isSecure: usage.dialog?.isSecure == true)
    var success = responseDraft(to: request, status: 200, toTag: nil, flow: usage.flow)
    if !body.isEmpty {
      success.append(.contentType, "application/sdp")
      success.body = body
    }
    complete(&success, status: 200, to: request, on: usage.flow, .reinviteResponses, at: now)
    usage.answeredReinvite = InviteUsage.AnsweredReinvite(server: server, sequence: (try? request.cseq().number) ?? 0, success: success)
    handleModification(id, .answer, at: now, &out)
    return drain(at: now, &out)
  }

  /// Refuses a re-INVITE; the session stays as it was (RFC 3261 §14.2).
  public func refuseReinvite(
    _ id: LegID, _ server: ServerID, _ request: SIPMessage, status: Int, fields: [MessageDraft.Field] = [], at now: Instant,
    _ out: inout Outbox
  ) -> [UserAgentEvent] {
    guard usages[id] != nil else { return [] }
    handleModification(id, .refuse, at: now, &out)
    return respondInDialog(id, server, to: request, status: status, fields: fields, kind: .reinviteResponses, at: now, &out)
  }

  // MARK: - What arrives

  func receiveReinvite(_ id: LegID, _ server: ServerID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let usage = usages[id] else { return }
    if let sequence = try? message.cseq().number { usage.arrivedInvites.record(sequence) }
    usage.arrivedReinvite = (server, message)
    defer { usage.arrivedReinvite = nil }
    if usage.isEstablished { return handleModification(id, .requested, at: now, &out) }
    // Our BYE is under way: the dialog is over (RFC 5407 §3.1.4).
    if usage.isTerminating { return refuseArrived(id, usage, status: 481, at: now) }
    // Between our 200 and its ACK: 491 (RFC 5407 §3.1.5); before our final response: 500 (RFC 3261 §14.2).
    if case .callee(let callee) = usage.role, case .accepted = callee.machine.state {
      refuseArrived(id, usage, status: 491, at: now)
    } else {
      refuseArrived(id, usage, status: 500, at: now)
    }
  }

  func receiveReinviteResponse(
    _ id: LegID, _ client: TransactionLayer.ClientID, _ status: Int, _ message: SIPMessage, _ flow: Flow, at now: Instant,
    _ out: inout Outbox
  ) {
    guard status >= 200, let usage = usageOrRemains(id) else { return }
    if status < 300, let entry = usage.acknowledgements[client] {
      // The 2xx again, of this re-INVITE or of one before it: its own ACK again (RFC 3261 §13.2.2.4).
      return sendAcknowledgement(id, usage, entry, isRepeated: true, at: now, &out)
    }
    guard let reinvite = usage.reinvite, reinvite.client == client else { return }
    guard usages[id] != nil else {
      // The call is over, but the peer waits for the ACK of this 2xx (RFC 5407 §3.2.4).
      if status < 300 { acknowledgeUnwanted(id, usage, reinvite, message, at: now, &out) }
      return
    }
    switch status {
    case ..<300:
      usage.dialog?.refreshTarget(message)
      usage.contactFlow = flow
      checkContact(id, of: message, isSecure: usage.dialog?.isSecure == true)
      reinvite.awaitsAcknowledgement = true
      reinvite.response = message
      handleModification(id, .success, at: now, &out)
    case 401, 407:
      if !answerReinviteChallenge(id, usage, reinvite, message, at: now, &out) { fail(id, reinvite, message, .rejected, at: now, &out) }
    case 408, 481: fail(id, reinvite, message, .dialogGone, at: now, &out)
    case 491: handleModification(id, .glare(wait: glareWait(usage)), at: now, &out)
    default: fail(id, reinvite, message, .rejected, at: now, &out)
    }
  }

  private func fail(
    _ id: LegID, _ reinvite: InviteUsage.Reinvite, _ message: SIPMessage, _ input: SessionModification.Input, at now: Instant,
    _ out: inout Outbox
  ) {
    reinvite.response = message
    handleModification(id, input, at: now, &out)
  }

  /// RFC 3261 §14.1, in units of 10 ms: 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other side.
  private func glareWait(_ usage: InviteUsage) -> Int64 {
    let isOwner = if case .caller = usage.role { true } else { false }
    return mint.number(in: isOwner ? 210...400 : 0...200) * 10_000_000
  }

  private func answerReinviteChallenge(
    _ id: LegID, _ usage: InviteUsage, _ reinvite: InviteUsage.Reinvite, _ message: SIPMessage, at now: Instant, _ out: inout Outbox
  ) -> Bool {
    guard case .caller(let caller) = usage.role, let uri = usage.dialog?.requestPath.uri.description,
      let answer = answer(message, with: &caller.digest, method: .invite, uri: uri)
    else { return false }
    reinvite.credentials = answer
    sendReinvite(id, usage, reinvite, at: now, &out)
    return true
  }

  // MARK: - The machine and its outputs

  func handleModification(_ id: LegID, _ input: SessionModification.Input, at now: Instant, _ out: inout Outbox) {
    guard let usage = usages[id] else { return }
    let outputs = usage.modification.handle(input, at: now)
    rearm(id, usage)
    for output in outputs {
      switch output {
      case .sendInvite: if let reinvite = usage.reinvite { sendReinvite(id, usage, reinvite, at: now, &out) }
      case .busy: events.append(.modificationFailed(id, status: nil, reason: "another re-INVITE is in progress (RFC 3261 §14.1)"))
      case .succeeded: if let response = usage.reinvite?.response { events.append(.modified(id, response)) }
      case .retryDue: events.append(.modificationDue(id))
      case .failed: events.append(.modificationFailed(id, status: usage.reinvite?.response?.status, reason: Self.failureText(usage)))
      case .handUp: if let arrived = usage.arrivedReinvite { events.append(.reinvite(id, arrived.server, arrived.message)) }
      case .refusePending: refuseArrived(id, usage, status: 491, at: now)
      case .refuseUnfinished: refuseArrived(id, usage, status: 500, at: now)
      case .sendSuccess: sendReinviteSuccess(id, usage, attempt: 0, at: now)
      case .repeatSuccess(let attempt): sendReinviteSuccess(id, usage, attempt: attempt, at: now)
      case .acknowledged: if let message = acknowledgements[id] { events.append(.reinviteAcknowledged(id, message)) }
      case .endDialog(let reason): endDialog(id, because: reason, at: now, &out)
      }
    }
  }

  private static func failureText(_ usage: InviteUsage) -> String {
    guard let response = usage.reinvite?.response, let status = response.status else { return "no answer to the re-INVITE" }
    return "\(status) \(response.reasonPhrase?.text ?? "")"
  }

  private func refuseArrived(_ id: LegID, _ usage: InviteUsage, status: Int, at now: Instant) {
    guard let (server, message) = usage.arrivedReinvite else { return }
    let phrase = status == 481 ? nil : configuration.style.reactions.pendingPhrase
    let flow = transactions.flow(of: server) ?? usage.flow
    var draft = responseDraft(to: message, status: status, reason: phrase, toTag: nil, flow: flow)
    if status != 481 { events.append(.reinviteRefused(id, message)) }
    if status == 500 { events.append(.violation(id, PeerViolation(.inviteOverlaps, "CSeq \((try? message.cseq().number) ?? 0)"))) }
    // §14.2: a random number of seconds between 0 and 10.
    if status == 500 { draft.append(.retryAfter, String(mint.number(in: 0...10))) }
    respond(server, draft, status: status, to: message, on: flow, leg: id, kind: .reinviteResponses, at: now)
  }

  private func sendReinvite(_ id: LegID, _ usage: InviteUsage, _ reinvite: InviteUsage.Reinvite, at now: Instant, _ out: inout Outbox) {
    guard var dialog = usage.dialog else { return }
    reinvite.sequence = dialog.nextSequence()
    usage.dialog = dialog
    let flow = inDialogFlow(usage, at: now, &out)
    var draft = inDialogDraft(.invite, dialog, sequence: reinvite.sequence)
    appendContact(to: &draft, user: usage.contactUser, flow: flow, isSecure: dialog.wantsSecureContact)
    appendCapabilities(to: &draft)
    draft.fields += reinvite.fields
    if let credentials = reinvite.credentials { draft.fields.append(credentials) }
    if !reinvite.body.isEmpty {
      draft.append(.contentType, "application/sdp")
      draft.body = reinvite.body
    }
    reinvite.draft = draft
    (reinvite.awaitsAcknowledgement, reinvite.response) = (false, nil)
    let label = Label(.request(.invite), dialog: id.rawValue, sequence: reinvite.sequence)
    let client = sendRequest(draft, method: .invite, on: flow, label: label, at: now, &out)
    reinvite.client = client
    purposes[client] = .reinvite(id)
  }

  private func sendReinviteSuccess(_ id: LegID, _ usage: InviteUsage, attempt: Int, at now: Instant) {
    guard let answered = usage.answeredReinvite else { return }
    let label = Label(
      .response(status: 200, .invite), cause: attempt == 0 ? .first : .awaitingACK, attempt: UInt8(clamping: attempt),
      dialog: id.rawValue, sequence: answered.sequence)
    transactions.respond(answered.server, answered.success, status: 200, label: label, at: now, &transactionOutputs)
  }

  // MARK: - ACK

  private func acknowledge(
    _ id: LegID, _ usage: InviteUsage, _ reinvite: InviteUsage.Reinvite, body: Bytes, at now: Instant, _ out: inout Outbox
  ) {
    guard let client = reinvite.client else { return }
    reinvite.awaitsAcknowledgement = false
    let draft = acknowledgementDraft(usage, sequence: reinvite.sequence, invite: reinvite.draft, body: body, at: now, &out)
    let entry = AcknowledgementLedger.Entry(client: client, sequence: reinvite.sequence, acknowledgement: draft)
    usage.acknowledgements.record(entry)
    sendAcknowledgement(id, usage, entry, isRepeated: false, at: now, &out)
  }

  /// The first ACK of the call's own INVITE.
  func acknowledge(
    _ id: LegID, _ usage: InviteUsage, _ caller: InviteUsage.Caller, body: Bytes, at now: Instant, _ out: inout Outbox
  ) {
    let draft = acknowledgementDraft(usage, sequence: caller.sequence, invite: caller.invite, body: body, at: now, &out)
    let entry = AcknowledgementLedger.Entry(client: caller.client, sequence: caller.sequence, acknowledgement: draft)
    usage.acknowledgements.record(entry)
    sendAcknowledgement(id, usage, entry, isRepeated: false, at: now, &out)
  }

  /// The 2xx of a re-INVITE whose call has ended meanwhile; an offer in it is declined (RFC 3261 §13.2.2.4).
  private func acknowledgeUnwanted(
    _ id: LegID, _ usage: InviteUsage, _ reinvite: InviteUsage.Reinvite, _ message: SIPMessage, at now: Instant, _ out: inout Outbox
  ) {
    let answer = reinvite.body.isEmpty ? configuration.decline(message.body) : Bytes()
    acknowledge(id, usage, reinvite, body: answer, at: now, &out)
  }

  /// ACK to a 2xx is a request of its own, outside transactions, with the INVITE's credentials (RFC 3261 §13.2.2.4).
  func acknowledgementDraft(
    _ usage: InviteUsage, sequence: UInt32, invite: MessageDraft, body: Bytes, at now: Instant, _ out: inout Outbox
  ) -> MessageDraft {
    guard let dialog = usage.dialog else { preconditionFailure("a 2xx is acknowledged in its dialog") }
    var draft = inDialogDraft(.ack, dialog, sequence: sequence)
    for name in [HeaderName.authorization, .proxyAuthorization] where configuration.style.acknowledgesWithCredentials {
      if let value = invite.first(name) { draft.append(name, value) }
    }
    if !body.isEmpty {
      draft.append(.contentType, "application/sdp")
      draft.body = body
    }
    return finish(draft, .ack, branch: mint.branch(), flow: inDialogFlow(usage, at: now, &out), at: now)
  }

  func sendAcknowledgement(
    _ id: LegID, _ usage: InviteUsage, _ entry: AcknowledgementLedger.Entry, isRepeated: Bool, at now: Instant, _ out: inout Outbox
  ) {
    let label = Label(
      .request(.ack), cause: isRepeated ? .repeated : .first, attempt: isRepeated ? 1 : 0, dialog: id.rawValue, sequence: entry.sequence)
    transport.send(entry.acknowledgement.serialized(), on: inDialogFlow(usage, at: now, &out), label, at: now, &out, &transportEvents)
  }

  /// Sends BYE and ends the leg for this reason.
  func endDialog(_ id: LegID, because reason: LegEnd, at now: Instant, _ out: inout Outbox) {
    switch usages[id]?.role {
    case .caller: handleCaller(id, .hangUp(reason), nil, at: now, &out)
    case .callee: handleCallee(id, .hangUp(reason), at: now, &out)
    case nil: break
    }
  }
}
