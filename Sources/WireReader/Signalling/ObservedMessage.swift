import SDP
import SIPMessage
import SansIO

/// One SIP message of a capture with what its reader needs of it.
public struct ObservedMessage: Sendable {
  public let stamp: FrameStamp
  public let transport: ObservedTransport
  public let source: TransportAddress
  public let destination: TransportAddress
  public let message: SIPMessage
  public let callID: String
  public let cseq: CSeq
  /// The topmost Via's branch; "" where there is none.
  public let branch: String
  /// The topmost one; nil when it is missing or cannot be read.
  public let via: Via?
  public let from: NameAddress?
  public let to: NameAddress?
  public let description: ObservedDescription?
  /// The frame's comment says that the sender broke it on purpose.
  public let isDeliberatelyBroken: Bool
  /// IP fragments it came in; 1 = a whole packet.
  public let fragments: Int

  public var fromTag: String? { from?.tag }
  public var toTag: String? { to?.tag }
  public var status: Int? { message.status }
  /// The request's method; for a response that of the request it answers.
  public var method: SIPMethod { message.method ?? cseq.method }
  public var phrase: String { message.reasonPhrase?.text ?? "" }

  /// Header fields that could not be read, with the rule.
  public let mistakes: [String]

  /// Nil when Call-ID or CSeq cannot be read: nobody knows what the message belongs to. The mistakes say why.
  public static func read(
    _ message: SIPMessage, _ origin: Carried<Void>, isDeliberatelyBroken: Bool = false, fragments: Int = 1
  ) -> (message: ObservedMessage?, mistakes: [String]) {
    var mistakes: [String] = []
    func attempt<Value>(_ body: () throws(SIPHeaderError) -> Value) -> Value? {
      do { return try body() } catch {
        mistakes.append(Self.words(error))
        return nil
      }
    }
    let callID = attempt { () throws(SIPHeaderError) in try message.callID() }
    let cseq = attempt { () throws(SIPHeaderError) in try message.cseq() }
    let via = attempt { () throws(SIPHeaderError) in try message.via() }
    let from = attempt { () throws(SIPHeaderError) in try message.from() }
    let to = attempt { () throws(SIPHeaderError) in try message.to() }
    guard let callID, let cseq else { return (nil, mistakes) }
    let observed = ObservedMessage(
      stamp: origin.stamp, transport: origin.transport, source: origin.source, destination: origin.destination, message: message,
      callID: callID, cseq: cseq, branch: via?.branch ?? "", via: via, from: from, to: to,
      description: ObservedDescription.find(message, origin), isDeliberatelyBroken: isDeliberatelyBroken, fragments: fragments,
      mistakes: mistakes)
    return (observed, mistakes)
  }

  private static func words(_ error: SIPHeaderError) -> String {
    if case .missing(let name) = error { return "\(name) is missing (RFC 3261 §8.1.1)" }
    return error.description
  }

  /// `INVITE`, `200 OK`.
  public var title: String { message.status.map { "\($0) \(phrase)".trimmingSpaces } ?? method.token }
}

extension String {
  public var trimmingSpaces: String {
    var text = Substring(self)
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
