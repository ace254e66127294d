import SIPMessage
import SansIO

/// The messages of a call as it should be, for a look whether an endpoint is still well.
struct CleanCall {
  var name: String
  var transport = "UDP"

  private static let offer = "v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\nm=audio 41000 RTP/AVP 0\r\n"

  var invite: Bytes { message("INVITE", 1, tag: "", body: Self.offer) }
  func ack(_ tag: String) -> Bytes { message("ACK", 1, tag: ";tag=\(tag)") }
  func bye(_ tag: String) -> Bytes { message("BYE", 2, tag: ";tag=\(tag)") }

  private func message(_ method: String, _ number: Int, tag: String, body: String = "") -> Bytes {
    let type = body.isEmpty ? "" : "Content-Type: application/sdp\r\n"
    return Bytes(
      "\(method) sip:desk@sip.kallglot.com SIP/2.0\r\nVia: SIP/2.0/\(transport) 192.0.2.20;branch=z9hG4bK-\(name)-\(method)\r\nMax-Forwards: 70\r\n"
        + "From: <sip:a@pbx.example>;tag=clean\r\nTo: <sip:desk@sip.kallglot.com>\(tag)\r\nCall-ID: clean-\(name)\r\nCSeq: \(number) \(method)\r\n"
        + "Contact: <sip:a@192.0.2.20>\r\n\(type)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
  }
}
