import Media
import Rules
import SDP
import SIPComposition
import SIPMessage
import SIPUserAgent
import SansIO

// From the ports to the agreement: calling and being called (RFC 3261 §13, RFC 3264).
extension Leg {
  func begin() -> Step {
    guard case .openingPorts(let intent) = state else { return (state, []) }
    var outputs: [LegOutput] = []
    outputs.reserveCapacity(5)
    if case .answer(let answering) = intent {
      outputs.append(.event(.started(id, facts)))
      if settings.answerDelay > .zero { outputs.append(.wake(at: answering.due)) }
      if answering.form == .ringing { outputs.append(.signal(.ring)) }
    }
    outputs.append(.event(.mediaPorts(id, rtp: negotiation.here)))
    outputs.append(.ports(.open))
    return (state, outputs)
  }

  private func openPorts() -> [LegOutput] { [.event(.mediaPorts(id, rtp: negotiation.here)), .ports(.open)] }

  // MARK: - Ports

  mutating func handle(_ news: LegInput.PortNews, at now: Instant) -> Step {
    guard case .openingPorts(let intent) = state else { return (state, []) }
    switch (news, intent) {
    case (.opened, .call(let request)): return invite(request)
    case (.opened, .answer(let answering)): return answer(answering, at: now)
    case (.moved(let port, let sessionID), .call):
      renegotiate(port: port, sessionID: sessionID)
      return (state, openPorts())
    case (.moved(let port, let sessionID), .answer(var answering)):
      renegotiate(port: port, sessionID: sessionID)
      // What could be answered before can be answered from another port.
      if let offer = answering.exchange?.offer, let answer = try? negotiation.answer(offer) { answering.exchange?.answer = answer }
      return (.openingPorts(.answer(answering)), openPorts())
    // A call without media cannot be: one of ours ends before its INVITE, one that came is refused.
    case (.missing(let reason), .call):
      return (.closing(.transportFailed), [.event(.portsMissing(id, reason: reason)), .ports(.close)])
    case (.missing(let reason), .answer):
      let refusal = LegOutput.Signal.refuse(status: 503, fields: [HeaderField(.retryAfter, "10")])
      return (.leaving(.unanswered), [.event(.portsMissing(id, reason: reason)), .signal(refusal)])
    }
  }

  // MARK: - Calling

  private mutating func invite(_ request: CallRequest) -> Step {
    let body = request.isOfferDelayed ? Bytes() : negotiation.offer()
    return (.inviting(Invitation(isOfferDelayed: request.isOfferDelayed)), [.signal(.invite(request, body: body))])
  }

  /// A provisional response; one with an answer starts early media (RFC 3960 §3). The answer proper is that of the 2xx.
  mutating func provisional(_ status: Int, _ body: SessionBody) -> Step {
    let ringing = LegOutput.event(.ringing(id, status: status))
    switch state {
    case .inviting(let invitation), .ringing(let invitation):
      let (next, outputs) = early(invitation, body)
      return (.ringing(next), [ringing].then(outputs))
    case .openingPorts, .answering, .awaitingAcknowledgement, .awaitingAnswer, .securing, .up, .leaving, .closing, .over:
      return (state, [ringing])
    }
  }

  private mutating func early(_ invitation: Invitation, _ body: SessionBody) -> (Invitation, [LegOutput]) {
    // The first description of a dialog is its answer: others are copies, or ignored (RFC 3261 §13.2.1).
    guard !invitation.isOfferDelayed, body.hasDescription else { return (invitation, []) }
    let tag = body.remoteTag
    guard invitation.earlyAnswer(of: tag) == nil else { return (invitation, []) }
    var invitation = invitation
    var preview = negotiation
    func noticed() -> [LegOutput] { preview.takeViolations().map { .event(.violation(id, $0)) } }
    do throws(OfferAnswerFailure) {
      let answer = try body.description()
      let agreement = try preview.accept(answer)
      invitation.keep(answer, of: tag)
      return (invitation, noticed() + [.media(.begin(agreement, tag: tag)), .event(.earlyMedia(id, agreement))])
    } catch {
      return (invitation, noticed() + violation(error.violation(.answerUnusable, in: body)))
    }
  }

  /// Our INVITE got its 2xx: with the answer, or with the offer when ours had none.
  mutating func answered(_ body: SessionBody, at now: Instant) -> Step {
    switch state {
    case .inviting(let invitation), .ringing(let invitation):
      return invitation.isOfferDelayed ? answerDelayedOffer(body, at: now) : takeAnswer(invitation, body, at: now)
    case .openingPorts, .answering, .awaitingAcknowledgement, .awaitingAnswer, .securing, .up, .leaving, .closing, .over:
      return (state, [])
    }
  }

