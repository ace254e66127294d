import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

// The caller's side: INVITE, its responses, ACK, CANCEL (RFC 3261 §9.1, §13.2).
extension UserAgent {
  /// A number for a leg that is about to call.
  public func reserveLeg() -> LegID { newLegID() }

  /// Sends an INVITE for a reserved leg. News of it come as events.
  public func call(_ call: OutgoingCall, as id: LegID, at now: Instant, _ out: inout Outbox) -> (callID: String, [UserAgentEvent]) {
    let flow = transport.flow(to: call.target, at: now, &out)
    let tag = mint.tag()
    let callID = mint.callID(host: flow.local.address.description)
    let sequence = mint.firstSequence()
    var invite = MessageDraft(request: .invite, uri: call.requestURI.description)
    var from = call.from
    from.tag = tag
    invite.append(.from, from.description)
    invite.append(.to, call.to.description)
    invite.append(.callID, callID)
    invite.append(.cseq, "\(sequence) INVITE")
    appendContact(to: &invite, user: call.from.uri.user, flow: flow)
    appendCapabilities(to: &invite)
    for field in call.fields { invite.fields.append(field) }
    if !call.body.isEmpty {
      invite.append(.contentType, "application/sdp")
      invite.body = call.body
    }
    let client = sendInvite(invite, id, sequence: sequence, on: flow, at: now)
    let caller = InviteUsage.Caller(
      call: call, invite: invite, sequence: sequence, client: client,
      digest: call.credentials.map { DigestClient($0) })
    usages[id] = InviteUsage(role: .caller(caller), flow: flow, localTag: tag, callID: callID)
    legsByTag[tag] = id
    return (callID, drain(at: now, &out))
  }

  /// Gives up a call that is not answered yet; one that is gets a BYE.
  public func cancel(_ id: LegID, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    handleCaller(id, .cancel, nil, at: now, &out)
    return drain(at: now, &out)
  }

  /// Ends a leg whatever its state: CANCEL, a refusal or BYE.
  public func hangUp(_ id: LegID, because reason: LegEnd = .hungUpHere, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    switch usages[id]?.role {
    case .caller: handleCaller(id, .hangUp(reason), nil, at: now, &out)
    case .callee: handleCallee(id, .hangUp(reason), at: now, &out)
    case nil: break
    }
    return drain(at: now, &out)
  }

  private func sendInvite(
    _ invite: MessageDraft, _ id: LegID, sequence: UInt32, on flow: Flow, at now: Instant
  ) -> TransactionLayer.ClientID {
    let label = Label(.request(.invite), dialog: id.rawValue, sequence: sequence)
    let client = sendRequest(invite, method: .invite, on: flow, label: label, at: now)
    purposes[client] = .invite(id)
    return client
  }

  // MARK: - Responses

  func receiveResponse(
    _ id: TransactionLayer.ClientID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox
  ) {
    guard let status = message.status, let purpose = purposes[id] else { return }
    switch purpose {
    case .invite(let leg): receiveInviteResponse(leg, id, status, message, at: now, &out)
    case .cancel: break
    case .bye(let leg): if status >= 200 { byeCompleted(leg, at: now, &out) }
    case .request(let request): receiveRequestResponse(request, status, message, at: now, &out)
    }
  }

  private func receiveInviteResponse(
    _ id: LegID, _ client: TransactionLayer.ClientID, _ status: Int, _ message: SIPMessage, at now: Instant, _ out: inout Outbox
  ) {
    guard let usage = usages[id], case .caller(let caller) = usage.role else { return }
    switch status {
    case ..<200:
      handleCaller(id, .provisional(status: status), message, at: now, &out)
    case ..<300:
      receiveSuccess(id, usage, message, at: now, &out)
    case 401, 407:
      // The answer to an INVITE that was already replaced by one with credentials.
      guard client == caller.client else { return }
      if !answerChallenge(id, usage, caller, message, at: now, &out) {
        handleCaller(id, .rejected(status: status), message, at: now, &out)
      }
    default:
      guard client == caller.client else { return }
      handleCaller(id, .rejected(status: status), message, at: now, &out)
    }
  }

  /// Makes the dialog of the first 2xx; one from another branch of a fork is acknowledged and ended at once.
  private func receiveSuccess(_ id: LegID, _ usage: InviteUsage, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard case .caller(let caller) = usage.role else { return }
    let dialog: Dialog
    do {
      dialog = try Dialog(callerOf: message, sequence: caller.sequence, fallbackTarget: caller.call.requestURI)
    } catch {
      events.append(.violation(id, "2xx to INVITE that makes no dialog: \(error) (RFC 3261 §12.1.2)"))
      return
    }
    if let known = usage.dialog, known.remoteTag != dialog.remoteTag {
      endForkedDialog(id, dialog, at: now, &out)
      return
    }
    if usage.dialog == nil { usages[id]?.dialog = dialog }
    handleCaller(id, .success, message, at: now, &out)
  }

