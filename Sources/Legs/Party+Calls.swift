import Media
import SDP
import SIPMessage
import SIPUserAgent
import SansIO

// Legs from the first INVITE to the agreement: ports, offer, answer (RFC 3261 §13, RFC 3264).
extension Party {
  // MARK: - Calling

  func placeCall(_ request: CallRequest, at now: Instant, _ out: inout Outbox) {
    let from = request.from ?? configuration.aor
    let facts = LegFacts(
      direction: .outgoing, callID: "", from: from.uri.description, to: request.uri.description,
      transport: request.target.transport, peer: request.target.address, name: request.name)
    let id = userAgent.reserveLeg()
    guard let leg = makeLeg(id, facts) else {
      tell(.portsMissing(id, reason: "no free media port in \(configuration.mediaPorts) for a call to \(request.uri)"))
      tell(.ended(id, .transportFailed, nil))
      return
    }
    leg.pending = .call(request)
    openPorts(leg, &out)
  }

  private func sendInvite(_ leg: Leg, _ request: CallRequest, at now: Instant, _ out: inout Outbox) {
    leg.isOfferDelayed = request.isOfferDelayed
    let local = TransportAddress(configuration.mediaAddress, port: leg.port)
    let body = request.isOfferDelayed ? Bytes() : leg.session.makeOffer(local: local).serialized()
    var to = NameAddress(uri: request.uri)
    to.uri.parameters = Parameters()
    var call = OutgoingCall(
      requestURI: request.uri, target: request.target, from: request.from ?? configuration.aor, to: to,
      credentials: request.credentials, fields: request.fields, body: body, flow: request.flow)
    call.prefersFlow = request.prefersFlow
    let (callID, events) = userAgent.call(call, as: leg.id, at: now, &out)
    leg.facts.callID = callID
    tell(.started(leg.id, leg.facts))
    absorb(events, at: now, &out)
  }

  /// A provisional response; one with an answer starts early media (RFC 3960 §3). The answer proper is that of the 2xx.
  func provisionalCame(_ id: LegID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    tell(.ringing(id, status: message.status ?? 0))
    guard let leg = legs[id], !leg.isOfferDelayed, Self.hasDescription(message) else { return }
    let tag = Self.remoteTag(message)
    // The first description of a dialog is its answer: others are copies, or ignored (RFC 3261 §13.2.1).
    guard leg.earlyAnswer(of: tag) == nil else { return }
    var preview = leg.session
    do throws(OfferAnswerFailure) {
      let answer = try Self.sessionDescription(message)
      let agreement = try preview.accept(answer: answer)
      leg.keepEarly(answer, of: tag)
      tellViolations(leg, preview.takeViolations())
      startMedia(leg, agreement, tag: tag, at: now, &out)
      tell(.earlyMedia(id, agreement))
    } catch {
      tellViolations(leg, preview.takeViolations())
      if let violation = error.violation(.answerUnusable, in: message) { tell(.violation(id, violation)) }
    }
  }

