import KallglotPolicy
import Media
import SDP
import SIPComposition
import SIPMessage
import SIPUserAgent
import SansIO
import SecureTransport

/// One side of a call: an INVITE usage of the user agent, its offer/answer session and the media of what they agree on.
///
/// ```
///                        openingPorts(intent) ── none to be had ─────────────────────────┐
///             call │                 │ answer, offer                                     │
///                  ▼                 ▼                                                   │
///   ┌───────── inviting         answering: the 200 is due later ──────────┐              │
///   │   1xx ▼      │                 │ due                                │              │
///   ├───── ringing │                 ▼                                    │              │
///   │        │ 2xx │        awaitingAcknowledgement, awaitingAnswer       │              │
///   │        ▼     ▼                 │ ACK, with the answer               │              │
///   │              securing: the media waits for keys of DTLS ────────────┤ hang up,     │
///   │                  ▼  ▲ a new association                             │ no keys      │
///   │                 up ⇄ changing: ``SessionChanges`` of ours,          │              │
///   │                  │             re-INVITEs of the peer's             │              │
///   │ hang up          ▼ hang up                                          │              │
///   └───────────► leaving ◄───────────────────────────────────────────────┘              │
///                      │ ended, as in every state above                                  │
///                      ▼                                                                 │
///                   closing: streams and ports ◄─────────────────────────────────────────┘
///                      │ closed
///                      ▼
///                    over
/// ```
/// It knows neither user agent nor network: its outputs are carried out in their order, and what comes of them is told to it afterwards.
struct Leg: Sendable {
  enum State: Sendable {
    case openingPorts(Intent)
    case inviting(Invitation)
    case ringing(Invitation)
    case answering(Answering)
    /// Our 2xx had the answer.
    case awaitingAcknowledgement(AudioAgreement)
    /// Our 2xx had the offer; the ACK has to bring the answer.
    case awaitingAnswer
    /// The call is up, and its media waits for the keys of a handshake, no longer than until then (RFC 5763 §5).
    case securing(Session, by: Instant)
    case up(Session)
    case leaving(Leaving)
    case closing(EndReason)
    case over

    /// The call that is up, with keys or without.
    var session: Session? {
      switch self {
      case .securing(let session, _), .up(let session): session
      case .openingPorts, .inviting, .ringing, .answering, .awaitingAcknowledgement, .awaitingAnswer, .leaving, .closing, .over: nil
      }
    }
  }

  /// What waits until the media ports are open.
  enum Intent: Sendable {
    /// In a box, since a state is copied at each step.
    indirect case call(CallRequest)
    case answer(Answering)
  }

  /// An INVITE of ours that is not answered.
  struct Invitation: Sendable {
    /// It had no offer.
    var isOfferDelayed: Bool
    /// Answers in provisional responses: a forked INVITE has several early dialogs.
    private var earlyAnswers: [EarlyAnswer] = []
    private static let limit = 16

    private struct EarlyAnswer: Sendable {
      /// The To tag of its callee.
      var tag: String
      var answer: SessionDescription
    }

    init(isOfferDelayed: Bool) { self.isOfferDelayed = isOfferDelayed }

    mutating func keep(_ answer: SessionDescription, of tag: String) {
      if earlyAnswers.count < Self.limit { earlyAnswers.append(EarlyAnswer(tag: tag, answer: answer)) }
    }

    func earlyAnswer(of tag: String) -> SessionDescription? { earlyAnswers.first { $0.tag == tag }?.answer }
  }

  /// An INVITE of the peer's that is not answered.
  struct Answering: Sendable {
    var due: Instant
    /// Header fields of our 200.
    var fields: [HeaderField]
    var form: AnswerForm
    /// nil: the INVITE had no offer, ours goes into the 200.
    var exchange: Exchange?

    struct Exchange: Sendable {
      /// Kept in case that the ports turn out to be taken.
      var offer: SessionDescription
      var answer: Negotiation.Answer
    }
  }

  /// A call that is up.
  struct Session: Sendable {
    var agreement: AudioAgreement
    let since: Instant
    var changes = SessionChanges()
    /// Our 200 to a re-INVITE had the offer; its ACK has to bring the answer.
    var awaitsAnswer = false
  }

  /// A call whose end was asked for; nothing more is said, whether it is answered or not (RFC 3261 §15.1.1).
  enum Leaving: Sendable {
    /// CANCEL or a refusal is on its way.
    case unanswered
    /// BYE follows the ACK (RFC 3261 §15).
    case unacknowledged(AudioAgreement?)
    /// BYE waits for the last figures of the media, which it carries.
    case reporting(EndReason, Session)
    case hungUp(Session)
  }

  let id: LegID
  private(set) var facts: LegFacts
  let settings: LegSettings
  var negotiation: Negotiation
  private let capability: AudioCapability?
  private let rtpTimeout: Duration?
  private(set) var state: State
  /// The association that has given the media its keys.
  private var secured: AgreedAssociation?

