import KallglotPolicy
import SDP
import SIPComposition
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

// What an owner decided about a request, carried out.
extension CallAgent {
  // MARK: - INVITE

  /// Takes an INVITE in: checks the offer, opens ports, rings and answers. Without an offer the 200 carries ours (delayed offer).
  ///
  /// - Parameters:
  ///   - capability: what this call may use; nil = what the user agent can do.
  ///   - answerWith: what comes before the 200.
  ///   - answerFields: header fields for the 200.
  ///   - rtpTimeout: BYE after so long without RTP; nil = the user agent's own time.
  ///   - prefersFlow: whether requests within the call go over its flow rather than to Contact (contract 8.5); nil = as configured.
  /// - Throws: before anything was done; the owner refuses the INVITE.
  public func admit(
    _ id: LegID, _ invite: SIPRequest, capability: AudioCapability? = nil, answerWith: AnswerForm = .ringing,
    answerFields: [HeaderField] = [], rtpTimeout: Duration? = nil, prefersFlow: Bool? = nil,
    at now: Instant, _ out: inout Outbox
  ) throws(AdmissionFailure) {
    guard let port = media.reserve() else { throw .noMediaPort }
    let terms = AdmissionTerms(
      capability: capability, answerWith: answerWith, answerFields: answerFields, rtpTimeout: rtpTimeout ?? configuration.rtpTimeout)
    do throws(OfferAnswerFailure) {
      let leg = try Leg(
        id, calledBy: SessionBody(invite.inbound), LegFacts(incoming: invite), settings(for: invite), port: port,
        sessionID: newSessionID(), terms: terms, at: now)
      keep(leg, port: port)
    } catch {
      media.giveBack(port)
      throw .description(error)
    }
    userAgent.admit(id, prefersFlow: prefersFlow, at: now)
    feed(id, .begin, at: now, &out)
  }

  /// What a call that comes in has: media of the family of its offer (RFC 6157 §4.2), or of its signalling where it has none.
  private func settings(for invite: SIPRequest) -> LegSettings {
    guard configuration.otherMediaAddress != nil else { return settings }
    return settings(towards: SessionBody(invite.inbound).audioAddress ?? invite.flow.remote.address)
  }

  /// Refuses an INVITE.
  public func refuse(
    _ id: LegID, _ invite: SIPRequest, status: Int, reason: String? = nil, fields: [HeaderField] = [], at now: Instant,
    _ out: inout Outbox
  ) {
    report(.started(id, LegFacts(incoming: invite)))
    judgeRefusedOffer(id, invite.inbound)
    userAgent.refuse(id, status: status, reason: reason, fields: fields, at: now, &out)
    takeNews()
    run(at: now, &out)
  }

  /// Answers an INVITE with a 401 and its challenges. The caller will send another INVITE, so this leg was never one for the owner's log.
  public func challenge(_ id: LegID, fields: [HeaderField], at now: Instant, _ out: inout Outbox) {
    userAgent.refuse(id, status: 401, fields: fields, at: now, &out)
    while let event = userAgent.nextEvent() {
      if case .ended(id, _) = event { continue }
      work.append(.agent(event))
    }
    run(at: now, &out)
  }

  /// Never answers an INVITE at all.
  public func ignore(_ id: LegID, at now: Instant) { userAgent.ignore(id, at: now) }

  /// Ends a leg with these header fields in its BYE.
  public func hangUp(
    _ id: LegID, because reason: EndReason = .hungUpHere, fields: [HeaderField], at now: Instant, _ out: inout Outbox
  ) {
    if places[id.rawValue] == nil {
      userAgent.hangUp(id, because: reason, fields: fields, at: now, &out)
      takeNews()
    }
    feed(id, .command(.bringDown(reason, fields: fields)), at: now, &out)
  }

  /// An INVITE is refused, whatever for: what its offer breaks is named all the same.
  private func judgeRefusedOffer(_ id: LegID?, _ invite: InboundMessage) {
    if let violation = Negotiation.violation(in: SessionBody(invite), settings) { report(.violation(id, violation)) }
  }

  // MARK: - Other requests

  /// Answers a request outside dialogs.
  public func respond(
    _ server: ServerID, status: Int, reason: String? = nil, fields: [HeaderField] = [],
    at now: Instant, _ out: inout Outbox
  ) {
    userAgent.respond(server, status: status, reason: reason, fields: fields, at: now, &out)
    takeNews()
    run(at: now, &out)
  }

  /// Refuses a request for what is wrong with it.
  public func refuse(
    _ server: ServerID, _ request: InboundMessage, _ defect: RequestDefect, at now: Instant, _ out: inout Outbox
  ) {
    if request.message.method == .invite, defect.leavesOffer { judgeRefusedOffer(nil, request) }
    userAgent.refuse(server, defect, at: now, &out)
    takeNews()
    run(at: now, &out)
  }

  /// Answers a request within a dialog.
  public func respondInDialog(
    _ id: LegID, _ server: ServerID, status: Int, fields: [HeaderField] = [], at now: Instant,
    _ out: inout Outbox
  ) {
    userAgent.respondInDialog(id, server, status: status, fields: fields, at: now, &out)
    takeNews()
    run(at: now, &out)
  }

  /// Never answers a request outside dialogs.
  public func ignore(_ server: ServerID, at now: Instant) { userAgent.ignore(server, at: now) }

  /// Resets a connection.
  public func drop(_ flow: Flow, at now: Instant, _ out: inout Outbox) {
    userAgent.drop(flow, at: now, &out)
    takeNews()
    run(at: now, &out)
  }
}
