import LabBench
import SIPMessage
import SansIO

/// The SIP of one dialog as a peer of the endpoint writes it.
struct Dialogue {
  var callID: String
  var transport: String
  var local: TransportAddress
  /// The Request-URI.
  var uri = "sip:any@sip.kallglot.com"
  /// From and To of the peer's requests, with the tags that are known.
  var from: String
  var to = "<sip:any@sip.kallglot.com>"
  var sequence = 1

  init(callID: String, transport: String, local: TransportAddress) {
    (self.callID, self.transport, self.local) = (callID, transport, local)
    from = "<sip:peer@example.com>;tag=a\(callID)"
  }

  /// The dialog of a call that the endpoint placed, once the peer has taken it.
  init(calledBy invite: SIPMessage, transport: String, local: TransportAddress) throws {
    self.init(callID: invite.first(.callID)?.text ?? "", transport: transport, local: local)
    from = "\(try invite.to());tag=\(PlainPeer.tag)"
    to = "\(try invite.from())"
    uri = try invite.contacts().firstURI.map { "\($0)" } ?? uri
  }

  /// Takes over the tag of the other side.
  mutating func take(_ answer: SIPMessage) { to = answer.first(.to)?.text ?? to }

  /// - Parameter branch: nil for that of its transaction: CANCEL and the ACK of a refusal have the INVITE's (RFC 3261 §9.1, §17.1.1.3).
  func request(_ method: String, branch: String? = nil, headers: [String] = [], body: String = "") -> Bytes {
    let transaction = method == "CANCEL" || method == "ACK" ? "INVITE" : method
    return Bytes(
      SIPText.request(
        method, uri, via: "\(transport) \(local);branch=\(branch ?? "z9hG4bK\(callID)\(transaction)\(sequence)")", from: from, to: to,
        callID: callID, sequence: sequence, contact: "sip:peer@\(local);transport=\(transport.lowercased())", headers: headers, body: body))
  }

  /// The ACK of a 2xx is a transaction of its own (RFC 3261 §13.2.2.4).
  func acknowledge() -> Bytes { request("ACK", branch: "z9hG4bK\(callID)ACK\(sequence)") }

  /// BYE, with the next CSeq.
  mutating func bye() -> Bytes {
    sequence += 1
    return request("BYE")
  }

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

  /// Where the sender of this description wants its audio.
  static func media(of message: SIPMessage) -> TransportAddress? {
    let lines = message.body.text.split(separator: "\r\n")
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
