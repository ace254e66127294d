import SansIO
import Testing

@testable import VirtualNetwork

private let own = TransportAddress(IPAddress(v4: 0x0A00_0014), port: 5060)
private let outside = TransportAddress(IPAddress(v4: 0xCB00_7107), port: 5062)

private let sdp = """
  v=0\r
  o=- 1 1 IN IP4 10.0.0.20\r
  s=-\r
  c=IN IP4 10.0.0.20\r
  t=0 0\r
  m=audio 20000 RTP/AVP 0\r
  a=rtpmap:0 PCMU/8000\r

  """

private let invite = """
  INVITE sip:demo@198.51.100.10 SIP/2.0\r
  Via: SIP/2.0/UDP 10.0.0.20:5060;branch=z9hG4bK1;rport\r
  From: <sip:acme@10.0.0.20>;tag=a\r
  To: <sip:demo@198.51.100.10>\r
  Call-ID: 77@10.0.0.20\r
  CSeq: 1 INVITE\r
  Contact: <sip:acme@10.0.0.20:5060>\r
  Content-Type: application/sdp\r
  Content-Length: \(sdp.utf8.count)\r
  \r
  \(sdp)
  """

private let ok = """
  SIP/2.0 200 OK\r
  Via: SIP/2.0/UDP 203.0.113.7:5062;branch=z9hG4bK1;received=203.0.113.7;rport=5062\r
  From: <sip:acme@203.0.113.7:5062>;tag=a\r
  To: <sip:demo@198.51.100.10>;tag=b\r
  Call-ID: 77@10.0.0.20\r
  CSeq: 1 INVITE\r
  Content-Length: 0\r
  \r

  """

@Suite struct SIPALGTests {
  private func out(_ habit: SIPALG.Habit, _ text: String = invite) -> Rewriting? {
    SIPALG(habit).rewrite(Bytes(text), isOutbound: true, SIPALG.Replacement(own, outside)) { $0.port == 20_000 ? 30_000 : nil }
  }

  private func back(_ habit: SIPALG.Habit, _ text: String = ok) -> Rewriting? {
    SIPALG(habit).rewrite(Bytes(text), isOutbound: false, SIPALG.Replacement(outside, own)) { _ in nil }
  }

  private func line(_ start: String, _ rewriting: Rewriting?) -> String? {
    rewriting?.bytes.text.split(separator: "\r\n").map(String.init).first { $0.hasPrefix(start) }
  }

  @Test func `done well, Via, Contact, o=, c=, m= and Content-Length say the outside address, and nothing else has changed`() throws {
    let done = try #require(out(.well))
    #expect(line("Via", done) == "Via: SIP/2.0/UDP 203.0.113.7:5062;branch=z9hG4bK1;rport")
    #expect(line("Contact", done) == "Contact: <sip:acme@203.0.113.7:5062>")
    #expect(line("From", done) == "From: <sip:acme@203.0.113.7:5062>;tag=a")
    #expect(line("Call-ID", done) == "Call-ID: 77@10.0.0.20")
    #expect(line("INVITE", done) == "INVITE sip:demo@198.51.100.10 SIP/2.0")
    #expect(line("o=", done) == "o=- 1 1 IN IP4 203.0.113.7" && line("c=", done) == "c=IN IP4 203.0.113.7")
    #expect(line("m=", done) == "m=audio 30000 RTP/AVP 0")
    #expect(line("Content-Length", done) == "Content-Length: \(sdp.utf8.count + 4)")
    #expect(done.report.left == [] && !done.report.isBad)
    #expect(done.report.changed == [.via, .contact, .fromTo, .origin, .connection, .media, .contentLength])
    #expect(done.report.message == "INVITE" && done.report.contentLength == done.report.body)
  }

  @Test func `on the way back Via is what its client wrote, with received and rport of its own side`() throws {
    let done = try #require(back(.well))
    #expect(line("Via", done) == "Via: SIP/2.0/UDP 10.0.0.20:5060;branch=z9hG4bK1;received=10.0.0.20;rport=5060")
    #expect(line("From", done) == "From: <sip:acme@10.0.0.20:5060>;tag=a")
    #expect(done.report.message == "200 to INVITE" && !done.report.isBad)
  }

  @Test func `a request from outside is addressed to the host inside`() {
    let bye = "BYE sip:acme@203.0.113.7:5062 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.10;branch=z9hG4bK2\r\nContent-Length: 0\r\n\r\n"
    #expect(line("BYE", back(.well, bye)) == "BYE sip:acme@10.0.0.20:5060 SIP/2.0")
  }