  /// A leg that will call.
  init(
    _ id: LegID, calling request: CallRequest, _ facts: LegFacts, _ settings: LegSettings, port: UInt16, sessionID: UInt64,
    rtpTimeout: Duration?
  ) {
    (self.id, self.facts, self.settings, self.rtpTimeout) = (id, facts, settings, rtpTimeout)
    capability = request.capability
    negotiation = Negotiation(settings, port: port, sessionID: sessionID, capability: capability)
    state = .openingPorts(.call(request))
  }

  /// A leg that was called.
  ///
  /// - Throws: when the offer cannot be answered.
  init(
    _ id: LegID, calledBy invite: SessionBody, _ facts: LegFacts, _ settings: LegSettings, port: UInt16, sessionID: UInt64,
    terms: AdmissionTerms, at now: Instant
  ) throws(OfferAnswerFailure) {
    (self.id, self.facts, self.settings, rtpTimeout) = (id, facts, settings, terms.rtpTimeout)
    capability = terms.capability
    negotiation = Negotiation(settings, port: port, sessionID: sessionID, capability: capability)
    var answering = Answering(
      due: now.advanced(by: settings.answerDelay), fields: terms.answerFields, form: terms.answerWith, exchange: nil)
    if invite.hasDescription {
      let offer = try invite.description()
      answering.exchange = .init(offer: offer, answer: try negotiation.answer(offer))
    } else if answering.form == .earlyMedia {
      // There is nothing to answer before the 200.
      answering.form = .ringing
    }
    state = .openingPorts(.answer(answering))
  }

  // MARK: - The machine

  typealias Step = (next: State, outputs: [LegOutput])

  mutating func handle(_ input: LegInput, at now: Instant) -> [LegOutput] {
    let (next, outputs): Step =
      switch input {
      case .begin: begin()
      case .ports(let news): handle(news, at: now)
      case .musicPorts(let news): handle(news, at: now)
      case .nextPorts(let news): handle(news, at: now)
      case .signalling(let input): handle(input, at: now)
      case .media(let event): handle(event, at: now)
      case .mediaClosed(let report): closed(report)
      case .command(let command): handle(command, at: now)
      case .due: due(at: now)
      }
    state = next
    return outputs
  }

  private mutating func handle(_ input: LegInput.Signalling, at now: Instant) -> Step {
    switch input {
    case .invited(let callID):
      facts.callID = callID
      return (state, [.event(.started(id, facts))])
    case .provisional(let status, let body): return provisional(status, body)
    case .answered(let body): return answered(body, at: now)
    case .refused(let status, let phrase, let explanation):
      return (state, [.event(.refused(id, status: status, phrase: phrase, explanation: explanation))])
    case .acknowledged(let body): return acknowledged(body, at: now)
    case .reinvite(let server, let body): return reinvited(server, body, at: now)
    case .reinviteRefused(let body): return (state, judge(body))
    case .reinviteAcknowledged(let body): return reinviteAcknowledged(body, at: now)
    case .reinviteAnswered(let body): return reinviteAnswered(body, at: now)
    case .reinviteDue: return advance(.due, at: now)
    case .reinviteFailed(let status, let reason): return reinviteFailed(status, reason, at: now)
    case .ended(let reason): return ended(reason)
    }
  }

  private mutating func handle(_ command: LegInput.Command, at now: Instant) -> Step {
    switch command {
    case .speak(let audio, let end): (state, [.media(.call(.play(audio, until: end)))])
    case .press(let plan, let way):
      (state, [state.session == nil ? .event(.pressFailed(id, .noStream)) : .media(.call(.press(plan, by: way)))])
    case .send(let codec): (state, [.media(.call(.send(codec)))])
    case .change(let change): self.change(change, at: now)
    case .cancel: (state, [.signal(.cancel)])
    case .hangUp(let reason): hangUp(reason, at: now)
    case .bringDown(let reason, let fields): leave(reason, fields: fields)
    }
  }

  private mutating func handle(_ event: MediaEvent, at now: Instant) -> Step {
    switch event {
    case .firstPacketReceived: return (state, [.event(.mediaStarted(id))])
    case .toneHeard(let frequency): return (state, [.event(.toneHeard(id, frequency: frequency))])
    case .toneEnded: return (state, [.event(.toneEnded(id))])
    case .mark(let finding): return (state, [.event(.markFound(id, finding))])
    case .digit(let digit): return (state, [.event(.digit(id, digit))])
    case .pressed: return (state, [.event(.pressed(id))])
    case .pressFailed(let refusal): return (state, [.event(.pressFailed(id, refusal))])
    case .violation(let violation): return (state, [.event(.violation(id, violation))])
    case .remoteLatched(let source): return (state, [.event(.mediaLatched(id, source))])
    case .silent: return hangUp(.mediaSilence, at: now)
    case .secured(let media): return secured(media, at: now)
    case .securingFailed(let failure): return securingFailed(failure)
    case .associationClosed: return (state, [.event(.associationClosed(id))])
    case .stopped(let report): return mediaStopped(report, at: now)
    }
  }

