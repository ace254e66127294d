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

  /// Sends 183 with an answer: early media (RFC 3261 §13.3.1.1, RFC 3960).
  public func progress(_ id: LegID, body: Bytes, at now: Instant, _ out: inout Outbox) -> [UserAgentEvent] {
    guard let usage = usages[id], case .callee(let callee) = usage.role else { return [] }
    callee.progress = body
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

  // MARK: - Requests

  func receiveRequest(_ server: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox) {
    guard let method = message.method else { return }
    guard isSound(message, server, flow, at: now), let to = try? message.to(), let from = try? message.from(), let cseq = try? message.cseq()
    else { return }
    if method == .cancel {
      // There is no INVITE to cancel, or its transaction is over (RFC 3261 §9.2).
      refuseOutright(server, message, flow, status: 481, at: now)
    } else if let tag = to.tag {
      receiveInDialog(server, message, method, tag: tag, remoteTag: from.tag ?? "", cseq: cseq, flow, at: now, &out)
    } else if !configuration.style.reactions.acceptsMergedRequests, isMerged(server, message, fromTag: from.tag, cseq) {
      // The same request by another path: the first copy is answered (RFC 3261 §8.2.2.2).
      refuseOutright(server, message, flow, status: 482, at: now)
    } else if !hasKnownScheme(message) {
      refuseOutright(server, message, flow, status: configuration.style.reactions.foreignSchemeStatus, at: now)
    } else if let unknown = unsupportedOptions(of: message) {
      let supported = supportedInResponses.map { MessageDraft.Field(.supported, $0) }
      refuseOutright(server, message, flow, status: 420, fields: [.init(.unsupported, unknown)] + supported, at: now)
    } else if configuration.style.reactions.wantsSecureTransport, method == .invite, isSecureOverDatagrams(message, flow) {
      refuseOutright(server, message, flow, status: 480, fields: [.init(.warning, "381 SIP \"SIPS Required\"")], at: now)
    } else if method == .invite, let field = unreadableBody(message) {
      // RFC 3261 §8.2.3: what we could have read.
      refuseOutright(server, message, flow, status: 415, fields: [field], at: now)
    } else if method == .invite, refusesDescriptions(message) {
      refuseOutright(server, message, flow, status: 406, at: now)
    } else if method == .invite {
      receiveInvite(server, message, flow, at: now)
    } else {
      events.append(.request(server, message, flow))
    }
  }

  /// Tells which rules the header breaks; a request that cannot be processed for it gets 400 with the rule (RFC 3261 §8.2, §16.3).
  private func isSound(_ message: SIPMessage, _ server: ServerID, _ flow: Flow, at now: Instant) -> Bool {
    let faults = message.faults()
    guard let fatal = faults.first(where: \.isFatal) else {
      for fault in faults { events.append(.violation(nil, "\(message.method?.token ?? "") from \(flow): \(fault)")) }
      return true
    }
    events.append(.malformed(rule: "\(fatal)", flow))
    let isMismatch = if case .methodMismatch = fatal.error { true } else { false }
    if mayAnswer?(flow) ?? true, !isMismatch || !configuration.style.reactions.dropsSequenceMismatch {
      refuseOutright(server, message, flow, status: 400, reason: "Bad Request: \(fatal)", at: now)
    } else {
      transactions.abandon(server, at: now)
    }
    return false
  }

  private func isMerged(_ server: ServerID, _ message: SIPMessage, fromTag: String?, _ cseq: CSeq) -> Bool {
    guard let fromTag, let callID = try? message.callID() else { return false }
    let key = MergeKey(fromTag: fromTag, callID: callID, sequence: cseq.number, method: cseq.method)
    if mergeKeys[key] != nil { return true }
    mergeKeys[key] = server
    mergeKeysByServer[server] = key
    return false
  }

  private func isSecureOverDatagrams(_ message: SIPMessage, _ flow: Flow) -> Bool {
    flow.transport == .udp && (try? message.requestURI())?.scheme == .sips
  }

  private func hasKnownScheme(_ message: SIPMessage) -> Bool {
    guard let uri = try? message.requestURI() else { return true }
    switch uri.scheme {
    case .sip, .sips: return true
    case .other(let name): return configuration.foreignSchemes.contains(name)
    }
  }

  /// Accept or Accept-Encoding for an INVITE whose body we cannot read and which has to be read; nil when all is well.
  private func unreadableBody(_ message: SIPMessage) -> MessageDraft.Field? {
    guard !message.body.isEmpty else { return nil }
    let isOptional = (try? message.contentDisposition())?.parameters["handling"]?.lowercased() == "optional"
    guard !isOptional else { return nil }
    if let encoding = message.first(.contentEncoding)?.text.lowercased(), encoding != "identity" {
      return MessageDraft.Field(.acceptEncoding, "identity")
    }
    let accept = MessageDraft.Field(.accept, configuration.style.reactions.acceptedTypes)
    guard message.body(ofType: "application/sdp") != nil else { return accept }
    // A part that its writer insists on and we cannot read spoils the whole (RFC 5621 §8.2); other parts are passed over.
    let isSpoilt = message.multipart()?.parts.contains { $0.isRequired && !Self.isReadable($0.contentType) } == true
    return isSpoilt ? accept : nil
  }

  private static func isReadable(_ type: String) -> Bool { type == "application/sdp" || type.hasPrefix("multipart/") }

  /// Whether the answer can be none that the caller would take: an Accept that leaves application/sdp out (RFC 3261 §20.1, §21.4.7).
  private func refusesDescriptions(_ message: SIPMessage) -> Bool {
    guard let accept = try? message.accept() else { return false }
    return !accept.contains { $0.accepts("application/sdp") }
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
    usage.contactUser = answeringContactUser((try? message.to())?.uri.user)
    usages[id] = usage
    legsByTag[tag] = id
    legsByServer[server] = id
    if configuration.style.reactions.sendsTryingAtOnce {
      respond(server, responseDraft(to: message, status: 100, toTag: nil, flow: flow), status: 100, to: message, on: flow, leg: id, at: now)
    }
    events.append(.incoming(id, message, flow))
  }

  private func receiveInDialog(
    _ server: ServerID, _ message: SIPMessage, _ method: SIPMethod, tag: String, remoteTag: String, cseq: CSeq, _ flow: Flow,
    at now: Instant, _ out: inout Outbox
  ) {
    guard let id = leg(message, tag: tag, remoteTag: remoteTag), usages[id]?.dialog != nil else {
      refuseOutright(server, message, flow, status: 481, at: now)
      return
    }
    guard usages[id]?.dialog?.accepts(sequence: cseq.number) == true else {
      let phrase = configuration.style.reactions.lowSequencePhrase ?? "CSeq \(cseq.number) is not above the last one"
      refuseOutright(server, message, flow, status: 500, reason: phrase, at: now)
      return
    }
    usages[id]?.flow = flow
    switch method {
    case .bye:
      let draft = responseDraft(to: message, status: 200, toTag: nil, flow: flow)
      respond(server, draft, status: 200, to: message, on: flow, leg: id, at: now)
      tellReason(id, message)
      byeReceived(id, at: now, &out)
    case .invite:
      receiveReinvite(id, server, message, at: now, &out)
    default:
      events.append(.inDialog(id, server, message))
    }
  }

  func receiveAcknowledgement(_ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let tag = try? message.to().tag, let remoteTag = try? message.from().tag ?? "", let sequence = try? message.cseq().number,
      let id = leg(message, tag: tag, remoteTag: remoteTag), let usage = usages[id]
    else { return }
    acknowledgements[id] = message
    defer { acknowledgements[id] = nil }
    if case .callee(let callee) = usage.role, case .accepted = callee.machine.state {
      guard (try? callee.invite.cseq().number) == sequence else {
        events.append(.violation(id, "ACK with CSeq \(sequence), which is not the INVITE's (RFC 3261 §13.2.2.4)"))
        return
      }
      handleCallee(id, .ack, at: now, &out)
    } else if case .answered = usage.modification.state, usage.answeredReinvite?.sequence == sequence {
      handleModification(id, .ack, at: now, &out)
    }
  }

  func receiveCancel(
    of invite: ServerID, by cancel: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox
  ) {
    guard let id = legsByServer[invite], let usage = usages[id] else {
      // Its INVITE has its final response already: the CANCEL is answered and changes nothing (RFC 3261 §9.2).
      return refuseOutright(cancel, message, flow, status: 200, at: now)
    }
    let draft = responseDraft(to: message, status: 200, toTag: usage.localTag, flow: usage.flow)
    respond(cancel, draft, status: 200, to: message, on: flow, leg: id, at: now)
    tellReason(id, message)
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
    let unknown = message.commaValues(.require).map(\.text).filter { !configuration.style.supports($0) }
    return unknown.isEmpty ? nil : unknown.joined(separator: ", ")
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
    guard let usage = usages[id] else { return }
    if let due = usage.modification.nextDeadline, due <= now { return handleModification(id, .timer, at: now, &out) }
    switch usage.role {
    case .caller: handleCaller(id, .guardExpired, nil, at: now, &out)
    case .callee: handleCallee(id, .timer, at: now, &out)
    }
  }

  /// The earlier of the deadlines of the leg's machines.
  func rearm(_ id: LegID, _ usage: InviteUsage) {
    var due = usage.modification.nextDeadline
    if case .callee(let callee) = usage.role, let other = callee.machine.nextDeadline { due = min(due ?? other, other) }
    deadlines.set(id, at: due)
  }
}
