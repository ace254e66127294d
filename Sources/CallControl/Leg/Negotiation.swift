import SDP
import SansIO

/// Offer and answer of one leg (RFC 3264), joined to the port that its media has.
struct Negotiation: Sendable {
  private var session: OfferAnswerSession
  /// Where our media is.
  private(set) var here: TransportAddress

  /// - Parameters:
  ///   - sessionID: of o= (RFC 8866 §5.2).
  ///   - capability: what this call may use; nil = what its user agent can do.
  init(_ settings: LegSettings, port: UInt16, sessionID: UInt64, capability: AudioCapability? = nil) {
    session = OfferAnswerSession(
      style: settings.descriptions, sessionID: sessionID, capability: capability ?? settings.capability, origin: settings.origin,
      entropy: settings.keys, identity: settings.identity)
    here = TransportAddress(settings.mediaAddress, port: port)
  }

  /// What the peer may send by our offer that is not answered yet.
  var openOffer: ReceivableAudio? { session.openOffer }

  /// An offer of all we can do.
  ///
  /// - Parameters:
  ///   - place: where the peer shall send to; nil = here.
  ///   - connection: what c= says instead: the hold of RFC 2543.
  ///   - renewsKeys: with other keys of SDES.
  mutating func offer(
    _ direction: MediaDirection = .sendrecv, place: TransportAddress? = nil, connection: IPAddress? = nil, renewsKeys: Bool = false
  ) -> Bytes {
    session.makeOffer(local: place ?? here, direction: direction, connection: connection, renewsKeys: renewsKeys).serialized()
  }

  /// Our media is there from now on.
  mutating func move(to place: TransportAddress) { here = place }

  mutating func answer(
    _ offer: SessionDescription, place: TransportAddress? = nil, wish: MediaDirection = .sendrecv
  ) throws(OfferAnswerFailure) -> Answer {
    let (description, agreement) = try session.answer(offer, local: place ?? here, wish: wish)
    return Answer(body: description.serialized(), agreement: agreement)
  }

  /// Our answer, and what it agrees on.
  struct Answer: Hashable, Sendable {
    var body: Bytes
    var agreement: AudioAgreement
  }

  mutating func accept(_ answer: SessionDescription) throws(OfferAnswerFailure) -> AudioAgreement { try session.accept(answer: answer) }

  /// The offer was refused: what was agreed before holds on (RFC 3261 §14.1).
  mutating func withdrawOffer() { session.withdrawOffer() }

  /// Looks at an offer that is refused for another reason than itself.
  mutating func judge(_ offer: SessionDescription) { session.judge(offer: offer) }

  /// What the peer did wrong without harm since the last time.
  mutating func takeViolations() -> [PeerViolation] { session.takeViolations() }

  /// What is wrong with an offer that nobody answers, whatever it is refused for.
  static func violation(in body: SessionBody, _ settings: LegSettings) -> PeerViolation? {
    guard body.hasDescription else { return nil }
    var negotiation = Negotiation(settings, port: 1, sessionID: 1)
    do throws(OfferAnswerFailure) { _ = try negotiation.answer(try body.description()) } catch { return error.offerViolation }
    return nil
  }
}