  /// Our INVITE got its 2xx: with the answer, or with the offer when ours had none.
  func answered(_ id: LegID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id] else { return }
    do throws(OfferAnswerFailure) {
      guard leg.isOfferDelayed else {
        let agreement = try leg.session.accept(answer: try finalAnswer(leg, message))
        // What is wrong with an early answer has been told when it came.
        if leg.earlyAnswer(of: Self.remoteTag(message)) != nil { _ = leg.session.takeViolations() }
        return establish(leg, agreement, tag: Self.remoteTag(message), at: now, &out)
      }
      let description = try Self.sessionDescription(message)
      let local = TransportAddress(configuration.mediaAddress, port: leg.port)
      let (answer, agreement) = try leg.session.answer(description, local: local)
      absorb(userAgent.acknowledge(id, body: answer.serialized(), at: now, &out), at: now, &out)
      establish(leg, agreement, tag: Self.remoteTag(message), at: now, &out)
    } catch {
      if leg.isOfferDelayed { acknowledgeUnusable(id, message, at: now, &out) }
      tellViolations(leg)
      endUnusable(id, error, leg.isOfferDelayed ? .offerUnusable : .answerUnusable, in: message, at: now, &out)
    }
  }

  /// The answer that the same callee gave in a provisional response, else the one in the 2xx, which has to have one in any case
  /// (RFC 3261 §13.2.1).
  private func finalAnswer(_ leg: Leg, _ message: SIPMessage) throws(OfferAnswerFailure) -> SessionDescription {
    let early = leg.earlyAnswer(of: Self.remoteTag(message))
    if !Self.hasDescription(message) {
      let violation = PeerViolation(.answerMissing, "\(message)")
      guard early != nil else { throw .broken(violation) }
      tell(.violation(leg.id, violation))
    }
    guard let early else { return try Self.sessionDescription(message) }
    return early
  }

  private static func remoteTag(_ response: SIPMessage) -> String { response.toTag ?? "" }

  /// A 2xx whose offer cannot be used is acknowledged with an answer that declines it (RFC 3261 §13.2.2.4).
  func acknowledgeUnusable(_ id: LegID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    let answer = userAgent.configuration.declining.answer(to: message.body(ofType: "application/sdp") ?? Bytes())
    absorb(userAgent.acknowledge(id, body: answer, at: now, &out), at: now, &out)
  }

  // MARK: - Being called

  /// Takes an INVITE in: checks the offer, opens ports, rings and answers. Without an offer the 200 carries ours (delayed offer).
  ///
  /// - Parameters:
  ///   - capability: what this call may use; nil = what the party can do.
  ///   - answerFields: header fields for the 200.
  ///   - rtpTimeout: BYE after so long without RTP; nil = the party's own time.
  ///   - answerWith: what comes before the 200.
  ///   - prefersFlow: whether requests within the call go over its flow rather than to Contact (contract 8.5); nil = as the party does.
  /// - Throws: before anything was done; the owner refuses the INVITE.
  public func admit(
    _ id: LegID, _ invite: SIPMessage, _ facts: LegFacts, capability: AudioCapability? = nil, answerWith: AnswerForm = .ringing,
    answerFields: [MessageDraft.Field] = [], rtpTimeout: Duration? = nil, prefersFlow: Bool? = nil,
    at now: Instant, _ out: inout Outbox
  ) throws(AdmissionFailure) -> [Signal] {
    guard let leg = makeLeg(id, facts, capability: capability) else { throw .noMediaPort }
    do throws(OfferAnswerFailure) {
      if !Self.hasDescription(invite) {
        leg.pending = .offer
      } else {
        leg.offer = try Self.sessionDescription(invite)
        try prepareAnswer(leg)
      }
    } catch {
      dropLeg(leg, &out)
      throw .description(error)
    }
    tell(.started(id, facts))
    userAgent.admit(id, prefersFlow: prefersFlow, at: now)
    leg.answerFields = answerFields
    leg.hasEarlyMedia = answerWith == .earlyMedia && Self.hasDescription(invite)
    if let rtpTimeout { leg.rtpTimeout = rtpTimeout }
    leg.answerAt = now.advanced(by: configuration.answerDelay)
    if configuration.answerDelay > .zero { answerDeadlines.set(id, at: leg.answerAt) }
    if !leg.hasEarlyMedia, answerWith != .nothing { absorb(userAgent.ring(id, at: now, &out), at: now, &out) }
    openPorts(leg, &out)
    return takeSignals()
  }

  /// Refuses an INVITE.
  public func refuse(
    _ id: LegID, _ facts: LegFacts, status: Int, reason: String? = nil, fields: [MessageDraft.Field] = [], at now: Instant,
    _ out: inout Outbox
  ) -> [Signal] {
    tell(.started(id, facts))
    if let invite = userAgent.invite(of: id) { judgeRefusedOffer(id, invite) }
    absorb(userAgent.refuse(id, status: status, reason: reason, fields: fields, at: now, &out), at: now, &out)
    return takeSignals()
  }

  private func prepareAnswer(_ leg: Leg) throws(OfferAnswerFailure) {
    guard let offer = leg.offer else { throw .noAudio }
    let local = TransportAddress(configuration.mediaAddress, port: leg.port)
    let (answer, agreement) = try leg.session.answer(offer, local: local)
    leg.pending = .answer(answer.serialized(), agreement)
  }

  func answerIfReady(_ leg: Leg, at now: Instant, _ out: inout Outbox) {
    guard leg.hasOpenPorts, let due = leg.answerAt else { return }
    if due > now { return sendEarlyMedia(leg, at: now, &out) }
    switch leg.pending {
    case .answer(let body, let agreement):
      leg.agreement = agreement
      leg.pending = nil
      absorb(userAgent.accept(leg.id, body: body, fields: leg.answerFields, at: now, &out), at: now, &out)
    case .offer:
      leg.awaitsAnswer = true
      leg.pending = nil
      let offer = leg.session.makeOffer(local: TransportAddress(configuration.mediaAddress, port: leg.port))
      absorb(userAgent.accept(leg.id, body: offer.serialized(), fields: leg.answerFields, at: now, &out), at: now, &out)
    case .call, nil: break
    }
  }

  private func sendEarlyMedia(_ leg: Leg, at now: Instant, _ out: inout Outbox) {
    guard leg.hasEarlyMedia, leg.media == nil, case .answer(let body, let agreement) = leg.pending else { return }
    absorb(userAgent.progress(leg.id, body: body, at: now, &out), at: now, &out)
    startMedia(leg, agreement, at: now, &out)
    tell(.earlyMedia(leg.id, agreement))
  }

  /// The ACK of our 2xx: media was agreed with our answer, or is with the one it carries.
  func acknowledged(_ id: LegID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id] else { return }
    guard leg.awaitsAnswer else {
      if let agreement = leg.agreement { establish(leg, agreement, at: now, &out) }
      return
    }
    leg.awaitsAnswer = false
    do throws(OfferAnswerFailure) {
      establish(leg, try leg.session.accept(answer: try Self.sessionDescription(message)), at: now, &out)
    } catch {
      tellViolations(leg)
      endUnusable(id, error, message.body.isEmpty ? .answerMissing : .answerUnusable, in: message, at: now, &out)
    }
  }

  // MARK: - Ports

  func makeLeg(_ id: LegID, _ facts: LegFacts, capability: AudioCapability? = nil) -> Leg? {
    guard let port = ports.take() else { return nil }
    lastPort += 2
    let leg = Leg(
      id: id, facts: facts, session: newSession(capability), port: port, rtp: PortID(lastPort),
      rtcp: PortID(lastPort + 1), capability: capability)
    leg.rtpTimeout = configuration.rtpTimeout
    legs[id] = leg
    legsByPort[leg.rtp] = id
    legsByPort[leg.rtcp] = id
    return leg
  }

  private func newSession(_ capability: AudioCapability?) -> OfferAnswerSession {
    OfferAnswerSession(
      style: configuration.descriptions,
      sessionID: UInt64.random(in: 1...0x7FFF_FFFF, using: &mediaEntropy), capability: capability ?? configuration.capability,
      origin: configuration.habits.originIsSignalling ? configuration.userAgent.listeners.first?.address.address : nil)
  }

  func openPorts(_ leg: Leg, _ out: inout Outbox) {
    leg.unbound = 2
    tell(.mediaPorts(leg.id, rtp: TransportAddress(configuration.mediaAddress, port: leg.port)))
    out.bind(leg.rtp, TransportAddress(configuration.mediaAddress, port: leg.port))
    out.bind(leg.rtcp, TransportAddress(configuration.mediaAddress, port: leg.port + 1))
  }

  func portOpened(_ leg: Leg, at now: Instant, _ out: inout Outbox) {
    leg.unbound -= 1
    guard leg.hasOpenPorts else { return }
    if case .call(let request) = leg.pending {
      leg.pending = nil
      sendInvite(leg, request, at: now, &out)
    } else {
      answerIfReady(leg, at: now, &out)
    }
  }

  /// Another program holds the port: the next pair is tried, so many times.
  func portFailed(_ leg: Leg, _ failure: BindFailure, at now: Instant, _ out: inout Outbox) {
    leg.portAttempts += 1
    if leg.portAttempts == 1, let error = failure.systemError {
      let local = TransportAddress(configuration.mediaAddress, port: leg.port)
      tell(.socketFailed(leg.id, SocketFailure(.bind, local: local, error: error)))
    }
    closePorts(leg, &out)
    ports.putAside(leg.port)
    // Another port needs a descriptor as well.
    guard failure != .noDescriptor, leg.portAttempts < Self.portAttemptLimit, let port = ports.take() else {
      return giveUp(leg, failure, at: now, &out)
    }
    let replacement = makeReplacement(of: leg, port: port)
    openPorts(replacement, &out)
  }

  /// A call without media cannot be: one that came is refused, one of ours ends before its INVITE.
  private func giveUp(_ leg: Leg, _ failure: BindFailure, at now: Instant, _ out: inout Outbox) {
    let attempts = leg.portAttempts > 1 ? " (\(leg.portAttempts) pairs were tried)" : ""
    tell(.portsMissing(leg.id, reason: "no media port could be opened: \(failure)\(attempts)"))
    legs[leg.id] = nil
    answerDeadlines.remove(leg.id)
    guard case .call = leg.pending else {
      let fields = [MessageDraft.Field(.retryAfter, "10")]
      absorb(userAgent.refuse(leg.id, status: 503, fields: fields, at: now, &out), at: now, &out)
      return
    }
    tell(.ended(leg.id, .transportFailed, nil))
  }

  private func makeReplacement(of leg: Leg, port: UInt16) -> Leg {
    lastPort += 2
    let fresh = Leg(
      id: leg.id, facts: leg.facts, session: newSession(leg.capability), port: port, rtp: PortID(lastPort),
      rtcp: PortID(lastPort + 1), capability: leg.capability)
    (fresh.pending, fresh.offer, fresh.answerAt, fresh.portAttempts) = (leg.pending, leg.offer, leg.answerAt, leg.portAttempts)
    (fresh.hasEarlyMedia, fresh.answerFields, fresh.rtpTimeout) = (leg.hasEarlyMedia, leg.answerFields, leg.rtpTimeout)
    if case .answer = leg.pending { try? prepareAnswer(fresh) }
    legs[leg.id] = fresh
    legsByPort[fresh.rtp] = fresh.id
    legsByPort[fresh.rtcp] = fresh.id
    return fresh
  }

  func closePorts(_ leg: Leg, _ out: inout Outbox) {
    guard legsByPort.removeValue(forKey: leg.rtp) != nil else { return }
    legsByPort[leg.rtcp] = nil
    out.unbind(leg.rtp)
    out.unbind(leg.rtcp)
  }

  func dropLeg(_ leg: Leg, _ out: inout Outbox) {
    closePorts(leg, &out)
    ports.release(leg.port)
    legs[leg.id] = nil
    mediaDeadlines.remove(leg.id)
    answerDeadlines.remove(leg.id)
  }

  // MARK: - Ends

  func hangUp(_ id: LegID, because reason: LegEnd, at now: Instant, _ out: inout Outbox) {
    if let leg = legs[id], case .call = leg.pending {
      dropLeg(leg, &out)
      tell(.ended(id, reason, nil))
      return
    }
    if let leg = legs[id], configuration.habits.takesMediaBack, leg.isUp, leg.mediaElsewhere != nil, !leg.endsWhenMediaIsBack {
      leg.endsWhenMediaIsBack = true
      leg.laterChanges = []
      return modify(id, .moveMedia(to: nil), at: now, &out)
    }
    bringDown(id, because: reason, fields: byeFields(id, at: now), at: now, &out)
  }

  /// Hangs up. Once BYE is on its way nothing more is said, whether it is answered or not (RFC 3261 §15.1.1).
  func bringDown(_ id: LegID, because reason: LegEnd = .hungUpHere, fields: [MessageDraft.Field]?, at now: Instant, _ out: inout Outbox) {
    if let leg = legs[id], leg.isUp {
      leg.media?.handle(.stop, at: now, &out)
      leg.music?.media?.handle(.stop, at: now, &out)
      afterMedia(leg, at: now, &out)
    }
    absorb(userAgent.hangUp(id, because: reason, fields: fields, at: now, &out), at: now, &out)
  }

  /// nil = those of the style.
  private func byeFields(_ id: LegID, at now: Instant) -> [MessageDraft.Field]? {
    guard configuration.habits.reportsMediaInBye, let leg = legs[id], let since = leg.upSince, let report = leg.media?.report else {
      return nil
    }
    let value = report.statisticsHeader(seconds: Int(since.duration(to: now).components.seconds))
    return configuration.userAgent.style.byeFields + [MessageDraft.Field(HeaderName("P-RTP-Stat"), value)]
  }

  func ended(_ id: LegID, _ reason: LegEnd, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id] else {
      tell(.ended(id, reason, nil))
      return
    }
    leg.media?.handle(.stop, at: now, &out)
    stopMusic(leg, at: now, &out)
    tell(.ended(id, reason, leg.media?.report))
    dropLeg(leg, &out)
  }

  /// Whether there is an offer or answer; a body that may be left unread is none.
  static func hasDescription(_ message: SIPMessage) -> Bool {
    guard !message.body.isEmpty else { return false }
    return message.body(ofType: "application/sdp") != nil || message.first(.contentType) == nil
  }

  static func sessionDescription(_ message: SIPMessage) throws(OfferAnswerFailure) -> SessionDescription {
    guard !message.body.isEmpty else { throw .noAudio }
    do {
      // In a multipart body it is the part of its type, first or last (RFC 5621 §3.1).
      return try SessionDescription.parse(message.body(ofType: "application/sdp") ?? message.body)
    } catch {
      throw .unreadable(error)
    }
  }
}

extension OfferAnswerFailure {
  /// The rule that was broken: the one that offer/answer named, else this one; nil for a limit of ours, which breaks none.
  func violation(_ rule: PeerViolation.Rule, in message: SIPMessage) -> PeerViolation? {
    if case .broken(let violation) = self { return violation }
    if case .limit = self { return nil }
    return PeerViolation(rule, "\(message.method?.token ?? "\(message.status ?? 0)"): \(warningText)")
  }

  /// The rule that an offer broke; nil where it is right, and asks for what we do not do.
  var offerViolation: PeerViolation? {
    switch self {
    case .broken(let violation): violation
    case .unreadable(let error): PeerViolation(.offerUnusable, "\(error)")
    case .noAudio, .noCommonCodec, .wrongProfile, .limit, .other: nil
    }
  }

  /// A Warning value (RFC 3261 §20.43): code, agent, text.
  public func warningValue(agent: IPAddress) -> String {
    let host = agent.isIPv6 ? "[\(agent)]" : agent.description
    return WarningValue(warningCode, agent: host, warningText).fieldValue
  }
}