  // MARK: - What the parts share

  /// The agreement holds and the call is up: media begins, or goes on when it was early.
  ///
  /// - Parameter tag: the To tag of the 2xx to our INVITE; nil where we were called.
  mutating func establish(_ agreement: AudioAgreement, tag: String?, at now: Instant) -> [LegOutput] {
    var outputs: [LegOutput] = []
    outputs.reserveCapacity(4)
    outputs.append(.event(.established(id, agreement)))
    for violation in negotiation.takeViolations() { outputs.append(.event(.violation(id, violation))) }
    outputs.append(.media(.begin(agreement, tag: tag)))
    // Responses of other branches may come until then (RFC 3261 §13.2.2.4).
    if tag != nil { outputs.append(.media(.call(.expectForks(until: now.adding(nanoseconds: settings.forkTime))))) }
    outputs.append(.media(.call(.watchSilence(rtpTimeout))))
    return outputs
  }

  /// Where a call is that is up: *securing* until its media has the keys of the association that was agreed on, which may have been early.
  ///
  /// An association elsewhere, with a music server or for direct media, is not waited for.
  func standing(_ session: Session, after outputs: [LegOutput], at now: Instant) -> Step {
    guard let association = session.agreement.association, association != secured, session.agreement.local == negotiation.here else {
      return (.up(session), outputs)
    }
    if case .securing(let before, let limit) = state, before.agreement.association == association {
      return (.securing(session, by: limit), outputs)
    }
    let limit = now.adding(nanoseconds: settings.securingTime)
    return (.securing(session, by: limit), outputs.then([.wake(at: limit)]))
  }

  private mutating func secured(_ media: SecuredMedia, at now: Instant) -> Step {
    secured = media.association
    let outputs = [LegOutput.event(.secured(id, media))]
    return state.session.map { standing($0, after: outputs, at: now) } ?? (state, outputs)
  }

  /// Without keys there is no media: a call that is up ends, one that is not goes on without early media.
  private func securingFailed(_ failure: TLSFailure) -> Step {
    let outputs = [LegOutput.event(.securingFailed(id, reason: failure.text))].then(violation(PeerViolation(failure)))
    guard case .securing = state else { return (state, outputs) }
    let (next, ending) = endUnsecured(failure.text)
    return (next, outputs.then(ending))
  }

  func endUnsecured(_ reason: String) -> Step {
    leave(.unsecured(reason), fields: [HeaderField(.reason, "SIP;cause=488;text=\"Not Acceptable Here\"")])
  }

  /// The leg with the pair of ports that is tried instead of the last one.
  mutating func renegotiate(port: UInt16, sessionID: UInt64) {
    negotiation = Negotiation(settings, port: port, sessionID: sessionID, capability: capability)
  }

  /// What offer/answer noticed without harm to the call.
  mutating func violations() -> [LegOutput] {
    let noticed = negotiation.takeViolations()
    return noticed.isEmpty ? [] : noticed.map { .event(.violation(id, $0)) }
  }

  func violation(_ violation: PeerViolation?) -> [LegOutput] { violation.map { [.event(.violation(id, $0))] } ?? [] }

  /// Ends a call whose offer/answer failed when nothing but BYE is left (contract 8.1).
  ///
  /// - Parameter rule: what the peer broke, unless offer/answer named something else or the limit is ours.
  mutating func endUnusable(_ failure: OfferAnswerFailure, _ rule: PeerViolation.Rule, in body: SessionBody) -> Step {
    let noticed = violations()
    let broken = failure.violation(rule, in: body)
    let reason = HeaderField(.reason, "SIP;cause=488;text=\"Not Acceptable Here\"")
    let (next, outputs) = leave(broken.map(EndReason.violation) ?? .unsupported(failure.warningText), fields: [reason])
    return (next, noticed.then(violation(broken)).then(outputs))
  }

  /// The user agent refused an INVITE within the dialog by itself: what its offer breaks is named all the same.
  private mutating func judge(_ body: SessionBody) -> [LegOutput] {
    guard body.hasDescription else { return [] }
    do throws(OfferAnswerFailure) {
      negotiation.judge(try body.description())
      return violations()
    } catch {
      return violation(error.offerViolation)
    }
  }
}

extension PeerViolation {
  /// What a peer broke by which a handshake failed; nil for what breaks no rule of signalling.
  fileprivate init?(_ failure: TLSFailure) {
    guard case .fingerprintMismatch = failure.reason else { return nil }
    self.init(.dtlsFingerprint, failure.text)
  }
}

/// What a call that came is taken in with.
struct AdmissionTerms: Sendable {
  /// What it may use; nil = what the user agent can do.
  var capability: AudioCapability?
  var answerWith: AnswerForm
  /// Header fields for the 200.
  var answerFields: [HeaderField]
  /// BYE after so long without RTP while we may receive; nil = never.
  var rtpTimeout: Duration?
}
