import LabBench
import SansIO
import Testing

@testable import Inspection

/// What requests and responses are held to hop by hop: a capture that breaks each rule, and one beside it that does not.
@Suite struct TransactionRuleTests {
  private let talk = Talk()
  private let offer = Talk.sdp(alice, 10_000)
  private let answer = Talk.sdp(bob, 20_000)

  private func invite(_ change: (Bytes) -> Bytes = { $0 }) -> Packets {
    var packets = Packets()
    packets.udp(alice, to: bob, change(talk.request("INVITE", cseq: 1, sdp: offer)))
    packets.wait(10)
    return packets
  }

  // MARK: - CANCEL and ACK

  /// A call that is cancelled while it rings; the CANCEL is changed.
  private func cancelled(status: String = "200 OK", _ change: (Bytes) -> Bytes) -> Packets {
    var packets = invite()
    packets.udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE"))
    let cancel = change(talk.request("CANCEL", cseq: 1, branch: "INVITE1"))
    packets.udp(alice, to: bob, cancel)
    packets.udp(bob, to: alice, talk.response(status, cseq: 1, "CANCEL", branch: "INVITE1"))
    packets.udp(bob, to: alice, talk.response("487 Request Terminated", cseq: 1, "INVITE"))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "INVITE1", inDialog: true))
    return packets
  }

  @Test func `a CANCEL has the branch, the number and the target of its INVITE (RFC 3261 §9.1)`() throws {
    try cancelled { $0 }.expectNo("cancel-branch")
    let stray = cancelled(status: "481 Call/Transaction Does Not Exist") { $0.replacing("z9hG4bKINVITE1", "z9hG4bKother") }
    try stray.expect("cancel-branch", frame: 3, by: alice)
    let text = try stray.report().finding("cancel-branch")?.text
    #expect(text?.hasSuffix("its branch is not that of the INVITE in frame 1") == true, "the cause, and not its 481")
    try cancelled { $0.replacing("CSeq: 1 CANCEL", "CSeq: 2 CANCEL") }.expect("cancel-sequence", frame: 3, by: alice)
    try cancelled { $0.replacing("CANCEL sip:bob@", "CANCEL sip:carol@") }.expect("cancel-target", frame: 3, by: alice)
    try cancelled { $0.replacing(";tag=a1", ";tag=a2") }.expect("cancel-target", frame: 3, by: alice)
  }

  private func acknowledged(_ status: String, _ ack: Bytes) -> Packets {
    var packets = invite()
    packets.udp(bob, to: alice, talk.response(status, cseq: 1, "INVITE", sdp: status.hasPrefix("2") ? answer : ""))
    packets.udp(alice, to: bob, ack)
    return packets
  }

  @Test func `the ACK of a refusal has its INVITE's branch, that of a 2xx its own (RFC 3261 §17.1.1.3, §13.2.2.4)`() throws {
    let refusal = "486 Busy Here"
    try acknowledged(refusal, talk.request("ACK", cseq: 1, branch: "INVITE1", inDialog: true)).expectNo("ack-branch")
    try acknowledged(refusal, talk.request("ACK", cseq: 1, branch: "other", inDialog: true)).expect("ack-branch", frame: 3, by: alice)
    try acknowledged("200 OK", talk.request("ACK", cseq: 1, branch: "other", inDialog: true)).expectNo("ack-branch")
    try acknowledged("200 OK", talk.request("ACK", cseq: 1, branch: "INVITE1", inDialog: true))
      .expect("ack-branch", frame: 3, by: alice, .warning)
  }

  @Test func `an ACK has the number of its INVITE (RFC 3261 §13.2.2.4)`() throws {
    try acknowledged("200 OK", talk.request("ACK", cseq: 1, branch: "ack", inDialog: true)).expectNo("ack-sequence")
    try acknowledged("200 OK", talk.request("ACK", cseq: 2, branch: "ack", inDialog: true)).expect("ack-sequence", frame: 3, by: alice)
  }

  @Test func `CANCEL and ACK have a Max-Forwards as every request has (RFC 3261 §8.1.1.6)`() throws {
    try cancelled { $0.replacing("Max-Forwards: 70\r\n", "") }.expect("message-form", frame: 3, by: alice, .warning)
    let ack = talk.request("ACK", cseq: 1, branch: "ack", inDialog: true).replacing("Max-Forwards: 70\r\n", "")
    try acknowledged("200 OK", ack).expect("message-form", frame: 3, by: alice, .warning)
  }

  @Test func `a 2xx to a re-INVITE has a Contact as the first has (RFC 3261 §12.1.1)`() throws {
    for isMissing in [false, true] {
      var packets = Packets()
      packets.establish()
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: offer))
      let success = talk.response("200 OK", cseq: 2, "INVITE", sdp: answer)
      packets.udp(bob, to: alice, isMissing ? success.replacing("Contact: <sip:user@\(bob)>\r\n", "") : success)
      packets.udp(alice, to: bob, talk.request("ACK", cseq: 2, branch: "ack2", inDialog: true))
      if isMissing { try packets.expect("contact-missing", frame: 6, by: bob) } else { try packets.expectNo("contact-missing") }
    }
  }

  // MARK: - Branches and nonces

  @Test func `a branch is used once, by whichever dialog (RFC 3261 §8.1.1.7)`() throws {
    func two(_ branches: [String]) -> Packets {
      var packets = Packets()
      for (index, branch) in branches.enumerated() {
        let own = Talk(callID: "c\(index)")
        packets.udp(alice, to: bob, own.request("INVITE", cseq: 1, sdp: offer))
        packets.udp(bob, to: alice, own.response("200 OK", cseq: 1, "INVITE", sdp: answer))
        packets.udp(alice, to: bob, own.request("ACK", cseq: 1, branch: branch, inDialog: true))
        packets.wait(10)
      }
      return packets
    }
    try two(["x", "y"]).expectNo("branch-reused")
    try two(["x", "x"]).expect("branch-reused", frame: 6, by: alice)
  }

  @Test func `the count of a nonce grows with each use (RFC 7616 §3.4)`() throws {
    func use(_ counts: [String]) -> Packets {
      var packets = Packets()
      for (index, count) in counts.enumerated() {
        let credentials =
          #"Authorization: Digest username="a",realm="r",nonce="n",uri="sip:x",response="0",qop=auth,cnonce="c",nc=\#(count)"#
        packets.udp(alice, to: bob, talk.request("OPTIONS", cseq: index + 1, extra: [credentials]))
        packets.udp(bob, to: alice, talk.response("200 OK", cseq: index + 1, "OPTIONS"))
      }
      return packets
    }
    try use(["00000001", "00000002"]).expectNo("nonce-count")
    try use(["00000001", "00000001"]).expect("nonce-count", frame: 3, by: alice)
    try use(["00000003", "00000002"]).expect("nonce-count", frame: 3, by: alice, .warning)
  }

  // MARK: - The way back

  private func answered(_ request: (Bytes) -> Bytes, _ response: (Bytes) -> Bytes, from: UInt16 = 5_060, to: UInt16 = 5_060) -> Packets {
    var packets = Packets()
    packets.udp(alice, from, to: bob, 5_060, request(talk.request("OPTIONS", cseq: 1)))
    packets.udp(bob, 5_060, to: alice, to, response(talk.response("200 OK", cseq: 1, "OPTIONS")))
    return packets
  }

  @Test func `a response says where its request came from, and goes there (RFC 3261 §18.2.1, §18.2.2, RFC 3581 §4)`() throws {
    let (via, named) = ("\(alice):5060;branch", "sip.example.com:5060;branch")
    try answered({ $0 }, { $0 }).expectNo("via-received")
    let elsewhere = { (bytes: Bytes) in bytes.replacing(via, "\(carol):5060;branch") }
    try answered(elsewhere, elsewhere).expect("via-received", frame: 2, by: bob)
    try answered(elsewhere, { elsewhere($0).replacing("branch=", "received=\(alice);branch=") }).expectNo("via-received")
    try answered(elsewhere, { elsewhere($0).replacing("branch=", "received=\(bob);branch=") }).expect("via-received", frame: 2, by: bob)
    let name = { (bytes: Bytes) in bytes.replacing(via, named) }
    try answered(name, name).expectNo("via-received")
    let port = { (bytes: Bytes) in bytes.replacing("branch=", "rport;branch=") }
    let filled = { (bytes: Bytes) in bytes.replacing("branch=", "rport=6000;received=\(alice);branch=") }
    try answered(port, filled, from: 6_000, to: 6_000).expectNo("via-received")
    try answered(port, filled, from: 6_001, to: 6_001).expect("via-received", frame: 2, by: bob)
    try answered(port, filled, from: 6_000, to: 5_060).expect("response-destination", frame: 2, by: bob)
    try answered({ $0 }, { $0 }, from: 6_000, to: 6_000).expectNo("response-destination")
    try answered({ $0 }, { $0 }, from: 6_000, to: 6_002).expect("response-destination", frame: 2, by: bob)
  }

  @Test func `a response has the Vias of its request, and a single one at its client (RFC 3261 §8.2.6.2, §8.1.3.3)`() throws {
    let second = "Via: SIP/2.0/UDP \(carol):5060;branch=z9hG4bKc\r\nFrom:"
    let add = { (bytes: Bytes) in bytes.replacing("From:", second) }
    try answered({ $0 }, add).expect("response-with-several-vias", frame: 2, by: bob)
    try answered(add, add).expectNo("response-vias")
    try answered(add, { $0 }).expect("response-vias", frame: 2, by: bob)
  }

  @Test func `Contacts of calls to sips URIs are sips URIs (RFC 3261 §8.1.1.8, §12.1.1)`() throws {
    let secure = { (bytes: Bytes) in bytes.replacing("sip:user@", "sips:user@") }
    func call(_ request: (Bytes) -> Bytes, _ response: (Bytes) -> Bytes) -> Packets {
      var packets = invite { request($0.replacing("INVITE sip:", "INVITE sips:")) }
      packets.udp(bob, to: alice, response(talk.response("200 OK", cseq: 1, "INVITE", sdp: answer)))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
      return packets
    }
    // Over UDP it is wrong for another reason.
    #expect(try !call(secure, secure).report().findings.contains { $0.check.hasSuffix("contact-sips") })
    try call({ $0 }, secure).expect("request-contact-sips", frame: 1, by: alice)
    try call(secure, { $0 }).expect("response-contact-sips", frame: 2, by: bob)
  }

  @Test func `a request for a sips URI does not go over UDP (RFC 3261 §26.2.2)`() throws {
    try invite { $0.replacing("INVITE sip:", "INVITE sips:") }.expect("sips-over-udp", frame: 1, by: alice)
    try invite { $0 }.expectNo("sips-over-udp")
  }

  @Test func `a proxy's Record-Route in an INVITE for a sips URI is a sips URI, and is its sender's where it names it (RFC 3261 §16.6)`()
    throws
  {
    func routed(_ scheme: String, _ host: String, for uri: String) -> Packets {
      let route = "Max-Forwards: 70\r\nRecord-Route: <\(scheme):\(host);lr>"
      return invite { $0.replacing("INVITE sip:", "INVITE \(uri):").replacing("Max-Forwards: 70", route) }
    }
    try routed("sip", "\(alice)", for: "sips").expect("record-route-sips", frame: 1, by: alice)
    try routed("sip", "203.0.113.99", for: "sips").expect("record-route-sips", frame: 1, by: nil)
    for (scheme, uri) in [("sips", "sips"), ("sip", "sip")] {
      #expect(try !routed(scheme, "\(alice)", for: uri).report().findings.contains { $0.check == "record-route-sips" })
    }
  }

  // MARK: - Connections

  /// An OPTIONS over TCP, its answer on a connection of its own or not, and a second one.
  private func streams(answerFrom: UInt16, answerTo: UInt16, second: UInt16? = nil) -> Packets {
    let talk = Talk(transport: "TCP")
    var packets = Packets()
    let request = talk.request("INFO", cseq: 1, inDialog: true)
    let response = talk.response("200 OK", cseq: 1, "INFO")
    packets.tcp(alice, 40_000, to: bob, 5_060, [.syn], at: 0)
    packets.tcp(alice, 40_000, to: bob, 5_060, at: 1, request)
    if answerFrom != 5_060 { packets.tcp(bob, answerFrom, to: alice, answerTo, [.syn], at: 0) }
    packets.tcp(bob, answerFrom, to: alice, answerTo, at: 1, response)
    guard let second else { return packets }
    if second != 40_000 { packets.tcp(alice, second, to: bob, 5_060, [.syn], at: 0) }
    packets.tcp(
      alice, second, to: bob, 5_060, at: second == 40_000 ? 1 + UInt32(request.count) : 1, talk.request("INFO", cseq: 2, inDialog: true))
    return packets
  }

  @Test func `a response goes back on its request's connection, and requests use the one there is (RFC 3261 §18.2.2, RFC 5923 §1)`() throws
  {
    try streams(answerFrom: 5_060, answerTo: 40_000).expectNo("response-connection")
    try streams(answerFrom: 50_000, answerTo: 5_060).expect("response-connection", frame: 4, by: bob)
    try streams(answerFrom: 5_060, answerTo: 40_000, second: 40_000).expectNo("needless-connection")
    try streams(answerFrom: 5_060, answerTo: 40_000, second: 40_001).expect("needless-connection", frame: 5, by: alice)
  }

  @Test func `behind the end of a connection a request needs another one, whatever is still said on the first (RFC 9293 §3.6)`() throws {
    let talk = Talk(transport: "TCP")
    func ended(by ends: [(IPAddress, TCPSegment.Flags)]) -> Packets {
      var packets = Packets()
      let request = talk.request("INFO", cseq: 1, inDialog: true)
      packets.tcp(alice, 40_000, to: bob, 5_060, [.syn], at: 0)
      packets.tcp(alice, 40_000, to: bob, 5_060, at: 1, request)
      packets.tcp(bob, 5_060, to: alice, 40_000, at: 1, talk.response("200 OK", cseq: 1, "INFO"))
      for (host, flags) in ends {
        packets.tcp(host, host == alice ? 40_000 : 5_060, to: host == alice ? bob : alice, host == alice ? 5_060 : 40_000, flags, at: 2_000)
      }
      packets.tcp(alice, 40_001, to: bob, 5_060, [.syn], at: 0)
      packets.tcp(alice, 40_001, to: bob, 5_060, at: 1, talk.request("INFO", cseq: 2, inDialog: true))
      return packets
    }
    try ended(by: [(alice, [.ack])]).expect("needless-connection", frame: 6, by: alice)
    try ended(by: [(bob, [.fin, .ack])]).expectNo("needless-connection")
    try ended(by: [(bob, [.fin, .ack]), (alice, [.fin, .ack]), (bob, [.ack])]).expectNo("needless-connection")
    try ended(by: [(bob, [.fin, .ack]), (alice, [.fin, .ack]), (bob, [.ack]), (alice, [.rst])]).expectNo("needless-connection")
  }
}