  private func answerChallenge(
    _ id: LegID, _ usage: InviteUsage, _ caller: InviteUsage.Caller, _ message: SIPMessage, at now: Instant, _ out: inout Outbox
  ) -> Bool {
    guard case .calling = caller.machine.state, var digest = caller.digest else { return false }
    let uri = caller.call.requestURI.description
    guard let answer = digest.answer(message, method: .invite, uri: uri, clientNonce: clientNonces.hex(16)) else { return false }
    caller.digest = digest
    caller.sequence += 1
    caller.invite.set(.cseq, "\(caller.sequence) INVITE")
    caller.invite.set(answer.header, answer.value)
    caller.client = sendInvite(caller.invite, id, sequence: caller.sequence, on: usage.flow, at: now)
    return true
  }

  func clientFailed(_ id: TransactionLayer.ClientID, _ failure: TransactionFailure, at now: Instant, _ out: inout Outbox) {
    guard let purpose = purposes.removeValue(forKey: id) else { return }
    switch purpose {
    case .invite(let leg): handleCaller(leg, .failed(failure), nil, at: now, &out)
    case .cancel: break
    case .bye(let leg): byeCompleted(leg, at: now, &out)
    case .request(let request): requestFailed(request, failure)
    }
  }

  // MARK: - The machine and its outputs

  func handleCaller(
    _ id: LegID, _ input: InviteClientUsage.Input, _ message: SIPMessage?, at now: Instant, _ out: inout Outbox
  ) {
    guard let usage = usages[id], case .caller(let caller) = usage.role else { return }
    let outputs = caller.machine.handle(input)
    for output in outputs {
      switch output {
      case .sendCancel: sendCancel(id, caller, usage.flow, at: now)
      case .acknowledge: acknowledge(id, at: now, &out)
      case .sendBye: sendBye(id, at: now, &out)
      case .ringing: if let message { events.append(.ringing(id, message)) }
      case .established: if let message { events.append(.answered(id, message)) }
      case .ended(let reason):
        if case .refused = reason, let message { events.append(.refused(id, message)) }
        end(id, reason)
      }
    }
  }

  /// CANCEL has the INVITE's Request-URI, From, To, Call-ID, CSeq number and branch (RFC 3261 §9.1).
  private func sendCancel(_ id: LegID, _ caller: InviteUsage.Caller, _ flow: Flow, at now: Instant) {
    let label = Label(.request(.cancel), dialog: id.rawValue, sequence: caller.sequence)
    if let client = transactions.cancel(caller.client, label: label, at: now, &transactionOutputs) {
      purposes[client] = .cancel(id)
    }
    deadlines.set(id, at: now.adding(nanoseconds: 64 * configuration.timers.t1.wholeNanoseconds))
  }

  /// ACK to a 2xx is a request of its own, outside transactions (RFC 3261 §13.2.2.4).
  private func acknowledge(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    guard let usage = usages[id], case .caller(let caller) = usage.role, let dialog = usage.dialog else { return }
    let flow = inDialogFlow(usage, at: now, &out)
    let acknowledgement = caller.acknowledgement ?? acknowledgementDraft(dialog, caller, flow)
    let isRepeated = caller.acknowledgement != nil
    caller.acknowledgement = acknowledgement
    let label = Label(
      .request(.ack), cause: isRepeated ? .repeated : .first, attempt: isRepeated ? 1 : 0, dialog: id.rawValue,
      sequence: caller.sequence)
    transport.send(acknowledgement.serialized(), on: flow, label, at: now, &out, &transportEvents)
  }

  private func acknowledgementDraft(_ dialog: Dialog, _ caller: InviteUsage.Caller, _ flow: Flow) -> MessageDraft {
    var draft = inDialogDraft(.ack, dialog, sequence: caller.sequence)
    for name in [HeaderName.authorization, .proxyAuthorization] {
      if let value = caller.invite.first(name) { draft.append(name, value) }
    }
    return finish(draft, branch: mint.branch(), flow: flow)
  }

  private func endForkedDialog(_ id: LegID, _ dialog: Dialog, at now: Instant, _ out: inout Outbox) {
    guard let usage = usages[id], case .caller(let caller) = usage.role else { return }
    var forked = dialog
    let acknowledgement = acknowledgementDraft(forked, caller, usage.flow)
    let label = Label(.request(.ack), dialog: id.rawValue, sequence: caller.sequence)
    transport.send(acknowledgement.serialized(), on: usage.flow, label, at: now, &out, &transportEvents)
    let sequence = forked.nextSequence()
    let bye = inDialogDraft(.bye, forked, sequence: sequence)
    _ = sendRequest(
      bye, method: .bye, on: usage.flow, label: Label(.request(.bye), dialog: id.rawValue, sequence: sequence), at: now)
  }
}
