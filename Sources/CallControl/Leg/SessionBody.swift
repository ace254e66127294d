import Rules
import SDP
import SIPComposition
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

/// The body of a message where an offer or an answer may be. It is read when it is asked for.
struct SessionBody: Sendable {
  private let inbound: InboundMessage

  init(_ message: InboundMessage) { inbound = message }

  private var message: SIPMessage { inbound.message }

  var isEmpty: Bool { message.body.isEmpty }

  /// Whether there is an offer or answer; a body that may be left unread is none.
  var hasDescription: Bool {
    guard !message.body.isEmpty else { return false }
    return message.body(ofType: "application/sdp") != nil || message.first(.contentType) == nil
  }

  /// The description. In a multipart body it is the part of its type, first or last (RFC 5621 §3.1).
  func description() throws(OfferAnswerFailure) -> SessionDescription {
    guard !message.body.isEmpty else { throw .noAudio }
    do { return try SessionDescription.parse(message.body(ofType: "application/sdp") ?? message.body) } catch { throw .unreadable(error) }
  }

  /// Where the audio of its description is; nil where it has none. One that cannot be read is refused by whoever answers it.
  var audioAddress: IPAddress? {
    guard hasDescription else { return nil }
    do {
      let description = try description()
      return description.media.first { $0.kind == "audio" && $0.port != 0 }?.connection ?? description.connection
    } catch { return nil }
  }

  /// The bytes of the description; empty where there is none.
  var bytes: Bytes { message.body(ofType: "application/sdp") ?? Bytes() }

  /// The To tag: the dialog's, in a response to our INVITE.
  var remoteTag: String { RemoteTag(ofCalleeIn: inbound).text }

  /// The message in one line, for a violation.
  var line: String { "\(message)" }

  var name: String { message.name }
}

extension OfferAnswerFailure {
  /// The rule that was broken: the one that offer/answer named, else this one; nil for a limit of ours, which breaks none.
  func violation(_ rule: PeerViolation.Rule, in body: SessionBody) -> PeerViolation? {
    if case .broken(let violation) = self { return violation }
    switch self {
    case .limit, .noKeys: return nil
    case .broken, .noAudio, .noCommonCodec, .misdescribedCodec, .wrongProfile, .unreadable, .other: break
    }
    return PeerViolation(rule, "\(body.name): \(warningText)")
  }

  /// The rule that an offer broke; nil where it is right, and asks for what we do not do.
  var offerViolation: PeerViolation? {
    switch self {
    case .broken(let violation): violation
    case .unreadable(let error): PeerViolation(.offerUnusable, "\(error)")
    case .noAudio, .noCommonCodec, .misdescribedCodec, .wrongProfile, .noKeys, .limit, .other: nil
    }
  }

  /// A Warning value (RFC 3261 §20.43): code, agent, text.
  public func warningValue(agent: IPAddress) -> String {
    let host = agent.isIPv6 ? "[\(agent)]" : agent.description
    return WarningValue(warningCode, agent: host, warningText).fieldValue
  }
}
