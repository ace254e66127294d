/// What a check of `inspect` is: the ids that findings have, each declared once.
public struct InspectionCheck: Hashable, Sendable {
  /// Stable, for programs.
  public var id: String
  /// The section that most of its findings rest on; "" where it is no rule of a standard.
  public var section: String
  /// The rule in our words.
  public var sentence: String
  /// The worst that it says; what a capture does not prove is said more mildly.
  public var severity: InspectionFinding.Severity
  /// It speaks of what is not there: no proof where parts of the capture are missing.
  public var judgesAbsence: Bool

  init(
    _ id: String, _ severity: InspectionFinding.Severity, _ section: String, _ sentence: String, judgesAbsence: Bool = false
  ) {
    (self.id, self.section, self.sentence) = (id, section, sentence)
    (self.severity, self.judgesAbsence) = (severity, judgesAbsence)
  }
}

/// All checks of `inspect`: messages, dialogs, offer and answer, registration, streams, what a file carries.
public enum InspectionChecks {
  public static let checks: [InspectionCheck] = messages + dialogs + descriptions + registrations + streams + carriers

  public static let ids = checks.map(\.id)

  /// - Returns: nil where no check has this id.
  public static func check(_ id: String) -> InspectionCheck? { byID[id] }

  private static let byID = Dictionary(checks.map { ($0.id, $0) }) { first, _ in first }

  private static let messages = [
    InspectionCheck("unreadable", .error, "RFC 3261 §7", "what begins like a SIP message can be read as one"),
    InspectionCheck("mandatory-headers", .error, "RFC 3261 §8.1.1", "a message has To, From, CSeq, Call-ID, Via and Max-Forwards, once"),
    InspectionCheck("cseq-method", .error, "RFC 3261 §8.1.1.5", "the method in CSeq is that of the request"),
    InspectionCheck("branch-cookie", .note, "RFC 3261 §8.1.1.7", "the branch of the topmost Via begins with z9hG4bK"),
    InspectionCheck("tags", .error, "RFC 3261 §8.1.1.3", "From has a tag, and To in each response above 100"),
    InspectionCheck("contact", .error, "RFC 3261 §8.1.1.8", "an INVITE and its 2xx have a Contact"),
    InspectionCheck("content-type", .error, "RFC 3261 §20.15", "a body has a Content-Type"),
    InspectionCheck("content-length", .error, "RFC 3261 §18.3", "a message on a stream has a Content-Length"),
    InspectionCheck("unreadable-sdp", .error, "RFC 8866 §5", "a session description can be read"),
    InspectionCheck("via-transport", .warning, "RFC 3261 §18.1.1", "the topmost Via of a request names the transport that it goes by"),
    InspectionCheck("datagram-size", .note, "RFC 3261 §18.1.1", "a request of more than 1,300 bytes does not go over UDP"),
    InspectionCheck("private-contact", .warning, "RFC 3261 §8.1.1.8", "a Contact has an address that its receiver can reach"),
    InspectionCheck("not-sip", .note, "RFC 3261 §7", "text on port 5060 is SIP"),
  ]

  private static let dialogs = [
    InspectionCheck("begins-in-the-middle", .note, "", "the capture has the beginning of a dialog"),
    InspectionCheck("answer-not-captured", .note, "", "the capture has the answer of a call that was answered"),
    InspectionCheck(
      "no-final-response", .error, "RFC 3261 §17.1.1.2", "an INVITE or REGISTER is answered before its timers end", judgesAbsence: true),
    InspectionCheck("call-refused", .warning, "RFC 3261 §21", "an INVITE is not refused"),
    InspectionCheck("no-ack", .error, "RFC 3261 §13.2.2.4", "a final response to INVITE is acknowledged", judgesAbsence: true),
    InspectionCheck("ack-lost", .warning, "RFC 3261 §13.3.1.4", "a 2xx to INVITE is not repeated after its ACK"),
    InspectionCheck(
      "answer-after-cancel", .error, "RFC 3261 §9.1", "an answer that crosses a CANCEL is followed by a BYE", judgesAbsence: true),
    InspectionCheck("challenge-loop", .error, "RFC 3261 §22.2", "credentials that were refused are not sent again"),
    InspectionCheck("nonce-expired", .warning, "RFC 7616 §3.3", "a challenge for an expired nonce says stale=true"),
    InspectionCheck("route-set", .error, "RFC 3261 §12.2.1.1", "a request within a dialog has the route set of the dialog"),
    InspectionCheck("cseq-order", .warning, "RFC 3261 §12.2.1.1", "CSeq grows within a dialog"),
    InspectionCheck(
      "unanswered-request", .error, "RFC 3261 §17.1.2.2", "a request within a dialog gets a final response", judgesAbsence: true),
    InspectionCheck("refused-in-dialog", .warning, "RFC 3261 §12.2.2", "a request within a dialog is not refused"),
  ]

