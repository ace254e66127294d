import Media
import SDP
import SIPComposition
import SIPMessage
import SIPUserAgent
import SansIO

// Sessions that change while the call is up: hold, resume, media elsewhere, an empty re-INVITE (RFC 3261 §14, RFC 3264 §8).
extension Party {
  // MARK: - Ours

  func modify(_ id: LegID, _ modification: SessionChange, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id], leg.isUp else { return tell(.modificationFailed(id, status: nil, reason: "the call is not established")) }
    let steps = configuration.habits.steps(modification)
    // One after the other: a re-INVITE may not overlap another (RFC 3261 §14.1).
    guard leg.change == nil, let first = steps.first else { return leg.laterChanges += steps }
    leg.laterChanges = steps.dropFirst() + leg.laterChanges
    if first == .hold(.inactive), leg.laterChanges.first == .askForOffer(answering: .sendonly) { prepareMusic(leg, &out) }
    absorbChange(leg, first, at: now, &out)
  }

  func retryModification(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id], let change = leg.change else { return }
    leg.change = nil
    absorbChange(leg, change, at: now, &out)
  }

  /// Sends one re-INVITE once more, without looking for habits again.
  private func absorbChange(_ leg: Leg, _ change: SessionChange, at now: Instant, _ out: inout Outbox) {
    leg.change = change
    let body = offer(for: change, leg)?.serialized() ?? Bytes()
    leg.media?.handle(.offer(leg.session.openOffer), at: now, &out)
    absorb(userAgent.modify(leg.id, body: body, at: now, &out), at: now, &out)
  }

  private func continueChanges(_ leg: Leg, at now: Instant, _ out: inout Outbox) {
    guard leg.change == nil, !leg.laterChanges.isEmpty else { return }
    absorbChange(leg, leg.laterChanges.removeFirst(), at: now, &out)
  }

  /// nil = the peer shall make the offer.
  private func offer(for modification: SessionChange, _ leg: Leg) -> SessionDescription? {
    let local = leg.mediaElsewhere ?? TransportAddress(configuration.mediaAddress, port: leg.port)
    switch modification {
    case .hold(.sendonly): return leg.session.makeOffer(local: local, direction: .sendonly)
    case .hold(.inactive): return leg.session.makeOffer(local: local, direction: .inactive)
    case .hold(.zeroAddress):
      return leg.session.makeOffer(local: local, connection: local.address.isIPv6 ? .anyV6 : .anyV4)
    case .resume: return leg.session.makeOffer(local: local)
    case .refresh: return leg.session.makeOffer(local: local, direction: leg.wish)
    case .moveMedia(let elsewhere):
      return leg.session.makeOffer(local: elsewhere ?? TransportAddress(configuration.mediaAddress, port: leg.port), direction: leg.wish)
    case .askForOffer: return nil
    case .hold(.music), .hold(nil): preconditionFailure("habits resolve them into steps")
    }
  }

  /// Our re-INVITE got its 2xx: with the answer, or with the offer we asked for.
  func modified(_ id: LegID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id], let change = leg.change else { return }
    leg.change = nil
    let asksForOffer = if case .askForOffer = change { true } else { false }
    do throws(OfferAnswerFailure) {
      let description = try Self.sessionDescription(message)
      if case .askForOffer(let wish) = change {
        let place = wish == .sendonly ? musicPlace(leg) : nil
        if place == nil { stopMusic(leg, at: now, &out) }
        let local = place ?? leg.mediaElsewhere ?? TransportAddress(configuration.mediaAddress, port: leg.port)
        let (answer, agreement) = try leg.session.answer(description, local: local, wish: wish)
        absorb(userAgent.acknowledge(id, body: answer.serialized(), at: now, &out), at: now, &out)
        adopt(leg, agreement, wish: wish, at: now, &out)
        if place != nil { playMusic(leg, agreement, at: now, &out) }
      } else {
        let agreement = try leg.session.accept(answer: description)
        absorb(userAgent.acknowledge(id, body: Bytes(), at: now, &out), at: now, &out)
        if case .moveMedia(let elsewhere) = change { leg.mediaElsewhere = elsewhere }
        if case .hold(.inactive) = change { leg.music?.media?.handle(.stop, at: now, &out) }
        adopt(leg, agreement, wish: change.wish ?? leg.wish, at: now, &out)
        if leg.endsWhenMediaIsBack { return bringDown(id, fields: [], at: now, &out) }
      }
      continueChanges(leg, at: now, &out)
    } catch {
      // The 2xx is acknowledged all the same, then the call ends (RFC 3261 §13.2.2.4).
      if asksForOffer {
        acknowledgeUnusable(id, message, at: now, &out)
      } else {
        absorb(userAgent.acknowledge(id, body: Bytes(), at: now, &out), at: now, &out)
      }
      tellViolations(leg)
      endUnusable(id, error, asksForOffer ? .offerUnusable : .answerUnusable, in: message, at: now, &out)
    }
  }

  func modificationFailed(_ id: LegID, status: Int?, reason: String, at now: Instant, _ out: inout Outbox) {
    tell(.modificationFailed(id, status: status, reason: reason))
    guard let leg = legs[id] else { return }
    leg.change = nil
    leg.session.withdrawOffer()
    leg.media?.handle(.offer(nil), at: now, &out)
    if leg.endsWhenMediaIsBack { return bringDown(id, fields: [], at: now, &out) }
    continueChanges(leg, at: now, &out)
  }

  /// Takes a new agreement of a leg that is up.
  ///
  /// - Parameter isKnown: whether the peer knows of it: not before the ACK, where our 200 has the answer.
  private func adopt(
    _ leg: Leg, _ agreement: AudioAgreement, wish: MediaDirection, isKnown: Bool = true, at now: Instant, _ out: inout Outbox
  ) {
    leg.wish = wish
    leg.agreement = agreement
    leg.media?.handle(.renegotiate(agreement, isKnown: isKnown), at: now, &out)
    tell(.modified(leg.id, agreement))
    tellViolations(leg)
    afterMedia(leg, at: now, &out)
  }

  // MARK: - The peer's

  /// An INVITE within the dialog: a new offer is answered on the same ports, an empty one gets an offer of all we can do (contract 8.4).
  func reinvited(_ id: LegID, _ server: ServerID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id] else { return }
    let local = leg.mediaElsewhere ?? TransportAddress(configuration.mediaAddress, port: leg.port)
    do {
      if !Self.hasDescription(message) {
        let offer = leg.session.makeOffer(local: local, direction: leg.wish)
        leg.media?.handle(.offer(leg.session.openOffer), at: now, &out)
        leg.awaitsAnswer = true
        absorb(userAgent.answerReinvite(id, server, body: offer.serialized(), at: now, &out), at: now, &out)
        return
      }
      let (answer, agreement) = try leg.session.answer(try Self.sessionDescription(message), local: local, wish: leg.wish)
      absorb(userAgent.answerReinvite(id, server, body: answer.serialized(), at: now, &out), at: now, &out)
      adopt(leg, agreement, wish: leg.wish, isKnown: false, at: now, &out)
    } catch {
      let fields =
        configuration.habits.reinviteRefusalFields
        ?? [MessageDraft.Field(.warning, error.warningValue(agent: configuration.mediaAddress))]
      tellViolations(leg)
      if let violation = error.offerViolation { tell(.violation(id, violation)) }
      absorb(userAgent.refuseReinvite(id, server, status: 488, fields: fields, at: now, &out), at: now, &out)
    }
  }

  /// The user agent refused an INVITE within the dialog by itself: what its offer breaks is named all the same.
  func reinviteRefused(_ id: LegID, _ message: SIPMessage) {
    guard let leg = legs[id], Self.hasDescription(message) else { return }
    do throws(OfferAnswerFailure) {
      leg.session.judge(offer: try Self.sessionDescription(message))
      tellViolations(leg)
    } catch {
      if let violation = error.offerViolation { tell(.violation(id, violation)) }
    }
  }

  /// An INVITE is refused, whatever for: what its offer breaks is named all the same.
  func judgeRefusedOffer(_ id: LegID?, _ message: SIPMessage) {
    guard Self.hasDescription(message) else { return }
    do throws(OfferAnswerFailure) {
      var session = OfferAnswerSession(style: configuration.descriptions, sessionID: 1, capability: configuration.capability)
      _ = try session.answer(try Self.sessionDescription(message), local: TransportAddress(configuration.mediaAddress, port: 1))
    } catch {
      if let violation = error.offerViolation { tell(.violation(id, violation)) }
    }
  }

  /// The ACK to our 200 of a re-INVITE: it has the answer when the 200 had the offer.
  func reinviteAcknowledged(_ id: LegID, _ message: SIPMessage, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id] else { return }
    guard leg.awaitsAnswer else {
      // What our answer changed holds for the peer from now on.
      leg.media?.handle(.confirm, at: now, &out)
      return afterMedia(leg, at: now, &out)
    }
    leg.awaitsAnswer = false
    do throws(OfferAnswerFailure) {
      let agreement = try leg.session.accept(answer: try Self.sessionDescription(message))
      adopt(leg, agreement, wish: leg.wish, at: now, &out)
    } catch {
      tellViolations(leg)
      endUnusable(id, error, message.body.isEmpty ? .answerMissing : .answerUnusable, in: message, at: now, &out)
    }
  }

  /// What offer/answer noticed without harm to the call.
  func tellViolations(_ leg: Leg) { tellViolations(leg, leg.session.takeViolations()) }

  func tellViolations(_ leg: Leg, _ violations: [PeerViolation]) {
    for violation in violations { tell(.violation(leg.id, violation)) }
  }

  /// Ends a call whose offer/answer failed when nothing but BYE is left (contract 8.1).
  ///
  /// - Parameter rule: what the peer broke, unless offer/answer named something else or the limit is ours.
  func endUnusable(
    _ id: LegID, _ failure: OfferAnswerFailure, _ rule: PeerViolation.Rule, in message: SIPMessage, at now: Instant, _ out: inout Outbox
  ) {
    let violation = failure.violation(rule, in: message)
    if let violation { tell(.violation(id, violation)) }
    let reason = MessageDraft.Field(.reason, "SIP;cause=488;text=\"Not Acceptable Here\"")
    bringDown(id, because: violation.map(LegEnd.violation) ?? .unsupported(failure.warningText), fields: [reason], at: now, &out)
  }
}
