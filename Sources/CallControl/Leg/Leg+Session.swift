import KallglotPolicy
import Media
import Rules
import SDP
import SIPComposition
import SIPMessage
import SIPUserAgent
import SansIO

// A call that is up: its changes, the peer's, and its end (RFC 3261 §14, §15, RFC 3264 §8).
extension Leg {
  // MARK: - Changes of ours

  mutating func change(_ change: SessionChange, at now: Instant) -> Step {
    guard state.session != nil else { return (state, [.event(.reinviteFailed(id, status: nil, reason: "the call is not established"))]) }
    return advance(.wanted(settings.habits.steps(change)), at: now)
  }

  /// Feeds the changes, and does what they ask for.
  mutating func advance(_ input: SessionChanges.Input, at now: Instant) -> Step {
    guard var session = state.session else { return (state, []) }
    return advance(&session, input, after: [], at: now)
  }

  private mutating func advance(
    _ session: inout Session, _ input: SessionChanges.Input, after earlier: [LegOutput], at now: Instant
  ) -> Step {
    var outputs = earlier
    for output in session.changes.handle(input) {
      switch output {
      case .prepareMusic: if session.changes.music == nil { outputs.append(.ports(.openMusic)) }
      case .send(.renew(_, ports: true)) where session.changes.next == nil: outputs.append(.ports(.openNext))
      case .send(let change):
        let body = offer(for: change, session)
        outputs += [.media(.call(.offer(negotiation.openOffer))), .signal(.reinvite(body))]
      case .hangUp: return (.leaving(.hungUp(session)), outputs + bye(.hungUpHere, fields: []))
      }
    }
    return standing(session, after: outputs, at: now)
  }

  /// Empty = the peer shall make the offer.
  private mutating func offer(for change: SessionChange, _ session: Session) -> Bytes {
    let (place, wish) = (session.changes.directMedia, session.changes.wish)
    switch change {
    case .hold(.sendonly): return negotiation.offer(.sendonly, place: place)
    case .hold(.inactive): return negotiation.offer(.inactive, place: place)
    case .hold(.zeroAddress):
      return negotiation.offer(place: place, connection: (place ?? negotiation.here).address.isIPv6 ? .anyV6 : .anyV4)
    case .resume: return negotiation.offer(place: place)
    case .refresh: return negotiation.offer(wish, place: place)
    case .renew(let keys, let ports):
      return negotiation.offer(wish, place: ports ? session.changes.next : place, renewsKeys: keys)
    case .directMedia(let place): return negotiation.offer(wish, place: place)
    case .askForOffer: return Bytes()
    case .hold(.music), .hold(nil): preconditionFailure("habits resolve them into steps")
    }
  }

  mutating func handle(_ news: LegInput.MusicPortNews, at now: Instant) -> Step {
    guard var session = state.session else { return (state, [.ports(.closeMusic)]) }
    switch news {
    case .reserved(let place):
      session.changes.music = place
      return standing(session, after: [.event(.mediaPorts(id, rtp: place))], at: now)
    // Without the server the leg answers from its own address, silent.
    case .failed(let failure):
      session.changes.music = nil
      let reason = "no port for music could be opened at \(settings.musicAddress): \(failure)"
      return standing(session, after: [.event(.portsMissing(id, reason: reason)), .ports(.closeMusic)], at: now)
    }
  }

  mutating func handle(_ news: LegInput.NextPortNews, at now: Instant) -> Step {
    guard var session = state.session else { return (state, [.ports(.closeNext)]) }
    switch news {
    case .opened(let place):
      session.changes.next = place
      return advance(&session, .due, after: [.event(.mediaPorts(id, rtp: place))], at: now)
    case .missing(let reason):
      let outputs: [LegOutput] = [.event(.reinviteFailed(id, status: nil, reason: reason)), .ports(.closeNext)]
      return advance(&session, .failed, after: outputs, at: now)
    }
  }

  /// Our re-INVITE got its 2xx: with the answer, or with the offer we asked for.
  mutating func reinviteAnswered(_ body: SessionBody, at now: Instant) -> Step {
    switch state {
    case .securing(var session, _), .up(var session):
      guard let change = session.changes.current else { return (state, []) }
      if case .askForOffer(let wish) = change { return answer(body, &session, wish: wish, at: now) }
      return accept(body, &session, change, at: now)
    case .leaving(.hungUp(let session)), .leaving(.reporting(_, let session)):
      // The peer waits for the ACK of this 2xx all the same (RFC 5407 §3.2.4).
      guard let change = session.changes.current else { return (state, []) }
      guard case .askForOffer(let wish) = change else { return (state, [.signal(.acknowledge(Bytes()))]) }
      guard let answer = try? negotiation.answer(body.description(), place: session.changes.directMedia, wish: wish) else {
        return (state, [acknowledgeUnusable(body)])
      }
      return (state, [.signal(.acknowledge(answer.body))])
    case .openingPorts, .inviting, .ringing, .answering, .awaitingAcknowledgement, .awaitingAnswer, .leaving, .closing, .over:
      return (state, [])
    }
  }