  /// What each habit does to the outgoing INVITE.
  @Test(
    arguments: [
      (.keepsContentLength, "Content-Length", "Content-Length: \(sdp.utf8.count)", .contentLength),
      (.keepsContact, "Contact", "Contact: <sip:acme@10.0.0.20:5060>", .contact),
      (.connectionOnly, "o=", "o=- 1 1 IN IP4 10.0.0.20", [.via, .contact, .fromTo, .origin]),
      (.wrongMediaPort, "m=", "m=audio 21000 RTP/AVP 0", .media),
    ] as [(SIPALG.Habit, String, String, Rewriting.Fields)])
  func `a bad habit leaves what it leaves, and the report says so`(
    habit: SIPALG.Habit, start: String, expected: String, left: Rewriting.Fields
  ) throws {
    let done = try #require(out(habit))
    #expect(line(start, done) == expected)
    #expect(line("c=", done) == "c=IN IP4 203.0.113.7")
    #expect(done.report.left == left && done.report.isBad)
  }

  @Test func `a gateway that does not restore Via leaves the client an answer to nobody (RFC 3261 §18.1.2)`() throws {
    #expect(line("Via", out(.keepsVia)) == "Via: SIP/2.0/UDP 203.0.113.7:5062;branch=z9hG4bK1;rport")
    let done = try #require(back(.keepsVia))
    #expect(line("Via", done)?.contains("203.0.113.7:5062") == true && done.report.left == .via)
  }

  @Test func `replacing digits everywhere changes the Call-ID, and the beginning of longer addresses`() throws {
    let short = TransportAddress(IPAddress(v4: 0x0A00_0002), port: 5060)
    let done = SIPALG(.everywhere).rewrite(Bytes(invite), isOutbound: true, SIPALG.Replacement(short, outside)) { _ in nil }
    #expect(line("Call-ID", done) == "Call-ID: 77@203.0.113.70")
    #expect(line("c=", done) == "c=IN IP4 203.0.113.70")
    #expect(line("Content-Length", done) == "Content-Length: \(sdp.utf8.count + 6)")
    #expect(done?.report.changed == .text && done?.report.isBad == true)
  }

