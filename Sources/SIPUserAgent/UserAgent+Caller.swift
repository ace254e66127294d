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
    let flow = call.flow ?? transport.flow(to: call.target, at: now, &out)
    let tag = mint.tag()
    let callID = mint.callID(host: flow.local.address.description)
    let sequence = mint.firstSequence()
    var invite = MessageDraft(request: .invite, uri: call.requestURI.description)
    var from = call.from
    from.tag = tag
    invite.append(.from, from.description)
    invite.append(.to, Self.logical(call.to).description)
    invite.append(.callID, callID)
    invite.append(.cseq, "\(sequence) INVITE")
    let contactUser = configuration.style.contactUser ?? call.from.uri.user
    appendContact(to: &invite, user: contactUser, flow: flow, isSecure: call.requestURI.scheme == .sips)
    appendCapabilities(to: &invite)
    for field in call.fields { invite.fields.append(field) }
    if !call.body.isEmpty {
      invite.append(.contentType, "application/sdp")
      invite.body = call.body
    }
    let client = sendInvite(invite, id, sequence: sequence, on: flow, at: now, &out)
    let caller = InviteUsage.Caller(
      call: call, invite: invite, sequence: sequence, client: client,
      digest: call.credentials.map { DigestClient($0) })
    let usage = InviteUsage(role: .caller(caller), flow: flow, localTag: tag, callID: callID)
    usage.contactUser = contactUser
    usage.prefersFlow = call.prefersFlow
    usages[id] = usage
    legsByTag[tag] = id
    return (callID, drain(at: now, &out))
  }

  /// Gives up a call that is not answered yet; one that is gets a BYE.
  public func cancel(_ id: LegID, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    handleCaller(id, .cancel, nil, at: now, &out)
    return drain(at: now, &out)
  }

  /// Ends a leg whatever its state: CANCEL, a refusal or BYE.
  ///
  /// - Parameter fields: for a BYE, such as Reason (RFC 3326); nil = those of the style.
  public func hangUp(
    _ id: LegID, because reason: LegEnd = .hungUpHere, fields: [MessageDraft.Field]? = nil, at now: Instant, _ out: inout Outbox
  ) -> [UserAgentEvent] {
    usages[id]?.byeFields = fields ?? configuration.style.byeFields
    switch usages[id]?.role {
    case .caller: handleCaller(id, .hangUp(reason), nil, at: now, &out)
    case .callee: handleCallee(id, .hangUp(reason), at: now, &out)
    case nil: break
    }
    return drain(at: now, &out)
  }

  func sendInvite(
    _ invite: MessageDraft, _ id: LegID, sequence: UInt32, on flow: Flow, at now: Instant, _ out: inout Outbox
  ) -> TransactionLayer.ClientID {
    let label = Label(.request(.invite), dialog: id.rawValue, sequence: sequence)
    let client = sendRequest(invite, method: .invite, on: flow, label: label, at: now, &out)
    purposes[client] = .invite(id)
    return client
  }

  // MARK: - Responses

  func receiveResponse(
    _ id: TransactionLayer.ClientID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox
  ) {
    // Whatever comes now, the connection served.
    if !oversized.isEmpty { oversized[id] = nil }
    guard let status = message.status, let purpose = purposes[id] else { return }
    switch purpose {
    case .invite(let leg):
      compareDescription(leg, id, status, message)
      receiveInviteResponse(leg, id, status, message, flow, at: now, &out)
    case .cancel: break
    case .bye(let leg): receiveByeResponse(leg, status, message, at: now, &out)
    case .reinvite(let leg):
      compareDescription(leg, id, status, message)
      receiveReinviteResponse(leg, id, status, message, flow, at: now, &out)
    case .request(let request): receiveRequestResponse(request, status, message, at: now, &out)
    }
  }

  /// Names a description that differs from the one before it in the same dialog. In provisional responses to an INVITE without offer it
  /// is no answer, and may change (RFC 3261 §13.2.1).
  private func compareDescription(_ id: LegID, _ client: TransactionLayer.ClientID, _ status: Int, _ message: SIPMessage) {
    guard (101..<300).contains(status), !message.body.isEmpty, let usage = usageOrRemains(id) else { return }
    if status < 200, case .caller(let caller) = usage.role, caller.client == client, caller.isOfferDelayed { return }
    guard let body = message.body(ofType: "application/sdp"),
      let before = usage.descriptions.take(body, status: status, tag: message.toTag ?? "", of: client)
    else { return }
    events.append(.violation(id, PeerViolation(.secondAnswer, "the one in \(message) is not the one in the \(before) before it")))
  }

  private func receiveInviteResponse(
    _ id: LegID, _ client: TransactionLayer.ClientID, _ status: Int, _ message: SIPMessage, _ flow: Flow, at now: Instant,
    _ out: inout Outbox
  ) {
    guard let usage = usageOrRemains(id), case .caller(let caller) = usage.role else { return }
    switch status {
    case ..<200:
      if status > 100, client == caller.client, let tag = message.toTag { caller.early.open(tag) }
      handleCaller(id, .provisional(status: status), message, at: now, &out)
    case ..<300:
      receiveSuccess(id, usage, message, flow, at: now, &out)
    case 401, 407:
      // The answer to an INVITE that was already replaced by one with credentials.
      guard client == caller.client else { return }
      if answerChallenge(id, usage, caller, message, at: now, &out) || tryNextTarget(id, usage, caller, after: message, at: now, &out) {
        return
      }
      handleCaller(id, .rejected(status: status), message, at: now, &out)
    default:
      guard client == caller.client else { return }
      if tryNextTarget(id, usage, caller, after: message, at: now, &out) { return }
      handleCaller(id, .rejected(status: status), message, at: now, &out)
    }
  }

  private func answerChallenge(
    _ id: LegID, _ usage: InviteUsage, _ caller: InviteUsage.Caller, _ message: SIPMessage, at now: Instant, _ out: inout Outbox
  ) -> Bool {
    guard caller.machine.isUnanswered,
      let answer = answer(message, with: &caller.digest, method: .invite, uri: caller.requestURI.description)
    else { return false }
    caller.early = EarlyDialogs()
    caller.sequence += 1
    caller.invite.set(.cseq, "\(caller.sequence) INVITE")
    caller.invite.set(answer.name, answer.value)
    caller.client = sendInvite(caller.invite, id, sequence: caller.sequence, on: usage.flow, at: now, &out)
    return true
  }

  /// The field that answers the challenges of a 401 or 407; nil without credentials, or when they were tried already.
  func answer(_ response: SIPMessage, with digest: inout DigestClient?, method: SIPMethod, uri: String) -> MessageDraft.Field? {
    guard digest != nil else { return nil }
    let clientNonce = clientNonces.hex(configuration.style.clientNonceLength)
    guard let answer = digest?.answer(response, method: method, uri: uri, clientNonce: clientNonce, counts: &nonceCounts) else {
      return nil
    }
    return MessageDraft.Field(answer.header, answer.value)
  }

  func clientFailed(_ id: TransactionLayer.ClientID, _ failure: TransactionFailure, at now: Instant, _ out: inout Outbox) {
    let purpose = purposes.removeValue(forKey: id)
    if let next = retryOverDatagrams(id, failure, at: now) {
      if let purpose { move(purpose, to: next) }
      return
    }
    switch purpose {
    case nil: break
    case .invite(let leg):
      if let usage = usages[leg], case .caller(let caller) = usage.role, caller.client == id,
        tryNextTarget(leg, usage, caller, after: nil, at: now, &out)
      {
        return
      }
      handleCaller(leg, .failed(failure), nil, at: now, &out)
    case .cancel: break
    case .bye(let leg): byeCompleted(leg, at: now, &out)
    case .reinvite(let leg):
      // No answer ends the dialog (RFC 3261 §12.2.1.2); a request that could not be delivered, like a 503, does not (§8.1.3.1).
      let isUndelivered = if case .transport = failure { true } else { false }
      handleModification(leg, isUndelivered ? .rejected : .dialogGone, at: now, &out)
      inviteTransactionEnded(leg, id)
    case .request(let request): requestFailed(request, failure)
    }
  }

  /// The request goes on in another transaction.
  private func move(_ purpose: ClientPurpose, to client: TransactionLayer.ClientID) {
    purposes[client] = purpose
    switch purpose {
    case .invite(let leg): if case .caller(let caller) = usages[leg]?.role { caller.client = client }
    case .reinvite(let leg): usages[leg]?.reinvite?.client = client
    case .cancel, .bye, .request: break
    }
  }

  /// The BYE is over with any final answer but a challenge, which is answered once (RFC 3261 §22.2).
  private func receiveByeResponse(_ id: LegID, _ status: Int, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard status >= 200 else { return }
    if status == 401 || status == 407, let usage = usages[id], case .caller(let caller) = usage.role, usage.byeCredentials == nil,
      let uri = usage.dialog?.requestPath.uri.description
    {
      caller.digest?.beginRequest()
      if let answer = answer(message, with: &caller.digest, method: .bye, uri: uri) {
        usage.byeCredentials = answer
        return sendBye(id, at: now, &out)
      }
    }
    byeCompleted(id, at: now, &out)
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
      case .acknowledge: acknowledge(id, message, at: now, &out)
      case .sendBye: sendBye(id, at: now, &out)
      case .ringing: if let message { events.append(.ringing(id, message)) }
      case .established: if let message { events.append(.answered(id, message)) }
      case .ended(let reason):
        if case .refused = reason, let message { events.append(.refused(id, message)) }
        end(id, reason)
        awaitLateSuccess(id, usage, caller, hasWaited: input == .guardExpired, at: now)
      }
    }
  }

  /// CANCEL has the INVITE's Request-URI, From, To, Call-ID, CSeq number and branch (RFC 3261 §9.1).
  private func sendCancel(_ id: LegID, _ caller: InviteUsage.Caller, _ flow: Flow, at now: Instant) {
    let label = Label(.request(.cancel), dialog: id.rawValue, sequence: caller.sequence)
    let finish = { (draft: inout MessageDraft) in
      draft.fields += MessageStyle.fields(self.configuration.style.cancelHeaders)
      self.spell(&draft, .request(.cancel))
    }
    if let client = transactions.cancel(caller.client, label: label, finish: finish, at: now, &transactionOutputs) {
      purposes[client] = .cancel(id)
    }
    deadlines.set(id, at: now.adding(nanoseconds: 64 * configuration.timers.t1.wholeNanoseconds))
  }

  /// At once for an INVITE that had the offer; else the party's answer is waited for, unless the call was given up: then the offer is
  /// declined.
  private func acknowledge(_ id: LegID, _ message: SIPMessage?, at now: Instant, _ out: inout Outbox) {
    guard let usage = usages[id], case .caller(let caller) = usage.role, usage.dialog != nil else { return }
    if let entry = usage.acknowledgements[caller.client] {
      return sendAcknowledgement(id, usage, entry, isRepeated: true, at: now, &out)
    }
    guard !caller.isOfferDelayed || !usage.isEstablished else { return }
    let answer = caller.isOfferDelayed ? configuration.decline(message?.body ?? Bytes()) : Bytes()
    acknowledge(id, usage, caller, body: answer, at: now, &out)
  }
}
