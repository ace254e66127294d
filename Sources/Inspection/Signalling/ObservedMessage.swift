import SDP
import SIPMessage
import SansIO

/// One SIP message of a capture with what its reader needs of it.
struct ObservedMessage {
  let stamp: FrameStamp
  let transport: ObservedTransport
  let source: TransportAddress
  let destination: TransportAddress
  let message: SIPMessage
  let callID: String
  let cseq: CSeq
  /// The topmost Via's branch; "" where there is none.
  let branch: String
  let from: NameAddress?
  let to: NameAddress?
  let description: ObservedDescription?
  /// The frame's comment says that the sender broke it on purpose.
  let isDeliberatelyBroken: Bool
  /// IP fragments it came in; 1 = a whole packet.
  let fragments: Int

  var fromTag: String? { from?.tag }
  var toTag: String? { to?.tag }
  var status: Int? { message.status }
  /// The request's method; for a response that of the request it answers.
  var method: SIPMethod { message.method ?? cseq.method }
  var phrase: String { message.reasonPhrase?.text ?? "" }

  /// Header fields that could not be read, with the rule.
  let mistakes: [String]

  /// Nil when Call-ID or CSeq cannot be read: nobody knows what the message belongs to. The mistakes say why.
  static func read(
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
      callID: callID, cseq: cseq, branch: via?.branch ?? "", from: from, to: to,
      description: ObservedDescription.find(message, origin), isDeliberatelyBroken: isDeliberatelyBroken, fragments: fragments,
      mistakes: mistakes)
    return (observed, mistakes)
  }

  private static func words(_ error: SIPHeaderError) -> String {
    if case .missing(let name) = error { return "\(name) is missing (RFC 3261 §8.1.1)" }
    return error.description
  }

  /// `INVITE`, `200 OK`.
  var title: String { message.status.map { "\($0) \(phrase)".trimmingSpaces } ?? method.token }
}

extension String {
  var trimmingSpaces: String {
    var text = Substring(self)
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
