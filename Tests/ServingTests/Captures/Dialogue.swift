import SansIO

/// The SIP of one dialog as a test writes it.
struct Dialogue {
  var callID: String
  var wire: RawPeer.Wire
  var transport: String
  var local: TransportAddress
  /// The Request-URI.
  var uri = "sip:any@sip.kallglot.com"
  var toTag = ""
  var sequence = 1

  /// A description of audio at this address (RFC 4566).
  static func offer(_ media: TransportAddress) -> String {
    """
    v=0\r
    o=peer 1 1 IN IP4 \(media.address)\r
    s=-\r
    c=IN IP4 \(media.address)\r
    t=0 0\r
    m=audio \(media.port) RTP/AVP 0\r
    a=rtpmap:0 PCMU/8000\r

    """
  }

  func request(_ method: String, sequence: Int? = nil, more: String = "", body: String = "") -> Bytes {
    let type = body.isEmpty ? "" : "Content-Type: application/sdp\r\n"
    let branch = "z9hG4bK\(callID)\(method == "CANCEL" || method == "ACK" ? "INVITE" : method)\(sequence ?? self.sequence)"
    return Bytes(
      """
      \(method) \(uri) SIP/2.0\r
      Via: SIP/2.0/\(transport) \(local);branch=\(branch)\r
      Max-Forwards: 70\r
      From: <sip:peer@example.com>;tag=a\(callID)\r
      To: <sip:any@sip.kallglot.com>\(toTag.isEmpty ? "" : ";tag=\(toTag)")\r
      Call-ID: \(callID)\r
      CSeq: \(sequence ?? self.sequence) \(method)\r
      Contact: <sip:peer@\(local);transport=\(transport.lowercased())>\r
      \(more)\(type)Content-Length: \(body.utf8.count)\r
      \r
      \(body)
      """)
  }

  /// The ACK of a 2xx is a transaction of its own (RFC 3261 §13.2.2.4).
  func acknowledge() -> Bytes { Bytes(request("ACK").text.replacing("z9hG4bK\(callID)INVITE", with: "z9hG4bK\(callID)ACK")) }

  /// A response to a request of the endpoint.
  static func answer(_ request: String, _ status: String, contact: TransportAddress, transport: String, body: String = "") -> Bytes {
    let lines = request.split(separator: "\r\n")
    func values(_ name: String) -> [Substring] { lines.filter { $0.hasPrefix(name + ": ") } }
    let to = values("To").first.map { $0.contains("tag=") ? String($0) : "\($0);tag=peer" } ?? ""
    let copied = (values("Via") + values("From")).joined(separator: "\r\n")
    let rest = (values("Call-ID") + values("CSeq")).joined(separator: "\r\n")
    let type = body.isEmpty ? "" : "Content-Type: application/sdp\r\n"
    return Bytes(
      "SIP/2.0 \(status)\r\n\(copied)\r\n\(to)\r\n\(rest)\r\nContact: <sip:peer@\(contact);transport=\(transport)>\r\n\(type)"
        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
  }

  /// The value of a header field.
  static func value(_ name: String, of message: String) -> String {
    message.split(separator: "\r\n").first { $0.hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) } ?? ""
  }

  static func tag(of message: String) -> String {
    value("To", of: message).split(separator: ";").first { $0.hasPrefix("tag=") }.map { String($0.dropFirst(4)) } ?? ""
  }

  /// Where the sender of this description wants its audio.
  static func media(of message: String) -> TransportAddress? {
    let lines = message.split(separator: "\r\n")
    guard let address = lines.first(where: { $0.hasPrefix("c=IN IP4 ") }).flatMap({ IPAddress(String($0.dropFirst(9))) }),
      let port = lines.first(where: { $0.hasPrefix("m=audio ") })?.dropFirst(8).split(separator: " ").first.flatMap({ UInt16($0) })
    else { return nil }
    return TransportAddress(address, port: port)
  }

  /// An RTP packet of PCMU (RFC 3550 §5.1).
  static func packet(_ sequence: UInt8, ssrc: UInt8) -> Bytes {
    Bytes([0x80, 0, 0, sequence, 0, 0, 0, 160 &* sequence, 0, 0, 0, ssrc] + [UInt8](repeating: 0xD5 ^ ssrc, count: 160))
  }
}
