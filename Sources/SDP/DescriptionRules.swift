import SansIO

/// What the descriptions of a peer are held to.
extension PeerViolation.Rule {
  public static let offerUnusable = Self("offer-unusable", "RFC 3264 §5", "an offer can be answered: valid, with a reachable address")
  public static let answerUnusable = Self("answer-unusable", "RFC 3264 §6", "an answer accepts at least one offered stream")
  public static let answerWithoutOffer = Self("answer-without-offer", "RFC 3264 §4", "an answer follows an offer")
  public static let answerStreamCount = Self("answer-stream-count", "RFC 3264 §6", "an answer has as many m= lines as the offer")
  public static let answerStreamOrder = Self(
    "answer-stream-order", "RFC 3264 §6", "the m= lines of an answer have the media types of the offer, in its order")
  public static let answerFormat = Self("answer-format", "RFC 3264 §6", "an answer contains formats of the offer")
  public static let answerProfile = Self("answer-profile", "RFC 3264 §6", "an answer has the transport protocol of the offered stream")
  public static let answerDirection = Self("answer-direction", "RFC 3264 §6.1", "the direction in an answer is one that the offer allows")
  public static let offerDropsStreams = Self(
    "offer-drops-streams", "RFC 3264 §8", "a new offer has at least as many m= lines as the previous description")
  public static let originVersion = Self(
    "origin-version", "RFC 3264 §8", "a changed description has a new version in its o= line, and the same session id")
  public static let privateAddress = Self("private-address", "RFC 1918 §3", "a private address is not given to a peer outside its network")
}
