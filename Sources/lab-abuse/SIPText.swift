/// The few messages that an abuser has to get right.
enum SIPText {
  static func options(_ name: String) -> String {
    request(
      "OPTIONS", "sip:127.0.0.1", name, to: "<sip:127.0.0.1>", sequence: 1, from: "127.0.0.1", port: 5_060, transport: "TCP", body: "")
  }

  static func invite(_ name: String, from address: String, port: UInt16, transport: String = "UDP") -> String {
    let lines = [
      "v=0", "o=- 1 1 IN IP4 \(address)", "s=-", "c=IN IP4 \(address)", "t=0 0", "m=audio 40000 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "",
    ]
    return request(
      "INVITE", "sip:service@127.0.0.1", name, to: "<sip:service@127.0.0.1>", sequence: 1, from: address, port: port, transport: transport,
      body: lines.joined(separator: "\r\n"))
  }

  static func callID(_ message: String) -> Substring? {
    message.split(separator: "\r\n").first { $0.hasPrefix("Call-ID: ") }?.dropFirst(9)
  }

  /// A request of the dialog that a 2xx made.
  static func within(_ answer: String, _ method: String, sequence: Int, port: UInt16) -> String {
    let lines = answer.split(separator: "\r\n")
    func value(_ name: String) -> String { lines.first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) } ?? "" }
    let contact = value("Contact").split(whereSeparator: { $0 == "<" || $0 == ">" }).first.map(String.init) ?? "sip:127.0.0.1"
    return request(
      method, contact, value("Call-ID"), to: value("To"), sequence: sequence, from: "127.0.0.1", port: port, transport: "UDP", body: "")
  }

  private static func request(
    _ method: String, _ uri: String, _ name: String, to: String, sequence: Int, from address: String, port: UInt16, transport: String,
    body: String
  ) -> String {
    let lines = [
      "\(method) \(uri) SIP/2.0", "Via: SIP/2.0/\(transport) \(address):\(port);rport;branch=z9hG4bK-\(name)-\(method)", "Max-Forwards: 70",
      "From: <sip:abuser@\(address)>;tag=1", "To: \(to)", "Call-ID: \(name)", "CSeq: \(sequence) \(method)",
      "Contact: <sip:abuser@\(address):\(port)>", body.isEmpty ? "" : "Content-Type: application/sdp", "Content-Length: \(body.utf8.count)",
    ]
    return lines.filter { !$0.isEmpty }.joined(separator: "\r\n") + "\r\n\r\n" + body
  }
}
