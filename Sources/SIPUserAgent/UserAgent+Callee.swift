import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

// The called side of an INVITE: what the party decides, and what leaves (RFC 3261 §13.3).
extension UserAgent {
  // MARK: - What the party decides

  /// Sends 180 with a To tag.
  public func ring(_ id: LegID, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    handleCallee(id, .ring, at: now, &out)
    return drain(at: now, &out)
  }

  /// Sends 183 with an answer: early media (RFC 3261 §13.3.1.1, RFC 3960).
  public func progress(_ id: LegID, body: Bytes, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    guard let usage = usages[id], case .callee(let callee) = usage.role else { return [] }
    callee.progress = body
    handleCallee(id, .ring, at: now, &out)
    return drain(at: now, &out)
  }

  /// Sends 200 with this body (an SDP answer or offer) and repeats it until the ACK comes.
  public func accept(_ id: LegID, body: Bytes, fields: [MessageDraft.Field] = [], at now: Instant, _ out: inout Outbox) -> [UserAgentEvent]
  {
    guard let usage = usages[id], case .callee(let callee) = usage.role else { return [] }
    var success = responseDraft(to: callee.invite, status: 200, toTag: callee.localTag, flow: usage.flow)
    success.fields += fields
    success.append(.contentType, "application/sdp")
    success.body = body
    let hasRung = if case .ringing = callee.machine.state { true } else { false }
    complete(&success, status: 200, to: callee.invite, on: usage.flow, hasRung ? .successAfterProvisional : .responses, at: now)
    callee.success = success
    handleCallee(id, .accept, at: now, &out)
    return drain(at: now, &out)
  }

  /// Sends a final refusal.
  public func refuse(
    _ id: LegID, status: Int, reason: String? = nil, fields: [MessageDraft.Field] = [], at now: Instant, _ out: inout Outbox
  ) -> [UserAgentEvent] {
    refusals[id] = Refusal(reason: reason, fields: fields)
    handleCallee(id, .refuse(status: status), at: now, &out)
    refusals[id] = nil
    return drain(at: now, &out)
  }

  /// The INVITE of a call that we were called by, while it lasts.
  public func invite(of id: LegID) -> SIPMessage? {
    if case .callee(let callee)? = usages[id]?.role { callee.invite } else { nil }
  }

  // MARK: - The machine and its outputs

  func handleCallee(_ id: LegID, _ input: InviteServerUsage.Input, at now: Instant, _ out: inout Outbox) {
    guard let usage = usages[id], case .callee(let callee) = usage.role else { return }
    let outputs = callee.machine.handle(input, at: now)
    rearm(id, usage)
    for output in outputs {
      switch output {
      case .sendRinging: sendProvisional(id, usage, callee, at: now)
      case .sendSuccess: sendSuccess(id, callee, attempt: 0, at: now)
      case .repeatSuccess(let attempt): sendSuccess(id, callee, attempt: attempt, at: now)
      case .sendRefusal(let status): sendRefusal(id, usage, callee, status: status, at: now)
      case .sendBye:
        if case .terminating(.ackMissing) = callee.machine.state {
          usage.byeFields = MessageStyle.fields(configuration.style.unacknowledgedByeHeaders)
        }
        sendBye(id, at: now, &out)
      case .confirmed: if let message = acknowledgements[id] { events.append(.acknowledged(id, message)) }
      case .ended(let reason): end(id, reason)
      }
    }
  }

  private func sendProvisional(_ id: LegID, _ usage: InviteUsage, _ callee: InviteUsage.Callee, at now: Instant) {
    let status = callee.progress == nil ? 180 : 183
    var draft = responseDraft(to: callee.invite, status: status, toTag: callee.localTag, flow: usage.flow)
    if let body = callee.progress {
      draft.append(.contentType, "application/sdp")
      draft.body = body
    }
    respond(callee.server, draft, status: status, to: callee.invite, on: usage.flow, leg: id, at: now)
  }

  private func sendSuccess(_ id: LegID, _ callee: InviteUsage.Callee, attempt: Int, at now: Instant) {
    guard let success = callee.success else { preconditionFailure("a 2xx is sent after accept gave its body") }
    let label = Label(
      .response(status: 200, .invite), cause: attempt == 0 ? .first : .awaitingACK, attempt: UInt8(clamping: attempt),
      dialog: id.rawValue, sequence: (try? callee.invite.cseq().number) ?? 0)
    transactions.respond(callee.server, success, status: 200, label: label, at: now, &transactionOutputs)
  }

  private func sendRefusal(_ id: LegID, _ usage: InviteUsage, _ callee: InviteUsage.Callee, status: Int, at now: Instant) {
    let refusal = refusals[id]
    // A challenge is the stack's own word: it makes no dialog.
    let isChallenge = status == 401 && configuration.style.takesBranchAsTag
    let tag = isChallenge ? replyTag(callee.invite) : callee.localTag
    var draft = responseDraft(to: callee.invite, status: status, reason: refusal?.reason, toTag: tag, flow: usage.flow)
    draft.fields += refusal?.fields ?? []
    if let cause = configuration.style.refusalCauses[status], draft.first(.reason) == nil { draft.append(.reason, "Q.850;cause=\(cause)") }
    let kind: HeaderOrder.Kind = isChallenge ? .stackResponses : .responses
    respond(callee.server, draft, status: status, to: callee.invite, on: usage.flow, leg: id, kind: kind, at: now)
  }

  func timerFired(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    guard let usage = usages[id] else { return giveUpRemains(id) }
    if let due = usage.modification.nextDeadline, due <= now { return handleModification(id, .timer, at: now, &out) }
    switch usage.role {
    case .caller: handleCaller(id, .guardExpired, nil, at: now, &out)
    case .callee(let callee):
      let isExpired = callee.machine.isUnanswered && callee.expiresAt.map { $0 <= now } ?? false
      handleCallee(id, isExpired ? .expired : .timer, at: now, &out)
    }
  }

  /// The earlier of the deadlines of the leg's machines.
  func rearm(_ id: LegID, _ usage: InviteUsage) {
    var due = usage.modification.nextDeadline
    if case .callee(let callee) = usage.role {
      if let other = callee.machine.nextDeadline { due = min(due ?? other, other) }
      if callee.machine.isUnanswered, let end = callee.expiresAt { due = min(due ?? end, end) }
    }
    deadlines.set(id, at: due)
  }
}
