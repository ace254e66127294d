import LabBench
import SansIO
import Testing

@testable import Inspection

/// Faults that an expert names by what a dialog's packets show together. Each with a healthy twin.
@Suite struct DialogFaultTests {
  private let talk = Talk()
  private let offer = Talk.sdp(alice, 10_000)
  private let answer = Talk.sdp(bob, 20_000)
  private let inside = IPAddress(v4: 0xC0A8_010A)

  // MARK: - Offers that are refused

  private func refused(_ offer: String, _ status: String = "488 Not Acceptable Here", body: String = "", into packets: inout Packets) {
    let own = Talk(callID: "refused")
    packets.udp(alice, to: bob, own.request("INVITE", cseq: 1, branch: "r1", sdp: offer))
    packets.udp(bob, to: alice, own.response(status, cseq: 1, "INVITE", branch: "r1", sdp: body))
    packets.udp(alice, to: bob, own.request("ACK", cseq: 1, branch: "r1", inDialog: true))
  }

  private func why(_ offer: String, _ status: String = "488 Not Acceptable Here", body: String = "", beside answer: String? = nil) throws
    -> String
  {
    var packets = Packets()
    if let answer {
      packets.establish(answer: answer)
      packets.hangUp()
    }
    refused(offer, status, body: body, into: &packets)
    let text = try #require(try packets.report().finding("call-refused")).text
    return text.split(separator: "; ", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
  }

  @Test func `a refused offer is named with what it lacks, and with what the same host took elsewhere (RFC 3261 §21.4.26)`() throws {
    let closed = offer.replacing("m=audio 10000", with: "m=audio 0")
    #expect(try why(closed) == "the m= line of the offer has port 0, so that it offers nothing")
    #expect(try why(offer) == "the offer has RTP/AVP with PCMU")
    let secure = offer.replacing("RTP/AVP", with: "RTP/SAVP")
      .replacing("a=sendrecv", with: "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\na=sendrecv")
    #expect(try why(secure, beside: answer) == "the offer has RTP/SAVP, the same host took RTP/AVP in frame 3")
    #expect(try why(Talk.sdp(alice, 10_000, formats: "8 101"), beside: answer) == "the offer has PCMA, the same host took PCMU in frame 3")
    #expect(try why(offer, beside: answer) == "the offer has RTP/AVP with PCMU")
    #expect(try why(offer, body: Talk.sdp(bob, 20_000, formats: "8")) == "the offer has PCMU, the 488 says that PCMA is taken")
    #expect(try why(offer, "486 Busy Here") == "" && why(offer, "415 Unsupported Media Type") == "")
  }

  @Test func `T.38 that is refused leaves the call as it was (RFC 3264 §8)`() throws {
    func fax(hangsUp: Bool) throws -> InspectionFinding? {
      var packets = Packets()
      packets.establish()
      let image = "v=0\r\no=- 1 9 IN IP4 \(alice)\r\ns=-\r\nc=IN IP4 \(alice)\r\nt=0 0\r\nm=image 10002 udptl t38\r\n"
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: image))
      packets.udp(bob, to: alice, talk.response("488 Not Acceptable Here", cseq: 2, "INVITE"))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: 2, branch: "INVITE2", inDialog: true))
      packets.wait(hangsUp ? 100 : 5_000)
      packets.hangUp()
      return try packets.report().finding("refused-in-dialog")
    }
    let finding = try #require(try fax(hangsUp: false))
    #expect(finding.severity == .note && finding.frame == 6, "\(finding)")
    #expect(finding.text.hasSuffix("; T.38 is refused, the call goes on as audio"), "\(finding)")
    #expect(try fax(hangsUp: true)?.text.hasSuffix("; T.38 is refused") == true)
  }

  // MARK: - Private addresses

  /// A call of a host behind a NAT, as it is seen there.
  private func natted(
    contact: String = "192.168.1.10", media: String = "192.168.1.10", from host: IPAddress? = nil, to far: IPAddress = bob,
    hears: Bool = false, speaks: Bool = true
  ) -> Packets {
    let own = host ?? inside
    var talk = Talk()
    talk.hosts = (own, far)
    var packets = Packets()
    let offer = Talk.sdp(own, 10_000).replacing("c=IN IP4 \(own)", with: "c=IN IP4 \(media)")
    let invite = talk.request("INVITE", cseq: 1, sdp: offer)
    packets.udp(own, to: far, invite.replacing("Contact: <sip:user@\(own)", "Contact: <sip:user@\(contact)"))
    packets.udp(far, to: own, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(far, 20_000)))
    packets.udp(own, to: far, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
    packets.wait(20)
    if speaks { packets.rtp(own, 10_000, to: far, 20_000, count: 150) }
    if hears { packets.rtp(far, 20_000, to: own, 10_000, count: 150, ssrc: 8) }
    packets.wait(3_000)
    packets.udp(own, to: far, talk.request("BYE", cseq: 2, inDialog: true))
    packets.udp(far, to: own, talk.response("200 OK", cseq: 2, "BYE"))
    return packets
  }

  @Test func `private addresses named to the outside are one finding, and the missing audio follows from it (RFC 1918 §3)`() throws {
    let packets = natted()
    try packets.expect("private-from-inside", frame: 1, by: inside)
    let findings = try packets.report().findings
    #expect(findings.map(\.check) == ["private-from-inside", "one-way-audio"] && findings.last?.cause?.check == "private-from-inside")
    #expect(
      findings.first?.text
        == "INVITE from 192.168.1.10 to \(bob), which is outside its network, has the private address 192.168.1.10 in Contact and SDP: "
        + "what is sent to it does not arrive unless a NAT helper rewrites it")
    let shared = IPAddress(v4: 0x6440_0001)
    let carrier = natted(contact: "\(shared)", media: "\(shared)", from: shared)
    try carrier.expect("private-from-inside", frame: 1, by: shared)
    #expect(try carrier.report().finding("private-from-inside")?.rule == "RFC 6598 §4")
    try natted(contact: "203.0.113.9").expect("private-from-inside", frame: 1, by: inside)
  }

  @Test func `where RTP comes in, or both are of one network, nothing is wrong (RFC 1918 §3)`() throws {
    try natted(hears: true).expectNo("private-from-inside")
    try natted(speaks: false).expect("private-from-inside", frame: 1, by: inside, .note)
    let neighbour = IPAddress(v4: 0xC0A8_0201)
    try natted(to: neighbour, hears: true).expectNo("private-from-inside")
    #expect(try natted(to: neighbour).report().finding("private-from-inside") == nil)
    // Private networks may know each other.
    let other = IPAddress(v4: 0x0A00_0001)
    #expect(try natted(to: other).report().finding("private-from-inside")?.severity == .note)
    #expect(try natted(contact: "203.0.113.9", media: "203.0.113.9").report().finding("private-from-inside") == nil)
  }

  // MARK: - Branches and CANCEL

  /// A call that a proxy tries at one gateway, and then at another.
  private func fork(firstAnswers: Bool, copies: Int = 4, secondAnswers: Bool = true, until end: Int64 = 40_000) -> Packets {
    let passage = Passage()
    var packets = Packets()
    packets.udp(alice, to: proxy, passage.request("INVITE", 1, via: [(alice, "a1")], sdp: offer))
    packets.step(proxy, to: alice, passage.response("100 Trying", "INVITE", 1, via: [(alice, "a1")], to: nil))
    for copy in 0..<copies {
      packets.udp(proxy, to: carol, passage.request("INVITE", 1, via: [(proxy, "p1"), (alice, "a1")], sdp: offer))
      packets.wait(500 << Int64(copy))
    }
    if firstAnswers {
      packets.udp(
        carol, to: proxy, passage.response("503 Service Unavailable", "INVITE", 1, via: [(proxy, "p1"), (alice, "a1")], to: "c1"))
      packets.udp(proxy, to: carol, passage.request("ACK", 1, via: [(proxy, "p1")], to: "c1"))
    }
    let second: [Passage.Hop] = [(proxy, "p2"), (alice, "a1")]
    if secondAnswers {
      packets.udp(proxy, to: bob, passage.request("INVITE", 1, via: second, sdp: offer))
      packets.step(bob, to: proxy, passage.response("200 OK", "INVITE", 1, via: second, to: "b1", sdp: answer))
      packets.step(proxy, to: alice, passage.response("200 OK", "INVITE", 1, via: [(alice, "a1")], to: "b1", sdp: answer))
      packets.step(alice, to: bob, passage.request("ACK", 1, via: [(alice, "a2")], to: "b1"))
    } else {
      packets.udp(proxy, to: alice, passage.response("408 Request Timeout", "INVITE", 1, via: [(alice, "a1")], to: "p"))
      packets.udp(alice, to: proxy, passage.request("ACK", 1, via: [(alice, "a1")], to: "p"))
    }
    packets.wait(end)
    packets.udp(alice, to: bob, Talk(callID: "other").request("OPTIONS", cseq: 1))
    packets.udp(bob, to: alice, Talk(callID: "other").response("200 OK", cseq: 1, "OPTIONS"))
    return packets
  }

  @Test func `a branch that nobody answers is named, also where another one takes the call (RFC 3261 §17.1.1.2)`() throws {
    try fork(firstAnswers: false).expect("dead-branch", frame: 3, by: nil)
    let text = try fork(firstAnswers: false).report().finding("dead-branch")?.text
    #expect(text == "INVITE from \(proxy):5060 to \(carol):5060, sent 4 times, got no response at all")
    let failed = try fork(firstAnswers: false, secondAnswers: false).report().findings
    #expect(failed.map(\.check) == ["dead-branch", "call-refused"] && failed.last?.cause?.check == "dead-branch", "\(failed)")
  }

  @Test func `a branch that refuses, or that the capture does not follow, is none (RFC 3261 §16.7)`() throws {
    #expect(try fork(firstAnswers: true).report().finding("dead-branch") == nil)
    #expect(try fork(firstAnswers: false, copies: 1).report().finding("dead-branch") == nil, "no copy: its sender may have an answer")
    var one = Packets()
    one.answerThroughProxy()
    #expect(try one.report().finding("dead-branch") == nil)
  }

  private func cancelled(final: String? = nil, until end: Int64) -> Packets {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
    packets.udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE"))
    packets.wait(3_000)
    packets.udp(alice, to: bob, talk.request("CANCEL", cseq: 1, branch: "INVITE1"))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "CANCEL", branch: "INVITE1"))
    if let final {
      packets.udp(bob, to: alice, talk.response(final, cseq: 1, "INVITE"))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "INVITE1", inDialog: true))
    }
    packets.wait(end)
    packets.udp(alice, to: bob, Talk(callID: "other").request("OPTIONS", cseq: 1))
    packets.udp(bob, to: alice, Talk(callID: "other").response("200 OK", cseq: 1, "OPTIONS"))
    return packets
  }

  @Test func `an INVITE whose CANCEL was accepted ends (RFC 3261 §9.2)`() throws {
    try cancelled(until: 33_000).expect("cancel-without-end", frame: 4, by: bob)
    try cancelled(until: 20_000).expectNo("cancel-without-end")
    try cancelled(final: "487 Request Terminated", until: 33_000).expectNo("cancel-without-end")
  }

  // MARK: - The remote target

  /// A call with requests for these users and hosts.
  private func targets(ack: String, bye: String, contact: String? = nil, routes: [String] = []) -> Packets {
    var packets = Packets()
    func success(_ bytes: Bytes) -> Bytes { contact.map { bytes.replacing("user@\(bob)", $0) } ?? bytes }
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer, extra: routes))
    packets.udp(bob, to: alice, success(talk.response("200 OK", cseq: 1, "INVITE", sdp: answer, extra: routes)))
    let acknowledgement = talk.request("ACK", cseq: 1, branch: "ack", inDialog: true)
    packets.udp(alice, to: bob, acknowledgement.replacing("ACK sip:user@\(bob)", "ACK sip:\(ack)"))
    packets.wait(3_000)
    packets.udp(alice, to: bob, talk.request("BYE", cseq: 2, inDialog: true).replacing("BYE sip:user@\(bob)", "BYE sip:\(bye)"))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "BYE"))
    return packets
  }

  @Test func `ACK and BYE ask for the Contact of the 2xx (RFC 3261 §12.2.1.1)`() throws {
    let target = "user@\(bob)"
    try targets(ack: target, bye: target).expectNo("remote-target")
    try targets(ack: "bob@example.com", bye: target).expect("remote-target", frame: 3, by: alice)
    try targets(ack: target, bye: "bob@example.com").expect("remote-target", frame: 4, by: alice)
    let text = try #require(try targets(ack: "bob@example.com", bye: target).report().finding("remote-target")).text
    #expect(
      text == "ACK from \(alice):5060 asks for <sip:bob@example.com>; the other side's Contact is <sip:user@\(bob)>, by frame 2", "\(text)")
    try targets(ack: target, bye: "user@\(carol)").expect("remote-target", frame: 4, by: alice)
    try targets(ack: target, bye: "other@\(bob)").expect("remote-target", frame: 4, by: alice, .note)
  }

  @Test func `parameters, a NAT's address instead of a private Contact, and strict routers are right (RFC 3261 §12.2.1.1)`() throws {
    func found(_ packets: Packets) throws -> InspectionFinding? { try packets.report().finding("remote-target") }
    #expect(try found(targets(ack: "user@\(bob):5060", bye: "user@\(bob);transport=udp")) == nil)
    #expect(try found(targets(ack: "user@\(bob)", bye: "user@\(bob):5060", contact: "user@10.1.1.1")) == nil)
    let strict = ["Record-Route: <sip:\(proxy)>"]
    #expect(try found(targets(ack: "\(proxy)", bye: "\(proxy)", routes: strict)) == nil)
  }

  @Test func `a re-INVITE moves the target, and what is on its way goes to the one before (RFC 3261 §12.2.1.2)`() throws {
    func moved(after wait: Int64, to host: IPAddress) -> Packets {
      var packets = Packets()
      packets.establish()
      let offer = talk.request("INVITE", cseq: 1, inDialog: true, fromBob: true, sdp: answer)
      packets.udp(bob, to: alice, offer.replacing("user@\(bob)", "user@\(carol)"))
      packets.udp(alice, to: bob, talk.response("200 OK", cseq: 1, "INVITE", toBob: true, sdp: self.offer))
      packets.udp(bob, to: alice, talk.request("ACK", cseq: 1, branch: "ackb", inDialog: true, fromBob: true))
      packets.wait(wait)
      packets.udp(alice, to: bob, talk.request("BYE", cseq: 2, inDialog: true).replacing("BYE sip:user@\(bob)", "BYE sip:user@\(host)"))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "BYE"))
      return packets
    }
    #expect(try moved(after: 5_000, to: carol).report().finding("remote-target") == nil)
    #expect(try moved(after: 500, to: alice).report().finding("remote-target")?.frame == 8)
    #expect(try moved(after: 500, to: bob).report().finding("remote-target") == nil)
  }

  // MARK: - What began before the capture

  @Test func `a 2xx that is repeated without an ACK proves itself where its INVITE is not in the capture (RFC 3261 §13.3.1.4)`() throws {
    func repeated(_ copies: Int, hasACK: Bool = false) throws -> InspectionFinding? {
      var packets = Packets()
      for _ in 0..<copies {
        packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
        packets.wait(4_000)
      }
      if hasACK { packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true)) }
      return try packets.report().finding("no-ack")
    }
    let finding = try #require(try repeated(8))
    #expect(finding.severity == .warning && finding.frame == 1 && finding.rule == "RFC 3261 §13.3.1.4")
    #expect(try repeated(4) == nil && repeated(8, hasACK: true) == nil)
  }

  @Test func `a BYE or REGISTER sent until Timer F has no answer, however soon the capture ends (RFC 3261 §17.1.2.2)`() throws {
    func sent(_ method: String, _ copies: Int) throws -> [String] {
      var packets = Packets()
      if method == "BYE" { packets.establish() }
      for _ in 0..<copies {
        packets.udp(alice, to: bob, talk.request(method, cseq: 2, inDialog: method == "BYE"))
        packets.wait(2_500)
      }
      return try packets.report().findings.filter { $0.severity == .error }.map(\.check)
    }
    #expect(try sent("BYE", 11) == ["unanswered-request"] && sent("BYE", 5) == [])
    #expect(try sent("REGISTER", 11) == ["no-final-response"] && sent("REGISTER", 5) == [])
  }
}
