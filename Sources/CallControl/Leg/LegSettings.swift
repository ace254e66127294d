import Media
import SDP
import SIPComposition
import SIPMessage
import SIPUserAgent
import SansIO
import SecureTransport

/// What all legs of a user agent have in common.
final class LegSettings: Sendable {
  let capability: AudioCapability
  let descriptions: DescriptionStyle
  let mediaAddress: IPAddress
  /// Where music on hold comes from.
  let musicAddress: IPAddress
  /// What o= names instead of the media address; nil = the media address.
  let origin: IPAddress?
  let habits: CallHabits
  /// Header fields of a BYE.
  let byeFields: [HeaderField]
  /// How offers are declined.
  let declining: OfferDecliner
  /// From the INVITE to the 200.
  let answerDelay: Duration
  /// For how long after the first 2xx others may come: 64·T1 (RFC 3261 §13.2.2.4), in nanoseconds.
  let forkTime: Int64
  /// What keys of SRTP are drawn from; each leg forks its own.
  let keys: Entropy
  /// Who we are in handshakes of DTLS.
  let identity: DTLSIdentity
  /// From an agreement to the end of its handshake, in nanoseconds; then the call ends. Lost flights are sent again after 1, 3 and 7 s.
  let securingTime: Int64 = 10_000_000_000

  init(_ configuration: CallAgent.Configuration, keys: Entropy, identity: DTLSIdentity) {
    (self.keys, self.identity) = (keys, identity)
    capability = configuration.capability
    descriptions = configuration.descriptions
    mediaAddress = configuration.mediaAddress
    musicAddress = configuration.musicAddress ?? configuration.mediaAddress
    habits = configuration.habits
    origin = habits.originIsSignalling ? configuration.userAgent.listeners.first?.address.address : nil
    byeFields = configuration.userAgent.style.byeFields
    declining = OfferDecliner(style: configuration.descriptions, address: configuration.mediaAddress)
    answerDelay = configuration.answerDelay
    forkTime = 64 * configuration.userAgent.timers.t1.wholeNanoseconds
  }
}
