import SansIO

/// What offers and answers are held to, in themselves and as SIP carries them.
extension Rule {
  public static let offerUnusable = Rule(
    "offer-unusable", .error, "RFC 3264 §5", "an offer can be answered: valid, with a reachable address", by: .both)
  public static let answerUnusable = Rule(
    "answer-unusable", .error, "RFC 3264 §6", "an answer accepts at least one offered stream", by: .both)
  public static let unreadableDescription = Rule(
    "unreadable-sdp", .error, "RFC 8866 §5", "a session description can be read, also where it is neither offer nor answer")
  public static let answerMissing = Rule(
    "answer-missing", .error, "RFC 3261 §13.2.1", "an offer in the INVITE is answered in the 2xx", by: .both)
  public static let offerMissing = Rule(
    "offer-missing", .error, "RFC 3261 §13.2.1", "a 2xx to an INVITE without an offer has an offer")
  public static let secondAnswer = Rule(
    "second-answer", .error, "RFC 3261 §13.2.1",
    "a second description in the responses to an INVITE within the same dialog is a copy of the first", by: .both)
  public static let answerWithoutOffer = Rule("answer-without-offer", .warning, "RFC 3264 §4", "an answer follows an offer", by: .both)
  public static let answerStreamCount = Rule(
    "answer-stream-count", .error, "RFC 3264 §6", "an answer has as many m= lines as the offer", by: .both)
  public static let answerStreamOrder = Rule(
    "answer-stream-order", .error, "RFC 3264 §6", "the m= lines of an answer have the media types of the offer, in its order", by: .both)
  public static let answerFormat = Rule("answer-format", .error, "RFC 3264 §6", "an answer contains formats of the offer", by: .both)
  public static let answerAddsFormat = Rule(
    "answer-adds-format", .note, "RFC 3264 §6.1", "an answer adds no formats that were not offered")
  public static let answerNumber = Rule(
    "answer-payload-number", .note, "RFC 3264 §6.1", "a format has the same payload type number in the answer as in the offer")
  public static let answerProfile = Rule(
    "answer-profile", .error, "RFC 3264 §6", "an answer has the transport protocol of the offered stream", by: .both)
  public static let answerDirection = Rule(
    "answer-direction", .error, "RFC 3264 §6.1", "the direction in an answer is one that the offer allows", by: .both)
  public static let answerReopens = Rule(
    "answer-reopens-stream", .error, "RFC 3264 §6", "an answer leaves closed what the offer has closed")
  public static let offerDropsStreams = Rule(
    "offer-drops-streams", .error, "RFC 3264 §8", "a new offer has at least as many m= lines as the previous description", by: .both)
  public static let originVersion = Rule(
    "origin-version", .error, "RFC 3264 §8",
    "a changed description has the o= line of the one before, with a version that is higher by one", by: .both)
  public static let privateAddress = Rule(
    "private-address", .error, "RFC 1918 §3", "a private address is not given to a peer outside its network", by: .both,
    failsRuns: .errors)
  public static let privateFromInside = Rule(
    "private-from-inside", .warning, "RFC 1918 §3", "a host behind a NAT does not name its private address to who is outside",
    failsRuns: .errors)
  public static let noTelephoneEvent = Rule("no-telephone-event", .note, "RFC 4733 §2.5.1.1", "both sides agree on telephone-event")

  public static let cryptoAttribute = Rule(
    "crypto-attribute", .warning, "RFC 4568 §9.1", "a crypto attribute follows the grammar, with a key of its suite's length", by: .both)
  public static let cryptoMissing = Rule(
    "crypto-missing", .error, "RFC 4568 §4", "a stream over RTP/SAVP has a crypto attribute", by: .both)
  public static let cryptoAnswer = Rule(
    "crypto-answer", .error, "RFC 4568 §5.1.3",
    "an answer has one crypto attribute, with a tag and suite of the offer and a key of its own",
    by: .both)

  public static let fingerprintMissing = Rule(
    "dtls-fingerprint-missing", .error, "RFC 5763 §5", "a stream whose keys come from DTLS has the fingerprint of a certificate",
    by: .both)
  public static let dtlsSetup = Rule(
    "dtls-setup", .error, "RFC 5763 §5", "a=setup names a role, in an answer active or passive, the one that the offer leaves",
    by: .both)

  public static let dtlsFingerprint = Rule(
    "dtls-fingerprint", .error, "RFC 5763 §5", "the certificate of a DTLS handshake is the one whose fingerprint the description has",
    by: .both)

  public static let keysInClear = Rule(
    "keys-in-clear", .error, "RFC 4568 §8.3", "keys of SRTP come over signalling that is encrypted")

  static let descriptions: [Rule] = [
    offerUnusable, answerUnusable, unreadableDescription, answerMissing, offerMissing, secondAnswer, answerWithoutOffer, answerStreamCount,
    answerStreamOrder, answerFormat, answerAddsFormat, answerNumber, answerProfile, answerDirection, answerReopens, offerDropsStreams,
    originVersion, privateAddress, privateFromInside, noTelephoneEvent, cryptoAttribute, cryptoMissing, cryptoAnswer, fingerprintMissing,
    dtlsSetup, dtlsFingerprint, keysInClear,
  ]
}
