import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

// What an owner decided about a request, passed to the user agent.
extension Party {
  /// Answers a request outside dialogs.
  public func respond(
    _ server: ServerID, to request: SIPMessage, on flow: Flow, status: Int, reason: String? = nil, fields: [MessageDraft.Field] = [],
    at now: Instant, _ out: inout Outbox
  ) -> [Signal] {
    let events = userAgent.respond(server, status: status, reason: reason, fields: fields, at: now, &out)
    absorb(events, at: now, &out)
    return takeSignals()
  }

  /// Refuses a request for what is wrong with it.
  public func refuse(
    _ server: ServerID, _ request: SIPMessage, _ flow: Flow, _ defect: RequestDefect, at now: Instant, _ out: inout Outbox
  ) -> [Signal] {
    if request.method == .invite, defect.leavesOffer { judgeRefusedOffer(nil, request) }
    absorb(userAgent.refuse(server, defect, at: now, &out), at: now, &out)
    return takeSignals()
  }

  /// Answers a request within a dialog.
  public func respondInDialog(
    _ id: LegID, _ server: ServerID, to request: SIPMessage, status: Int, fields: [MessageDraft.Field] = [], at now: Instant,
    _ out: inout Outbox
  ) -> [Signal] {
    absorb(userAgent.respondInDialog(id, server, status: status, fields: fields, at: now, &out), at: now, &out)
    return takeSignals()
  }

  /// Answers an INVITE with a 401 and its challenges. The caller will send another INVITE, so this leg was never one for the owner's log.
  public func challenge(_ id: LegID, fields: [MessageDraft.Field], at now: Instant, _ out: inout Outbox) -> [Signal] {
    let events = userAgent.refuse(id, status: 401, fields: fields, at: now, &out)
    absorb(events.filter { if case .ended(id, _) = $0 { false } else { true } }, at: now, &out)
    return takeSignals()
  }

  /// Ends a leg with these header fields in its BYE.
  public func hangUp(
    _ id: LegID, because reason: LegEnd = .hungUpHere, fields: [MessageDraft.Field], at now: Instant, _ out: inout Outbox
  ) -> [Signal] {
    bringDown(id, because: reason, fields: fields, at: now, &out)
    return takeSignals()
  }

  /// Never answers an INVITE at all.
  public func ignore(_ id: LegID, at now: Instant, _ out: inout Outbox) -> [Signal] {
    userAgent.ignore(id, at: now)
    return takeSignals()
  }

  /// Never answers a request outside dialogs.
  public func ignore(_ server: ServerID, at now: Instant) { userAgent.ignore(server, at: now) }

  /// Resets a connection.
  public func drop(_ flow: Flow, at now: Instant, _ out: inout Outbox) -> [Signal] {
    absorb(userAgent.drop(flow, at: now, &out), at: now, &out)
    return takeSignals()
  }
}
