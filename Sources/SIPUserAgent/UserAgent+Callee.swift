import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

// The called side: initial INVITE, CANCEL, ACK, and requests within dialogs (RFC 3261 §8.2, §9.2, §12.2.2, §13.3, §15.1.2).
extension UserAgent {
  // MARK: - What the party decides

  /// Sends 180 with a To tag.
  public func ring(_ id: LegID, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    handleCallee(id, .ring, at: now, &out)
    return drain(at: now, &out)
  }

  /// Sends 200 with this body (an SDP answer or offer) and repeats it until the ACK comes.
  public func accept(_ id: LegID, body: Bytes, fields: [MessageDraft.Field] = [], at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    guard let usage = usages[id], case .callee(let callee) = usage.role else { return [] }
    var success = responseDraft(to: callee.invite, status: 200, toTag: callee.localTag, flow: usage.flow)
    success.fields += fields
    success.append(.contentType, "application/sdp")
    success.body = body
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

  /// Answers a re-INVITE with 200 and this body.
  public func answerReinvite(_ id: LegID, _ server: ServerID, _ request: SIPMessage, body: Bytes, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    guard let usage = usages[id] else { return [] }
    usages[id]?.dialog?.refreshTarget(request)
    var success = responseDraft(to: request, status: 200, toTag: nil, flow: usage.flow)
    success.append(.contentType, "application/sdp")
    success.body = body
    respond(server, success, status: 200, to: request, leg: id, at: now)
    return drain(at: now, &out)
  }

  // MARK: - Requests

  func receiveRequest(_ server: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox) {
    guard let method = message.method else { return }
    guard let to = try? message.to(), let from = try? message.from(), let cseq = try? message.cseq() else {
      refuseOutright(server, message, flow, status: 400, reason: "Bad Request: unreadable From, To or CSeq", at: now)
      return
    }
    guard cseq.method == method else {
      refuseOutright(server, message, flow, status: 400, reason: "Bad Request: CSeq names \(cseq.method)", at: now)
      return
    }
    if let tag = to.tag {
      receiveInDialog(server, message, method, tag: tag, remoteTag: from.tag ?? "", cseq: cseq, flow, at: now, &out)
    } else if let unknown = unsupportedOptions(of: message) {
      var draft = responseDraft(to: message, status: 420, toTag: mint.tag(), flow: flow)
      draft.append(.unsupported, unknown)
      respond(server, draft, status: 420, to: message, leg: nil, at: now)
    } else if method == .cancel {
      // There is no INVITE to cancel (RFC 3261 §9.2).
      refuseOutright(server, message, flow, status: 481, reason: nil, at: now)
    } else if method == .invite {
      receiveInvite(server, message, flow, at: now)
    } else {
      events.append(.request(server, message, flow))
    }
  }

  private func receiveInvite(_ server: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant) {
    let id = newLegID()
    let tag = mint.tag()
    let timers = configuration.timers
    let machine = InviteServerUsage(t1: timers.t1.wholeNanoseconds, t2: timers.t2.wholeNanoseconds)
    let callee = InviteUsage.Callee(machine: machine, server: server, invite: message, localTag: tag)
    let callID = (try? message.callID()) ?? ""
    let usage = InviteUsage(role: .callee(callee), flow: flow, localTag: tag, callID: callID)
    do {
      usage.dialog = try Dialog(calleeOf: message, localTag: tag, localSequence: mint.firstSequence())
    } catch {
      refuseOutright(server, message, flow, status: 400, reason: "Bad Request: \(error)", at: now)
      return
    }
    usages[id] = usage
    legsByTag[tag] = id
    legsByServer[server] = id
    events.append(.incoming(id, message, flow))
  }

  private func receiveInDialog(
    _ server: ServerID, _ message: SIPMessage, _ method: SIPMethod, tag: String, remoteTag: String, cseq: CSeq, _ flow: Flow,
    at now: Instant, _ out: inout Outbox
  ) {
    guard let id = leg(message, tag: tag, remoteTag: remoteTag), usages[id]?.dialog != nil else {
      refuseOutright(server, message, flow, status: 481, reason: nil, at: now)
      return
    }
    guard usages[id]?.dialog?.accepts(sequence: cseq.number) == true else {
      refuseOutright(server, message, flow, status: 500, reason: "CSeq \(cseq.number) is not above the last one", at: now)
      return
    }
    usages[id]?.flow = flow
    switch method {
    case .bye:
      let draft = responseDraft(to: message, status: 200, toTag: nil, flow: flow)
      respond(server, draft, status: 200, to: message, leg: id, at: now)
      byeReceived(id, at: now, &out)
    case .invite:
      guard usages[id]?.isEstablished == true else {
        var draft = responseDraft(to: message, status: 500, toTag: nil, flow: flow)
        draft.append(.retryAfter, "2")
        respond(server, draft, status: 500, to: message, leg: id, at: now)
        return
      }
      events.append(.reinvite(id, server, message))
    default:
      events.append(.inDialog(id, server, message))
    }
  }

  func receiveAcknowledgement(_ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let tag = try? message.to().tag, let remoteTag = try? message.from().tag ?? "",
      let id = leg(message, tag: tag, remoteTag: remoteTag), case .callee(let callee) = usages[id]?.role,
      case .accepted = callee.machine.state
    else { return }
    acknowledgements[id] = message
    handleCallee(id, .ack, at: now, &out)
    acknowledgements[id] = nil
  }

  func receiveCancel(of invite: ServerID, by cancel: ServerID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let id = legsByServer[invite], let usage = usages[id] else { return }
    let draft = responseDraft(to: message, status: 200, toTag: usage.localTag, flow: usage.flow)
    respond(cancel, draft, status: 200, to: message, leg: id, at: now)
    handleCallee(id, .cancelled, at: now, &out)
  }

  /// The leg that a request within a dialog names: all three identifiers have to agree (RFC 3261 §12.2.2).
  private func leg(_ message: SIPMessage, tag: String, remoteTag: String) -> LegID? {
    guard let id = legsByTag[tag], let usage = usages[id], let callID = try? message.callID(), usage.callID == callID,
      usage.dialog.map({ $0.remoteTag == remoteTag }) ?? true
    else { return nil }
    return id
  }

  /// Option tags of Require that we do not know, as a header value (RFC 3261 §8.2.2.3); nil when there are none.
  private func unsupportedOptions(of message: SIPMessage) -> String? {
    let unknown = message.commaValues(.require).map(\.text).filter { !configuration.style.supported.contains($0) }
    return unknown.isEmpty ? nil : unknown.joined(separator: ", ")
  }

  // MARK: - The machine and its outputs

  func handleCallee(_ id: LegID, _ input: InviteServerUsage.Input, at now: Instant, _ out: inout Outbox) {
    guard let usage = usages[id], case .callee(let callee) = usage.role else { return }
    let outputs = callee.machine.handle(input, at: now)
    deadlines.set(id, at: callee.machine.nextDeadline)
    for output in outputs {
      switch output {
      case .sendRinging:
        let draft = responseDraft(to: callee.invite, status: 180, toTag: callee.localTag, flow: usage.flow)
        respond(callee.server, draft, status: 180, to: callee.invite, leg: id, at: now)
      case .sendSuccess: sendSuccess(id, callee, attempt: 0, at: now)
      case .repeatSuccess(let attempt): sendSuccess(id, callee, attempt: attempt, at: now)
      case .sendRefusal(let status): sendRefusal(id, usage, callee, status: status, at: now)
      case .sendBye: sendBye(id, at: now, &out)
      case .confirmed: if let message = acknowledgements[id] { events.append(.acknowledged(id, message)) }
      case .ended(let reason): end(id, reason)
      }
    }
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
    var draft = responseDraft(
      to: callee.invite, status: status, reason: refusal?.reason, toTag: callee.localTag, flow: usage.flow)
    draft.fields += refusal?.fields ?? []
    respond(callee.server, draft, status: status, to: callee.invite, leg: id, at: now)
  }

  func timerFired(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    switch usages[id]?.role {
    case .caller: handleCaller(id, .guardExpired, nil, at: now, &out)
    case .callee: handleCallee(id, .timer, at: now, &out)
    case nil: break
    }
  }
}