  @Test(arguments: [
    "", "\r\n", "\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n10.0.0.20", "INVITE sip:a@10.0.0.20 SIP/2.0",
    "m=audio 10.0.0.20\r\n\r\n",
  ])
  func `what is no whole message passes as it is`(text: String) {
    for habit in SIPALG.Habit.allCases { #expect(out(habit, text) == nil) }
  }

  @Test func `other addresses and other ports stay, also those that begin alike`() {
    let text = invite.replacing("10.0.0.20", with: "110.0.0.20").replacing("IP4 110.0.0.20", with: "IP4 10.0.0.201")
    #expect(out(.well, text) == nil)
    let other = invite.replacing("acme@10.0.0.20:5060", with: "acme@10.0.0.20:5080")
    #expect(line("Contact", out(.well, other)) == "Contact: <sip:acme@10.0.0.20:5080>")
  }

  @Test func `cut and garbled messages end no program, whatever is missing`() {
    let bytes = Array(invite.utf8)
    for length in 0..<bytes.count {
      for habit in SIPALG.Habit.allCases { _ = out(habit, String(decoding: bytes[..<length], as: UTF8.self) + "\r\n\r\n") }
    }
  }

  @Test func `a promised port that cannot be had leaves m= as it is`() {
    let done = SIPALG().rewrite(Bytes(invite), isOutbound: true, SIPALG.Replacement(own, outside)) { _ in nil }
    #expect(line("m=", done) == "m=audio 20000 RTP/AVP 0")
  }

  /// Linux 6.18 with `ct helper sip` and `snat to 198.51.100.1:6000-6100` made these of the messages above them, byte for byte.
  @Test func `done well, a message is what the kernel's gateway makes of it`() {
    let kernel = TransportAddress(IPAddress(v4: 0xC633_6401), port: 6030)
    let made = SIPALG().rewrite(Bytes(invite), isOutbound: true, SIPALG.Replacement(own, kernel)) { $0.port }
    #expect(line("Via", made) == "Via: SIP/2.0/UDP 198.51.100.1:6030;branch=z9hG4bK1;rport")
    #expect(line("From", made) == "From: <sip:acme@198.51.100.1:6030>;tag=a")
    #expect(line("To", made) == "To: <sip:demo@198.51.100.10>")
    #expect(line("Contact", made) == "Contact: <sip:acme@198.51.100.1:6030>")
    #expect(line("o=", made) == "o=- 1 1 IN IP4 198.51.100.1" && line("c=", made) == "c=IN IP4 198.51.100.1")
    #expect(line("m=", made) == "m=audio 20000 RTP/AVP 0")
    #expect(line("Content-Length", made) == "Content-Length: \(sdp.utf8.count + 6)")
    let back = ok.replacing("203.0.113.7", with: "198.51.100.1").replacing("5062", with: "6030")
    let restored = SIPALG().rewrite(Bytes(back), isOutbound: false, SIPALG.Replacement(kernel, own)) { _ in nil }
    #expect(line("Via", restored) == "Via: SIP/2.0/UDP 10.0.0.20:5060;branch=z9hG4bK1;received=10.0.0.20;rport=5060")
    #expect(line("From", restored) == "From: <sip:acme@10.0.0.20:5060>;tag=a")
  }

  // MARK: - In the network

  private func home(_ habit: SIPALG.Habit) -> Home {
    var nat = NAT(outside: outside.address)
    nat.alg = SIPALG(habit)
    return Home(nat)
  }

  private let text = "OPTIONS sip:x@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n"

  @Test func `a NAT rewrites datagrams on port 5060 and no others; the sender's capture has what it sent`() {
    let home = home(.well)
    var events: [BoxEvent] = []
    home.simulation.onEvent = { _, event in if let event = event as? BoxEvent { events.append(event) } }
    home.send(0, text, to: alice)
    home.send(0, text, port: 2, to: alice, 7000)
    home.settle()
    #expect(home.news(2).map { $0.contains("203.0.113.7:5060;branch") } == [true, false])
    #expect(home.sink.packets.first { $0.host == HostID(0) }?.payload.text == text)
    #expect(home.sink.packets.first { $0.host == home.nat }?.payload.text.contains("203.0.113.7:5060") == true)
    let rewrites = events.compactMap { if case .rewrote(let report, _, _) = $0 { report.message } else { nil } }
    #expect(rewrites == ["OPTIONS"])
  }

  @Test func `over a stream on port 5060 it does the same, and what is not SIP passes`() {
    let home = home(.well)
    home.simulation.command(HostID(0)) { _, out in out.open(ConnectionID(2), to: TransportAddress(alice, port: 5060)) }
    home.settle()
    let tls = "\u{16}\u{3}\u{1} 10.0.0.1"
    let stream = text.replacing("10.0.0.1;", with: "10.0.0.1:49152;")
    for bytes in [stream, tls] { home.simulation.command(HostID(0)) { _, out in out.bytes(ConnectionID(2), Bytes(bytes), .none) } }
    home.settle()
    let received = home.sink.packets.filter { $0.host == HostID(2) && $0.direction == .received && !$0.payload.isEmpty }.map(\.payload.text)
    #expect(received == [stream.replacing("10.0.0.1:49152", with: "203.0.113.7:49152"), tls])
  }

  @Test func `each side of a gateway has its own bytes and sequence numbers, and each side's add up (RFC 9293 §3.4)`() {
    let home = home(.well)
    home.simulation.command(HostID(0)) { _, out in out.open(ConnectionID(2), to: TransportAddress(alice, port: 5060)) }
    home.settle()
    let request = text.replacing("10.0.0.1;", with: "10.0.0.1:49152;")
    let via = "Via: SIP/2.0/TCP 203.0.113.7:49152;branch=z9hG4bK1;received=203.0.113.7"
    let response = "SIP/2.0 200 OK\r\n\(via)\r\nContent-Length: 0\r\n\r\n"
    for _ in 0..<3 {
      home.simulation.command(HostID(0)) { _, out in out.bytes(ConnectionID(2), Bytes(request), .none) }
      home.settle()
      home.simulation.command(HostID(2)) { _, out in out.bytes(ConnectionID(1), Bytes(response), .none) }
      home.settle()
    }
    for (host, out, back) in [
      (HostID(0), request.utf8.count, response.utf8.count - 6), (HostID(2), request.utf8.count + 3, response.utf8.count),
    ] {
      var (next, acknowledged): ([IPAddress: UInt32], [IPAddress: UInt32]) = ([:], [:])
      for packet in home.sink.packets where packet.host == host {
        guard case .tcp(let segment) = packet.carrier else { continue }
        let source = packet.source.address
        let length = UInt32(packet.payload.count) + (segment.flags.contains(.syn) ? 1 : 0)
        if let expected = next[source] { #expect(segment.sequence == expected) }
        next[source] = segment.sequence &+ length
        if segment.flags.contains(.ack) { acknowledged[source] = segment.acknowledgement }
      }
      #expect(Set(acknowledged.values) == Set(next.values), "what each has sent last is acknowledged by the other")
      let lengths = home.sink.packets.filter { $0.host == host && !$0.payload.isEmpty }.map(\.payload.count)
      #expect(lengths == [out, back, out, back, out, back])
    }
  }

  @Test func `a response from inside keeps the Via of the client outside, whatever its rport (RFC 3261 §8.2.6.2)`() {
    let via = "Via: SIP/2.0/UDP 198.51.100.10;branch=z9hG4bK2;received=198.51.100.10;rport=5060"
    let answer = "SIP/2.0 200 OK\r\n\(via)\r\nContent-Length: 0\r\n\r\n"
    #expect(out(.well, answer) == nil)
  }

  @Test func `a message that a bad gateway has changed is labelled as broken, one of a good gateway is not`() {
    for (habit, isBroken) in [(SIPALG.Habit.well, false), (.connectionOnly, true)] {
      let home = home(habit)
      home.send(0, text, to: alice)
      home.settle()
      #expect(home.sink.packets.last?.label.isDeliberatelyBroken == isBroken)
    }
  }
}
