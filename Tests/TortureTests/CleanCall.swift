import LabBench
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
    Bytes(
      SIPText.request(
        method, "sip:desk@sip.kallglot.com", via: "\(transport) 192.0.2.20;branch=z9hG4bK-\(name)-\(method)",
        from: "<sip:a@pbx.example>;tag=clean", to: "<sip:desk@sip.kallglot.com>\(tag)", callID: "clean-\(name)", sequence: number,
        contact: "sip:a@192.0.2.20", body: body))
  }
}
