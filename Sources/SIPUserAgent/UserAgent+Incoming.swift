import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

// What arrives at the called side: requests outside and within dialogs, ACK, CANCEL (RFC 3261 §8.2, §9.2, §12.2.2, §13.3, §15.1.2).
extension UserAgent {
  // MARK: - Outside dialogs

  func receiveRequest(_ server: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox) {
    guard let method = message.method else { return }
    guard let audit = soundness(of: message, server, flow, at: now), let to = audit.to, let from = audit.from, let cseq = audit.cseq else {
      return
    }
    if let tag = to.tag, method != .cancel {
      receiveInDialog(server, message, method, tag: tag, remoteTag: from.tag ?? "", cseq: cseq, flow, at: now, &out)
    } else if let defect = defect(of: message, audit, method, server, flow, fromTag: from.tag, cseq) {
      // The rules behind the one that refuses it.
      if method == .invite { noteMissingContact(nil, message) }
      events.append(.defective(server, message, flow, defect))
    } else {
      keepMergeKey(server, message, fromTag: from.tag, cseq)
      if method == .invite { receiveInvite(server, message, audit, flow, at: now) } else { events.append(.request(server, message, flow)) }
    }
  }

  /// Tells which rules the header breaks; a request that cannot be processed for it gets 400 with the rule (RFC 3261 §8.2, §16.3), and nil
  /// is returned.
  private func soundness(of message: SIPMessage, _ server: ServerID, _ flow: Flow, at now: Instant) -> MessageAudit? {
    let audit = message.audit()
    guard let fatal = audit.faults.first(where: \.isFatal) else {
      for fault in audit.faults {
        events.append(.violation(nil, PeerViolation(.messageForm, "\(message.method?.token ?? "") from \(flow): \(fault)")))
      }
      noteResponseAddress(audit.via, message, flow)
      return audit
    }
    events.append(.malformed(rule: "\(fatal)", flow))
    // It is answered for the first; the others are broken as well.
    for fault in audit.faults where fault != fatal {
      events.append(.violation(nil, PeerViolation(.messageForm, "\(message.method?.token ?? "") from \(flow): \(fault)")))
    }
    let isMismatch = if case .methodMismatch = fatal.error { true } else { false }
    if isMismatch, configuration.style.reactions.dropsSequenceMismatch {
      transactions.abandon(server, at: now, &transactionOutputs)
    } else {
      events.append(.defective(server, message, flow, .unreadable("\(fatal)")))
    }
    return nil
  }

  private func noteResponseAddress(_ via: Via?, _ message: SIPMessage, _ flow: Flow) {
    guard let via, flow.isTurnedAway(by: via) else { return }
    let detail =
      "Via of \(message) has maddr=\(via.parameters["maddr"]?.prefix(64) ?? ""): the answer goes to \(flow.remote.address), where the request "
      + "came from, and not to a host that did not ask (RFC 3261 §18.2.2; a decision of the Lab)"
    events.append(.note(nil, PeerNote(.responseAddress, detail)))
  }

  /// What has to be refused in any request outside dialogs; nil when all is well.
  private func defect(
    of message: SIPMessage, _ audit: MessageAudit, _ method: SIPMethod, _ server: ServerID, _ flow: Flow, fromTag: String?, _ cseq: CSeq
  ) -> RequestDefect? {
    let reactions = configuration.style.reactions
    if method == .cancel { return .nothingToCancel }
    if !reactions.acceptsMergedRequests, let key = MergeKey(message, fromTag: fromTag, cseq), mergeKeys[key] != nil {
      return .merged
    }
    if let uri = audit.requestURI, !hasKnownScheme(uri) { return .unknownScheme(status: reactions.foreignSchemeStatus) }
    if let unknown = unsupportedOptions(of: message) { return .unknownExtensions(unknown) }
    guard method == .invite else { return nil }
    if reactions.wantsSecureTransport, isSecureOverDatagrams(message, flow) { return .secureTransportWanted }
    if let field = unreadableBody(message) { return .unreadableBody(field) }
    return refusesDescriptions(message) ? .noAcceptableAnswer : nil
  }

  /// Answers a request that was told as ``UserAgentEvent/defective(_:_:_:_:)``.
  public func refuse(
    _ server: ServerID, _ request: SIPMessage, _ flow: Flow, _ defect: RequestDefect, at now: Instant, _ out: inout Outbox
  ) -> [UserAgentEvent] {
    refuse(server, request, flow, defect, at: now)
    return drain(at: now, &out)
  }

  /// From now on a copy of this request is one that is being served already. A request that was refused for its form never is.
  private func keepMergeKey(_ server: ServerID, _ message: SIPMessage, fromTag: String?, _ cseq: CSeq) {
    guard let key = MergeKey(message, fromTag: fromTag, cseq), mergeKeys[key] == nil else { return }
    mergeKeys[key] = server
    mergeKeysByServer[server] = key
  }