  private static let descriptions = [
    InspectionCheck(
      "answer-mismatch", .error, "RFC 3264 §6", "an answer has the m= lines of its offer, their formats and a fitting direction"),
    InspectionCheck("missing-answer", .error, "RFC 3261 §13.2.1", "a 2xx to INVITE and its ACK complete offer and answer"),
    InspectionCheck("origin-version", .error, "RFC 3264 §8", "a changed description has a new version in its o= line"),
    InspectionCheck("private-media-address", .warning, "RFC 8866 §5.7", "a description has an address that its receiver can reach"),
    InspectionCheck(
      "one-way-audio", .warning, "RFC 3264 §5.1", "audio that was agreed both ways flows both ways", judgesAbsence: true),
    InspectionCheck("media-late", .warning, "RFC 3264 §5.1", "audio begins with the answer", judgesAbsence: true),
    InspectionCheck(
      "media-stops", .warning, "RFC 3264 §5.1", "audio goes on until it is agreed otherwise, or the dialog ends", judgesAbsence: true),
    InspectionCheck("no-telephone-event", .note, "RFC 4733 §2.5.1.1", "both sides agree on telephone-event"),
  ]

  private static let registrations = [
    InspectionCheck("registration-refused", .warning, "RFC 3261 §10.3", "a REGISTER is not refused"),
    InspectionCheck("credentials-never-sent", .warning, "RFC 3261 §22.2", "a client that is challenged sends credentials"),
    InspectionCheck("old-nonce", .warning, "RFC 3261 §22.2", "credentials have the nonce of the last challenge"),
    InspectionCheck(
      "late-refresh", .warning, "RFC 3261 §10.2.4", "a binding is refreshed before it expires", judgesAbsence: true),
    InspectionCheck("options-unanswered", .warning, "RFC 3261 §17.1.2.2", "an OPTIONS request is answered", judgesAbsence: true),
  ]

  private static let streams = [
    InspectionCheck("payload-type", .error, "RFC 3264 §5.1", "RTP has payload types that its receiver described"),
    InspectionCheck("media-address", .note, "RFC 4961 §4", "RTP comes from the address that its sender receives at"),
    InspectionCheck("media-port", .warning, "RFC 3264 §5.1", "RTP goes to a port that was described"),
    InspectionCheck("media-after-bye", .warning, "RFC 3261 §15.1.1", "RTP ends with the BYE"),
    InspectionCheck("stream-quality", .error, "ITU-T G.107", "RTP arrives without loss and jitter that are heard"),
    InspectionCheck("reported-loss", .warning, "RFC 3550 §6.4.1", "what the capture has of a stream reaches its receiver"),
    InspectionCheck("timestamp-jump", .warning, "RFC 3550 §5.1", "the timestamps of a stream keep time with its packets"),
    InspectionCheck("timestamp-step", .error, "RFC 3550 §5.1", "a timestamp grows by what the payload before it holds"),
    InspectionCheck("clock-pace", .warning, "RFC 3550 §5.1", "audio comes as fast as it is heard"),
    InspectionCheck("sequence-restart", .warning, "RFC 3550 §5.1", "sequence numbers start over with a new SSRC alone"),
    InspectionCheck("marker", .warning, "RFC 3551 §4.1", "the marker is on the first packet of a talkspurt"),
    InspectionCheck("packet-time", .warning, "RFC 8866 §6.4", "packets hold as much audio as was agreed, and no more than is taken"),
    InspectionCheck("ssrc-change", .note, "RFC 3550 §8.1", "a source keeps its SSRC until something is agreed anew"),
  ]

  private static let carriers = [
    InspectionCheck("tcp-gap", .note, "RFC 9293 §3.4", "the capture has all bytes of a stream that carries SIP"),
    InspectionCheck("tls-alert", .error, "RFC 8446 §6.2", "TLS does not end by a fatal alert"),
  ]
}
