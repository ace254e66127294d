/// A rule of a standard that a peer broke, as a value: what findings, logs and scenarios name.
public struct PeerViolation: Error, Hashable, Sendable {
  public var rule: Rule
  /// What was seen: the value, the status, the count. Never a secret.
  public var detail: String
  /// The standard and its section; the rule's, where it does not depend on what was seen.
  public var section: String

  /// - Parameter section: nil = the rule's own.
  public init(_ rule: Rule, _ detail: String = "", section: String? = nil) {
    self.rule = rule
    self.detail = detail
    self.section = section ?? rule.section
  }
}

extension PeerViolation {
  /// The rules that the Lab watches while it takes part in a call. The raw value is the word by which a scenario selects one.
  public enum Rule: String, Hashable, Sendable, CaseIterable {
    // Messages, transactions and dialogs
    case messageUnreadable = "message-unreadable"
    case messageForm = "message-form"
    case refusalNotAcknowledged = "refusal-not-acknowledged"
    case acknowledgementSequence = "ack-sequence"
    case successWithoutDialog = "success-without-dialog"
    case contactMissing = "contact-missing"
    case contactElsewhere = "contact-elsewhere"
    case requestContactSecure = "request-contact-sips"
    case responseContactSecure = "response-contact-sips"
    case byeInEarlyDialog = "bye-in-early-dialog"
    case sequenceNotHigher = "cseq-not-higher"
    case inviteOverlaps = "invite-overlaps"
    case requireInDialog = "unknown-extension-required"
    case severalVias = "response-with-several-vias"
    // Offer and answer
    case offerUnusable = "offer-unusable"
    case answerMissing = "answer-missing"
    case secondAnswer = "second-answer"
    case answerUnusable = "answer-unusable"
    case answerWithoutOffer = "answer-without-offer"
    case answerStreamCount = "answer-stream-count"
    case answerStreamOrder = "answer-stream-order"
    case answerFormat = "answer-format"
    case answerProfile = "answer-profile"
    case answerDirection = "answer-direction"
    case offerDropsStreams = "offer-drops-streams"
    case originVersion = "origin-version"
    // Registration
    case minimumExpires = "min-expires"
    case listedBindings = "listed-bindings"
    case registeredContact = "registered-contact"
    // Media
    case rtpMalformed = "rtp-malformed"
    case rtpPayloadType = "rtp-payload-type"
    case rtpWhileHeld = "rtp-while-held"
    case rtpSource = "rtp-source"
    case privateAddress = "private-address"
    case rtcpMalformed = "rtcp-malformed"
  }
}

extension PeerViolation.Rule {
  /// The standard and its section.
  public var section: String {
    switch self {
    case .messageUnreadable: "RFC 3261 §7"
    case .messageForm: "RFC 3261 §7.3"
    case .refusalNotAcknowledged: "RFC 3261 §17.2.1"
    case .acknowledgementSequence: "RFC 3261 §13.2.2.4"
    case .successWithoutDialog: "RFC 3261 §12.1.2"
    case .contactMissing, .contactElsewhere: "RFC 3261 §8.1.1.8"
    case .requestContactSecure: "RFC 3261 §8.1.1.8"
    case .responseContactSecure: "RFC 3261 §12.1.1"
    case .byeInEarlyDialog: "RFC 3261 §15"
    case .sequenceNotHigher: "RFC 3261 §12.2.1.1"
    case .inviteOverlaps: "RFC 3261 §14.1"
    case .requireInDialog: "RFC 3261 §8.2.2.3"
    case .severalVias: "RFC 3261 §8.1.3.3"
    case .offerUnusable: "RFC 3264 §5"
    case .answerMissing, .secondAnswer: "RFC 3261 §13.2.1"
    case .answerUnusable, .answerStreamCount, .answerStreamOrder, .answerFormat: "RFC 3264 §6"
    case .answerProfile: "RFC 3264 §6"
    case .answerWithoutOffer: "RFC 3264 §4"
    case .answerDirection: "RFC 3264 §6.1"
    case .offerDropsStreams, .originVersion: "RFC 3264 §8"
    case .registeredContact: "RFC 3261 §16.5"
    case .minimumExpires: "RFC 3261 §20.23"
    case .listedBindings: "RFC 3261 §10.3"
    case .rtpMalformed: "RFC 3550 §5.1"
    case .rtpPayloadType: "RFC 3264 §5.1"
    case .rtpWhileHeld: "RFC 3264 §5.1"
    case .privateAddress: "RFC 1918 §3"
    case .rtpSource: "RFC 4961 §3"
    case .rtcpMalformed: "RFC 3550 §6.1"
    }
  }