  private func isSecureOverDatagrams(_ message: SIPMessage, _ flow: Flow) -> Bool {
    flow.transport == .udp && (try? message.requestURI())?.scheme == .sips
  }

  private func hasKnownScheme(_ uri: SIPURI) -> Bool {
    switch uri.scheme {
    case .sip, .sips: return true
    case .other(let name): return configuration.foreignSchemes.contains(name)
    }
  }

  /// Option tags of Require that we do not know, as a header value (RFC 3261 §8.2.2.3); nil when there are none.
  private func unsupportedOptions(of message: SIPMessage) -> String? {
    let unknown = message.commaValues(.require).map(\.text).filter { !configuration.style.supports($0) }
    return unknown.isEmpty ? nil : unknown.joined(separator: ", ")
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

  private func receiveInvite(_ server: ServerID, _ message: SIPMessage, _ audit: MessageAudit, _ flow: Flow, at now: Instant) {
    let id = newLegID()
    let tag = mint.tag()
    let timers = configuration.timers
    let machine = InviteServerUsage(t1: timers.t1.wholeNanoseconds, t2: timers.t2.wholeNanoseconds)
    let callee = InviteUsage.Callee(machine: machine, server: server, invite: message, localTag: tag)
    let callID = (try? message.callID()) ?? ""
    let usage = InviteUsage(role: .callee(callee), flow: flow, localTag: tag, callID: callID)
    usage.dialog = Dialog(calleeOf: message, audit, localTag: tag, localSequence: mint.firstSequence())
    if let cseq = audit.cseq { usage.arrivedInvites.record(cseq.number) }
    usage.contactUser = answeringContactUser(audit.to?.uri.user)
    if let seconds = message.expires() { callee.expiresAt = now.advanced(by: .seconds(seconds)) }
    usages[id] = usage
    legsByTag[tag] = id
    legsByServer[server] = id
    if callee.expiresAt != nil { rearm(id, usage) }
    if configuration.style.reactions.sendsTryingAtOnce {
      respond(server, responseDraft(to: message, status: 100, toTag: nil, flow: flow), status: 100, to: message, on: flow, leg: id, at: now)
    }
    events.append(.incoming(id, message, flow))
    noteMissingContact(id, message)
    checkContact(id, of: message, isSecure: usage.dialog?.isSecure == true)
  }

  private func noteMissingContact(_ id: LegID?, _ message: SIPMessage) {
    if message.first(.contact) == nil { events.append(.violation(id, PeerViolation(.contactMissing, "INVITE"))) }
  }

  /// Names a Contact that leaves the scheme of a secure dialog.
  func checkContact(_ id: LegID, of message: SIPMessage, isSecure: Bool) {
    guard isSecure, message.hasClearContact else { return }
    let rule: PeerViolation.Rule = message.isRequest ? .requestContactSecure : .responseContactSecure
    events.append(.violation(id, PeerViolation(rule, "\(message.first(.contact)?.prefix(128).text ?? "") in \(message)")))
  }

  // MARK: - Within dialogs

  private func receiveInDialog(
    _ server: ServerID, _ message: SIPMessage, _ method: SIPMethod, tag: String, remoteTag: String, cseq: CSeq, _ flow: Flow,
    at now: Instant, _ out: inout Outbox
  ) {
    guard let id = leg(message, tag: tag, remoteTag: remoteTag), let usage = usages[id],
      let isInOrder = usage.isInOrder(cseq.number, remoteTag)
    else {
      events.append(.defective(server, message, flow, .noSuchDialog))
      return
    }
    let unknown = unsupportedOptions(of: message)
    if let unknown { events.append(.violation(id, PeerViolation(.requireInDialog, unknown))) }
    guard isInOrder else {
      return refuseSequence(id, server, message, method, cseq.number, flow, at: now)
    }
    if let unknown {
      if method == .invite { events.append(.reinviteRefused(id, message)) }
      return refuse(server, message, flow, .unknownExtensions(unknown), at: now)
    }
    switch method {
    case .bye: receiveBye(id, usage, server, message, remoteTag, flow, at: now, &out)
    case .invite where usage.dialog == nil:
      // Ours is open (RFC 3261 §14.2).
      events.append(.violation(id, PeerViolation(.inviteOverlaps, "in an early dialog")))
      refuseOutright(server, message, flow, status: 491, at: now)
    case .invite:
      if let field = unreadableBody(message) { return refuse(server, message, flow, .unreadableBody(field), at: now) }
      receiveReinvite(id, server, message, at: now, &out)
    default:
      events.append(.inDialog(id, server, message))
    }
  }

  /// 500 for a CSeq that is not above the last one (RFC 3261 §12.2.2).
  private func refuseSequence(
    _ id: LegID, _ server: ServerID, _ message: SIPMessage, _ method: SIPMethod, _ sequence: UInt32, _ flow: Flow, at now: Instant
  ) {
    events.append(.violation(id, PeerViolation(.sequenceNotHigher, "\(method) \(sequence)")))
    let phrase = configuration.style.reactions.lowSequencePhrase
    let warning = WarningValue(refusing: "CSeq \(sequence) is not above the last one (RFC 3261 §12.2.2)", by: flow.local.address).fieldValue
    refuseOutright(
      server, message, flow, status: 500, reason: phrase, fields: phrase == nil ? [.init(.warning, warning)] : [], at: now)
  }

  /// What a request within a dialog changes: its order, and the way to the peer. All of it once the request is accepted, nothing while it
  /// may be refused (RFC 3261 §12.2.2).
  func commit(_ usage: InviteUsage, _ server: ServerID, _ request: SIPMessage) {
    guard let sequence = try? request.cseq().number else { return }
    if usage.dialog != nil {
      usage.dialog?.accept(sequence: sequence)
    } else if case .caller(let caller) = usage.role, let tag = try? request.from().tag {
      caller.early.accept(sequence, in: tag)
    }
    if let flow = transactions.flow(of: server) { usage.flow = flow }
  }

  private func receiveBye(
    _ id: LegID, _ usage: InviteUsage, _ server: ServerID, _ message: SIPMessage, _ remoteTag: String, _ flow: Flow, at now: Instant,
    _ out: inout Outbox
  ) {
    commit(usage, server, message)
    let draft = responseDraft(to: message, status: 200, toTag: nil, flow: flow)
    respond(server, draft, status: 200, to: message, on: flow, leg: id, at: now)
    tellReason(id, message)
    if usage.dialog == nil { earlyByeReceived(id, usage, remoteTag, at: now, &out) } else { byeReceived(id, at: now, &out) }
  }

  /// The callee ends an early dialog of a call of ours, which only the caller may (RFC 3261 §15). The call is over with its last one.
  private func earlyByeReceived(_ id: LegID, _ usage: InviteUsage, _ tag: String, at now: Instant, _ out: inout Outbox) {
    guard case .caller(let caller) = usage.role else { return }
    events.append(.violation(id, PeerViolation(.byeInEarlyDialog, "before the final response to our INVITE")))
    caller.early.close(tag)
    if caller.early.isEmpty { handleCaller(id, .bye, nil, at: now, &out) }
  }

  private func refuse(
    _ server: ServerID, _ request: SIPMessage, _ flow: Flow, _ defect: RequestDefect, at now: Instant
  ) {
    var fields = defect.fields
    if case .unreadable(let rule) = defect {
      fields.append(.init(.warning, WarningValue(refusing: rule, by: flow.local.address).fieldValue))
    }
    if case .unknownExtensions = defect { fields += supportedInResponses.map { MessageDraft.Field(.supported, $0) } }
    refuseOutright(server, request, flow, status: defect.status, reason: defect.reason, fields: fields, at: now)
  }

  func receiveAcknowledgement(_ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let tag = message.toTag, let sequence = try? message.cseq().number,
      let id = leg(message, tag: tag, remoteTag: message.fromTag ?? ""), let usage = usages[id]
    else { return }
    switch usage.arrivedInvites.acknowledge(sequence, body: message.body) {
    case .first, .copy: break
    case .unknown: return events.append(.violation(id, PeerViolation(.acknowledgementSequence, "\(sequence)")))
    case .changed: return events.append(.violation(id, PeerViolation(.secondAnswer, "the ACK \(sequence) came before with another one")))
    }
    acknowledgements[id] = message
    defer { acknowledgements[id] = nil }
    if case .callee(let callee) = usage.role, case .accepted = callee.machine.state {
      if (try? callee.invite.cseq().number) == sequence { handleCallee(id, .ack, at: now, &out) }
    } else if case .answered = usage.modification.state, usage.answeredReinvite?.sequence == sequence {
      handleModification(id, .ack, at: now, &out)
    }
  }

  func receiveCancel(
    of invite: ServerID, by cancel: ServerID, _ message: SIPMessage, _ flow: Flow, at now: Instant, _ out: inout Outbox
  ) {
    guard let id = legsByServer[invite], let usage = usages[id] else {
      // Its request has its final response already, or is none that can be cancelled: the CANCEL is answered and changes nothing (§9.2).
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
}

extension InviteUsage {
  /// Whether a request of the peer comes after those accepted before it; nil when it is of no dialog of this usage.
  func isInOrder(_ sequence: UInt32, _ remoteTag: String) -> Bool? {
    if let dialog { return dialog.isInOrder(sequence) }
    guard case .caller(let caller) = role, caller.early.contains(remoteTag) else { return nil }
    return caller.early.isInOrder(sequence, in: remoteTag)
  }
}

extension UserAgent.MergeKey {
  /// nil for a peer of RFC 2543, whose From has no tag.
  init?(_ message: SIPMessage, fromTag: String?, _ cseq: CSeq) {
    guard let fromTag, let callID = try? message.callID() else { return nil }
    self.init(fromTag: fromTag, callID: callID, sequence: cseq.number, method: cseq.method)
  }
}