  /// The offer we asked for: the ACK has our answer, which names the music server while the peer is held.
  private mutating func answer(_ body: SessionBody, _ session: inout Session, wish: MediaDirection, at now: Instant) -> Step {
    var outputs: [LegOutput] = []
    do throws(OfferAnswerFailure) {
      let offer = try body.description()
      let music = wish == .sendonly ? session.changes.music : nil
      if music == nil, session.changes.music != nil {
        session.changes.music = nil
        outputs.append(.ports(.closeMusic))
      }
      let answer = try negotiation.answer(offer, place: music ?? session.changes.directMedia, wish: wish)
      outputs.append(.signal(.acknowledge(answer.body)))
      outputs += adopt(answer.agreement, &session, wish: wish)
      if music != nil { outputs.append(.media(.play(answer.agreement))) }
      return advance(&session, .succeeded, after: outputs, at: now)
    } catch {
      // The 2xx is acknowledged all the same, then the call ends (RFC 3261 §13.2.2.4).
      let (next, ending) = endUnusable(error, .offerUnusable, in: body)
      return (next, outputs + [acknowledgeUnusable(body)] + ending)
    }
  }

  /// The answer to our offer.
  private mutating func accept(_ body: SessionBody, _ session: inout Session, _ change: SessionChange, at now: Instant) -> Step {
    let acknowledgement = LegOutput.signal(.acknowledge(Bytes()))
    do throws(OfferAnswerFailure) {
      let agreement = try negotiation.accept(try body.description())
      var outputs = [acknowledgement]
      if case .hold(.inactive) = change { outputs.append(.media(.music(.stop))) }
      if let place = session.changes.next {
        session.changes.next = nil
        negotiation.move(to: place)
        outputs.append(.ports(.moveToNext))
      }
      outputs += adopt(agreement, &session, wish: change.wish ?? session.changes.wish)
      return advance(&session, .succeeded, after: outputs, at: now)
    } catch {
      let (next, ending) = endUnusable(error, .answerUnusable, in: body)
      return (next, [acknowledgement] + ending)
    }
  }

  mutating func reinviteFailed(_ status: Int?, _ reason: String, at now: Instant) -> Step {
    let failed = LegOutput.event(.reinviteFailed(id, status: status, reason: reason))
    guard var session = state.session else { return (state, [failed]) }
    negotiation.withdrawOffer()
    var outputs = [failed, .media(.call(.offer(nil)))]
    if session.changes.next != nil {
      session.changes.next = nil
      outputs.append(.ports(.closeNext))
    }
    return advance(&session, .failed, after: outputs, at: now)
  }

  /// Takes a new agreement of a leg that is up.
  ///
  /// - Parameter isKnown: whether the peer knows of it: not before the ACK, where our 200 has the answer.
  private mutating func adopt(
    _ agreement: AudioAgreement, _ session: inout Session, wish: MediaDirection, isKnown: Bool = true
  ) -> [LegOutput] {
    session.changes.wish = wish
    session.agreement = agreement
    return [.media(.call(.renegotiate(agreement, isKnown: isKnown))), .event(.renegotiated(id, agreement))].then(violations())
  }

  // MARK: - The peer's

  /// An INVITE within the dialog: a new offer is answered on the same ports, an empty one gets an offer of all we can do (contract 8.4).
  mutating func reinvited(_ server: ServerID, _ body: SessionBody, at now: Instant) -> Step {
    // Before the call is up the user agent answers by itself; whoever is not ready for an offer says 491 (RFC 3261 §14.2).
    guard var session = state.session else { return (state, [.signal(.refuseReinvite(server, status: 491, fields: []))]) }
    let (place, wish) = (session.changes.directMedia, session.changes.wish)
    guard body.hasDescription else {
      let offer = negotiation.offer(wish, place: place)
      session.awaitsAnswer = true
      let outputs: [LegOutput] = [.media(.call(.offer(negotiation.openOffer))), .signal(.answerReinvite(server, offer))]
      return standing(session, after: outputs, at: now)
    }
    do throws(OfferAnswerFailure) {
      let answer = try negotiation.answer(try body.description(), place: place, wish: wish)
      let outputs = adopt(answer.agreement, &session, wish: wish, isKnown: false)
      return standing(session, after: [.signal(.answerReinvite(server, answer.body))] + outputs, at: now)
    } catch {
      let fields =
        settings.habits.reinviteRefusalFields
        ?? [HeaderField(.warning, error.warningValue(agent: settings.mediaAddress))]
      let refusal = LegOutput.signal(.refuseReinvite(server, status: 488, fields: fields))
      return (state, violations() + violation(error.offerViolation) + [refusal])
    }
  }