  /// The rule in our words.
  public var sentence: String {
    switch self {
    case .messageUnreadable: "what is received on a SIP port is a SIP message"
    case .messageForm: "header fields are well formed, and the mandatory ones are present"
    case .refusalNotAcknowledged: "a final refusal of an INVITE is acknowledged within 64·T1 (Timer H)"
    case .acknowledgementSequence: "an ACK has the CSeq number of the INVITE that it acknowledges"
    case .successWithoutDialog: "a 2xx to INVITE has what establishes a dialog: From, To, Call-ID and valid routes"
    case .contactMissing: "an INVITE and its 2xx have one Contact"
    case .contactElsewhere: "a Contact has an address at which its sender can be reached"
    case .requestContactSecure: "an INVITE for a sips URI has a sips URI as its Contact"
    case .responseContactSecure: "a 2xx to an INVITE for a sips URI has a sips URI as its Contact"
    case .byeInEarlyDialog: "a callee sends no BYE before its 2xx is acknowledged"
    case .sequenceNotHigher: "each request within a dialog has a higher CSeq number than the last"
    case .inviteOverlaps: "no INVITE is sent while another INVITE is in progress in the dialog"
    case .requireInDialog: "Require lists only extensions that we listed in Supported"
    case .severalVias: "a response has a single Via when it reaches its client"
    case .offerUnusable: "an offer can be answered: valid, with a reachable address"
    case .answerMissing: "an offer in the INVITE is answered in the 2xx"
    case .secondAnswer: "a second description in the responses to an INVITE within the same dialog is a copy of the first"
    case .answerUnusable: "an answer accepts at least one offered stream"
    case .answerWithoutOffer: "an answer follows an offer"
    case .answerStreamCount: "an answer has as many m= lines as the offer"
    case .answerStreamOrder: "the m= lines of an answer have the media types of the offer, in its order"
    case .answerFormat: "an answer contains formats of the offer"
    case .answerProfile: "an answer has the transport protocol of the offered stream"
    case .answerDirection: "the direction in an answer is one that the offer allows"
    case .offerDropsStreams: "a new offer has at least as many m= lines as the previous description"
    case .originVersion: "a changed description has a new version in its o= line, and the same session id"
    case .registeredContact: "a request to a registered user agent has the registered Contact as its Request-URI"
    case .listedBindings: "a 200 to REGISTER lists all current bindings, and no others"
    case .minimumExpires: "the Min-Expires in a 423 is above the requested expiry"
    case .rtpMalformed: "an RTP packet has a complete header of version 2"
    case .rtpPayloadType: "RTP has a payload type that was negotiated"
    case .rtpWhileHeld: "no RTP is sent on a stream whose direction does not allow it"
    case .privateAddress: "a private address is not given to a peer outside its network"
    case .rtpSource: "RTP comes from one address until the session is changed"
    case .rtcpMalformed: "an RTCP packet is complete, with consistent lengths"
    }
  }
}

extension PeerViolation: CustomStringConvertible {
  /// `ack-sequence: an ACK has … (RFC 3261 §13.2.2.4): 5 instead of 4`
  public var description: String {
    "\(rule.rawValue): \(rule.sentence) (\(section))\(detail.isEmpty ? "" : ": \(detail)")"
  }
}

extension PeerViolation {
  /// The facts for the journal.
  public var journalFields: [JournalField] {
    [.init("rule", rule.rawValue), .init("section", section), .init("detail", detail)]
  }
}
