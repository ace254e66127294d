import SansIO

/// What a peer's messages, transactions and dialogs are held to.
extension PeerViolation.Rule {
  public static let messageUnreadable = Self("message-unreadable", "RFC 3261 §7", "what is received on a SIP port is a SIP message")
  public static let messageForm = Self("message-form", "RFC 3261 §7.3", "header fields are well formed, and the mandatory ones are present")
  public static let refusalNotAcknowledged = Self(
    "refusal-not-acknowledged", "RFC 3261 §17.2.1", "a final refusal of an INVITE is acknowledged within 64·T1 (Timer H)")
  public static let acknowledgementSequence = Self(
    "ack-sequence", "RFC 3261 §13.2.2.4", "an ACK has the CSeq number of the INVITE that it acknowledges")
  public static let successWithoutDialog = Self(
    "success-without-dialog", "RFC 3261 §12.1.2", "a 2xx to INVITE has what establishes a dialog: From, To, Call-ID and valid routes")
  public static let contactMissing = Self("contact-missing", "RFC 3261 §8.1.1.8", "an INVITE and its 2xx have one Contact")
  public static let contactElsewhere = Self(
    "contact-elsewhere", "RFC 3261 §8.1.1.8", "a Contact has an address at which its sender can be reached")
  public static let requestContactSecure = Self(
    "request-contact-sips", "RFC 3261 §8.1.1.8", "an INVITE for a sips URI has a sips URI as its Contact")
  public static let responseContactSecure = Self(
    "response-contact-sips", "RFC 3261 §12.1.1", "a 2xx to an INVITE for a sips URI has a sips URI as its Contact")
  public static let byeInEarlyDialog = Self("bye-in-early-dialog", "RFC 3261 §15", "a callee sends no BYE before its 2xx is acknowledged")
  public static let sequenceNotHigher = Self(
    "cseq-not-higher", "RFC 3261 §12.2.1.1", "each request within a dialog has a higher CSeq number than the last")
  public static let inviteOverlaps = Self(
    "invite-overlaps", "RFC 3261 §14.1", "no INVITE is sent while another INVITE is in progress in the dialog")
  public static let requireInDialog = Self(
    "unknown-extension-required", "RFC 3261 §8.2.2.3", "Require lists only extensions that we listed in Supported")
  public static let severalVias = Self(
    "response-with-several-vias", "RFC 3261 §8.1.3.3", "a response has a single Via when it reaches its client")
}

/// The offers and answers of an INVITE, as SIP carries them.
extension PeerViolation.Rule {
  public static let answerMissing = Self("answer-missing", "RFC 3261 §13.2.1", "an offer in the INVITE is answered in the 2xx")
  public static let secondAnswer = Self(
    "second-answer", "RFC 3261 §13.2.1", "a second description in the responses to an INVITE within the same dialog is a copy of the first")
}

/// Registrations.
extension PeerViolation.Rule {
  public static let minimumExpires = Self("min-expires", "RFC 3261 §20.23", "the Min-Expires in a 423 is above the requested expiry")
  public static let listedBindings = Self(
    "listed-bindings", "RFC 3261 §10.3", "a 200 to REGISTER lists all current bindings, and no others")
  public static let registeredContact = Self(
    "registered-contact", "RFC 3261 §16.5", "a request to a registered user agent has the registered Contact as its Request-URI")
}
