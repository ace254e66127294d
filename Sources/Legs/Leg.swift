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
  var media: MediaSession?
  /// Since when no RTP came that should have come; the leg ends when this grows old.
  var silentSince: Instant?
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
}
