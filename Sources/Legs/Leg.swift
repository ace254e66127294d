import Media
import SDP
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// One party's leg: the user agent's INVITE usage, the offer/answer session and the media of its agreement.
///
/// Owned by one ``Party`` and never handed out.
final class Leg {
  /// What waits until the media ports are open.
  enum Pending {
    case call(CallRequest)
    case answer(Bytes, AudioAgreement)
    /// The INVITE had no offer: ours goes into the 200.
    case offer
  }

  let id: LegID
  var facts: LegFacts
  var session: OfferAnswerSession
  var port: UInt16
  let rtp: PortID
  let rtcp: PortID
  let capability: AudioCapability?
  var unbound = 2
  var pending: Pending?
  /// The offer we answer, kept in case the ports turn out to be taken.
  var offer: SessionDescription?
  var portAttempts = 0
  /// Not before this instant is the call answered.
  var answerAt: Instant?
  var agreement: AudioAgreement?
  /// Our INVITE had no offer.
  var isOfferDelayed = false
  /// Our 200 had the offer, the ACK has to bring the answer.
  var awaitsAnswer = false
  var hasEarlyMedia = false
  /// Answers in provisional responses by the To tag of their callee: a forked INVITE has several early dialogs.
  private var earlyAnswers: [(tag: String, answer: SessionDescription)] = []
  /// BYE after so long without RTP while we may receive; nil = never.
  var rtpTimeout: Duration?
  /// Header fields of our 200.
  var answerFields: [MessageDraft.Field] = []
  /// The 2xx was acknowledged.
  var isUp = false
  /// What this side wants: sendrecv but for a hold of ours.
  var wish: MediaDirection = .sendrecv
  /// A change of ours that is under way.
  var change: SessionChange?
  /// Changes that wait for it.
  var laterChanges: [SessionChange] = []
  /// Where our descriptions send the peer's media instead of here.
  var mediaElsewhere: TransportAddress?
  var media: MediaStream?
  /// What the peer hears while it is held.
  var music: MusicStream?
  /// Since when the call is up.
  var upSince: Instant?
  /// BYE as soon as the media is back.
  var endsWhenMediaIsBack = false
  /// What was said of its media sockets.
  var socketFailures: Set<SocketFailure> = []
  var speech: (tone: Tone, until: Instant?)?

  init(id: LegID, facts: LegFacts, session: OfferAnswerSession, port: UInt16, rtp: PortID, rtcp: PortID, capability: AudioCapability?) {
    self.id = id
    self.facts = facts
    self.session = session
    self.port = port
    self.rtp = rtp
    self.rtcp = rtcp
    self.capability = capability
  }

  var hasOpenPorts: Bool { unbound == 0 }

  func keepEarly(_ answer: SessionDescription, of tag: String) {
    if earlyAnswers.count < 16 { earlyAnswers.append((tag, answer)) }
  }

  func earlyAnswer(of tag: String) -> SessionDescription? { earlyAnswers.first { $0.tag == tag }?.answer }
}