  /// The answer is the one that the same callee gave in a provisional response, else the one in the 2xx, which has to have one in any case
  /// (RFC 3261 §13.2.1).
  private mutating func takeAnswer(_ invitation: Invitation, _ body: SessionBody, at now: Instant) -> Step {
    let tag = body.remoteTag
    let early = invitation.earlyAnswer(of: tag)
    let missing = body.hasDescription ? nil : PeerViolation(.answerMissing, body.line)
    let named = early == nil ? [] : violation(missing)
    do throws(OfferAnswerFailure) {
      if let missing, early == nil { throw .broken(missing) }
      let agreement: AudioAgreement
      if let early {
        agreement = try negotiation.accept(early)
        // What is wrong with an early answer was reported when it came.
        _ = negotiation.takeViolations()
      } else {
        agreement = try negotiation.accept(try body.description())
      }
      return up(agreement, named.then(establish(agreement, tag: tag, at: now)), at: now)
    } catch {
      let (next, outputs) = endUnusable(error, .answerUnusable, in: body)
      return (next, named.then(outputs))
    }
  }

  private mutating func answerDelayedOffer(_ body: SessionBody, at now: Instant) -> Step {
    do throws(OfferAnswerFailure) {
      let answer = try negotiation.answer(try body.description())
      let outputs = establish(answer.agreement, tag: body.remoteTag, at: now)
      return up(answer.agreement, [.signal(.acknowledge(answer.body))] + outputs, at: now)
    } catch {
      let (next, outputs) = endUnusable(error, .offerUnusable, in: body)
      return (next, [acknowledgeUnusable(body)] + outputs)
    }
  }

  /// A 2xx whose offer cannot be used is acknowledged with an answer that declines it (RFC 3261 §13.2.2.4).
  func acknowledgeUnusable(_ body: SessionBody) -> LegOutput {
    .signal(.acknowledge(settings.declining.answer(to: body.bytes)))
  }

  private func up(_ agreement: AudioAgreement, _ outputs: [LegOutput], at now: Instant) -> Step {
    standing(Session(agreement: agreement, since: now), after: outputs, at: now)
  }

  // MARK: - Being called

  /// The time of the 200 has come, or that of the end without keys.
  mutating func due(at now: Instant) -> Step {
    switch state {
    case .answering(let answering): return accept(answering)
    case .securing(_, let limit):
      return limit <= now ? endUnsecured("the DTLS handshake did not end within 10 s") : (state, [.wake(at: limit)])
    case .openingPorts, .inviting, .ringing, .awaitingAcknowledgement, .awaitingAnswer, .up, .leaving, .closing, .over: return (state, [])
    }
  }

  private mutating func answer(_ answering: Answering, at now: Instant) -> Step {
    guard answering.due > now else { return accept(answering) }
    guard answering.form == .earlyMedia, let answer = answering.exchange?.answer else { return (.answering(answering), []) }
    return (
      .answering(answering),
      [
        .signal(.progress(answer.body)), .media(.begin(answer.agreement, tag: nil)),
        .event(.earlyMedia(id, answer.agreement)),
      ]
    )
  }

  private mutating func accept(_ answering: Answering) -> Step {
    guard let answer = answering.exchange?.answer else {
      return (.awaitingAnswer, [.signal(.accept(negotiation.offer(), fields: answering.fields))])
    }
    let accept = LegOutput.signal(.accept(answer.body, fields: answering.fields))
    guard answer.agreement.association?.role == .passive else { return (.awaitingAcknowledgement(answer.agreement), [accept]) }
    return (.awaitingAcknowledgement(answer.agreement), [accept, .media(.prepare(answer.agreement))])
  }

  /// The ACK of our 2xx: media was agreed with our answer, or is with the one it carries.
  mutating func acknowledged(_ body: SessionBody, at now: Instant) -> Step {
    switch state {
    case .awaitingAcknowledgement(let agreement): return up(agreement, establish(agreement, tag: nil, at: now), at: now)
    case .awaitingAnswer:
      return takeLateAnswer(body, at: now) { $0.up($1, $2, at: now) }
    // It was hung up before its ACK came; the BYE has left (RFC 3261 §15).
    case .leaving(.unacknowledged(let agreement?)):
      return (.leaving(.hungUp(Session(agreement: agreement, since: now))), establish(agreement, tag: nil, at: now))
    case .leaving(.unacknowledged(nil)):
      return takeLateAnswer(body, at: now) { (.leaving(.hungUp(Session(agreement: $1, since: now))), $2) }
    case .openingPorts, .inviting, .ringing, .answering, .securing, .up, .leaving, .closing, .over: return (state, [])
    }
  }

  /// The answer in the ACK of a 2xx that had our offer.
  private mutating func takeLateAnswer(
    _ body: SessionBody, at now: Instant, _ next: (Leg, AudioAgreement, [LegOutput]) -> Step
  ) -> Step {
    do throws(OfferAnswerFailure) {
      let agreement = try negotiation.accept(try body.description())
      let outputs = establish(agreement, tag: nil, at: now)
      return next(self, agreement, outputs)
    } catch {
      return endUnusable(error, body.isEmpty ? .answerMissing : .answerUnusable, in: body)
    }
  }
}