  /// The ACK to our 200 of a re-INVITE: it has the answer when the 200 had the offer.
  mutating func reinviteAcknowledged(_ body: SessionBody, at now: Instant) -> Step {
    guard var session = state.session else { return (state, []) }
    // What our answer changed holds for the peer from now on.
    guard session.awaitsAnswer else { return (state, [.media(.call(.confirm))]) }
    session.awaitsAnswer = false
    do throws(OfferAnswerFailure) {
      let agreement = try negotiation.accept(try body.description())
      let outputs = adopt(agreement, &session, wish: session.changes.wish)
      return standing(session, after: outputs, at: now)
    } catch {
      return endUnusable(error, body.isEmpty ? .answerMissing : .answerUnusable, in: body)
    }
  }

  // MARK: - Ends

  /// Ends the call as the product does: direct media may be brought back first, and figures of the media go into the BYE.
  mutating func hangUp(_ reason: EndReason, at now: Instant) -> Step {
    switch state {
    case .openingPorts(.call): return (.closing(reason), [.ports(.close)])
    case .securing(var session, _), .up(var session):
      if settings.habits.takesMediaBack, session.changes.directMedia != nil, !session.changes.isLeaving {
        return advance(&session, .leave, after: [], at: now)
      }
      guard settings.habits.reportsMediaInBye else { return leave(reason, fields: nil) }
      return (.leaving(.reporting(reason, session)), Self.lastWords)
    case .openingPorts, .inviting, .ringing, .answering, .awaitingAcknowledgement, .awaitingAnswer, .leaving, .closing, .over:
      return leave(reason, fields: nil)
    }
  }

  /// Ends the call at once. Once BYE is on its way nothing more is said, whether it is answered or not (RFC 3261 §15.1.1).
  ///
  /// - Parameter fields: of the BYE; nil = those of the style.
  func leave(_ reason: EndReason, fields: [HeaderField]?) -> Step {
    let signal = LegOutput.signal(.hangUp(reason, fields: fields))
    switch state {
    case .openingPorts, .inviting, .ringing, .answering: return (.leaving(.unanswered), [signal])
    case .awaitingAcknowledgement(let agreement): return (.leaving(.unacknowledged(agreement)), [signal])
    case .awaitingAnswer: return (.leaving(.unacknowledged(nil)), [signal])
    // Media that began with an ACK after the hang-up ends when it is asked for once more.
    case .securing(let session, _), .up(let session), .leaving(.reporting(_, let session)), .leaving(.hungUp(let session)):
      return (.leaving(.hungUp(session)), bye(reason, fields: fields))
    case .leaving, .closing, .over: return (state, [signal])
    }
  }

  private static let lastWords: [LegOutput] = [.media(.call(.stop)), .media(.music(.stop))]

  private func bye(_ reason: EndReason, fields: [HeaderField]?) -> [LegOutput] {
    [.media(.call(.stop)), .media(.music(.stop)), .signal(.hangUp(reason, fields: fields))]
  }

  /// The last figures of the media, which a BYE may wait for.
  mutating func mediaStopped(_ report: MediaReport, at now: Instant) -> Step {
    guard case .leaving(.reporting(let reason, let session)) = state else { return (state, []) }
    let statistics = report.statisticsHeader(seconds: Int(session.since.duration(to: now).components.seconds))
    let fields = settings.byeFields + [HeaderField(HeaderName("P-RTP-Stat"), statistics)]
    return (.leaving(.hungUp(session)), [.signal(.hangUp(reason, fields: fields))])
  }

  func ended(_ reason: EndReason) -> Step {
    switch state {
    case .closing, .over: (state, [])
    case .openingPorts, .inviting, .ringing, .answering, .awaitingAcknowledgement, .awaitingAnswer, .securing, .up, .leaving:
      (.closing(reason), [.ports(.close)])
    }
  }

  func closed(_ report: MediaReport?) -> Step {
    guard case .closing(let reason) = state else { return (state, []) }
    return (.over, [.event(.ended(id, reason, report)), .over])
  }
}
