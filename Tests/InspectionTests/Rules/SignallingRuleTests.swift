import LabBench
import SansIO
import Testing

@testable import Inspection

/// Tags, glare, credentials, Vias and the first 200 ms: a capture that breaks each rule, and one beside it that does not.
@Suite struct SignallingRuleTests {
  private let talk = Talk()
  private let offer = Talk.sdp(alice, 10_000)
  private let answer = Talk.sdp(bob, 20_000)

  private func ack(_ cseq: Int, branch: String? = nil, fromBob: Bool = false) -> Bytes {
    talk.request("ACK", cseq: cseq, branch: branch ?? "ack\(cseq)\(fromBob)", inDialog: true, fromBob: fromBob)
  }

  /// A call that is up, four frames long.
  private func call(version: UInt32? = nil) -> Packets {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000, version: version)))
    packets.udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE"))
    packets.wait(10)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
    packets.udp(alice, to: bob, ack(1))
    packets.wait(10)
    return packets
  }

  // MARK: - Tags

  @Test func `a request within a dialog has both of its tags (RFC 3261 §12.2.1.1)`() throws {
    func ended(byBob: Bool = false, _ change: (Bytes) -> Bytes) -> Packets {
      var packets = call()
      let bye = talk.request("BYE", cseq: 2, inDialog: true, fromBob: byBob)
      packets.udp(byBob ? bob : alice, to: byBob ? alice : bob, change(bye))
      packets.udp(byBob ? alice : bob, to: byBob ? bob : alice, change(talk.response("200 OK", cseq: 2, "BYE", toBob: byBob)))
      return packets
    }
    try ended { $0 }.expectNo("dialog-tags")
    try ended(byBob: true) { $0 }.expectNo("dialog-tags")
    try ended { $0.replacing(";tag=a1", ";tag=a2") }.expect("dialog-tags", frame: 5, by: alice)
    try ended { $0.replacing(";tag=b1", ";tag=b2") }.expect("dialog-tags", frame: 5, by: alice)
    try ended { $0.replacing(";tag=b1", "") }.expect("dialog-tags", frame: 5, by: alice)
    try ended(byBob: true) { $0.replacing(";tag=b1", ";tag=b2") }.expect("dialog-tags", frame: 5, by: bob)
    try ended(byBob: true) { $0.replacing(";tag=a1", "") }.expect("dialog-tags", frame: 5, by: bob)
  }

  @Test func `the tags of another branch, and of a dialog that was not seen to begin, are nobody's mistake (RFC 3261 §12.1)`() throws {
    var forked = Packets()
    let other = Talk(bobTag: "c1")
    forked.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
    for branch in [talk, other] { forked.udp(bob, to: alice, branch.response("180 Ringing", cseq: 1, "INVITE")) }
    forked.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
    forked.udp(alice, to: bob, ack(1))
    for branch in [other, talk] {
      forked.udp(alice, to: bob, branch.request("BYE", cseq: 2, branch: "bye\(branch.bobTag)", inDialog: true))
      forked.udp(bob, to: alice, branch.response("200 OK", cseq: 2, "BYE", branch: "bye\(branch.bobTag)"))
    }
    #expect(try forked.report().finding("dialog-tags") == nil)
    var late = Packets()
    late.udp(alice, to: bob, talk.request("BYE", cseq: 2, inDialog: true))
    late.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "BYE"))
    #expect(try late.report().finding("dialog-tags") == nil)
  }

  // MARK: - Glare

  /// Both offer at once; Alice made the Call-ID, and gets 491 for hers, as Bob may for his. Who was refused comes again.
  private func glare(bobs status: String = "491 Request Pending", again: Int64? = nil, byBob: Bool = false) -> Packets {
    var packets = call()
    packets.udp(bob, to: alice, talk.request("INVITE", cseq: 1, inDialog: true, fromBob: true, sdp: answer))
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: offer))
    packets.udp(bob, to: alice, talk.response(status, cseq: 2, "INVITE"))
    packets.udp(alice, to: bob, ack(2, branch: "INVITE2"))
    packets.udp(alice, to: bob, talk.response("491 Request Pending", cseq: 1, "INVITE", toBob: true))
    packets.udp(bob, to: alice, ack(1, branch: "INVITE1b", fromBob: true))
    guard let again else { return packets }
    packets.wait(again)
    let cseq = byBob ? 2 : 3
    let (from, to) = byBob ? (bob, alice) : (alice, bob)
    packets.udp(from, to: to, talk.request("INVITE", cseq: cseq, inDialog: true, fromBob: byBob, sdp: byBob ? answer : offer))
    packets.udp(to, to: from, talk.response("200 OK", cseq: cseq, "INVITE", toBob: byBob, sdp: byBob ? offer : answer))
    packets.udp(from, to: to, ack(cseq, fromBob: byBob))
    return packets
  }

  @Test func `an INVITE that crosses one's own is refused with 491 (RFC 3261 §14.2)`() throws {
    try glare().seen(by: bob).expectNo("glare-not-refused")
    try glare(bobs: "488 Not Acceptable Here").seen(by: bob).expect("glare-not-refused", frame: 7, by: bob)
    #expect(try glare(bobs: "488 Not Acceptable Here").report().finding("glare-not-refused") == nil, "the order is Bob's alone")
    #expect(try glare(bobs: "488 Not Acceptable Here").seen(by: alice).report().finding("glare-not-refused") == nil)
  }

  @Test func `after 491 the owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s (RFC 3261 §14.1)`() throws {
    for wait in [2_200, 3_900] as [Int64] { try glare(again: wait).seen(by: alice).expectNo("glare-wait") }
    for wait in [10, 1_900] as [Int64] { try glare(again: wait, byBob: true).seen(by: bob).expectNo("glare-wait") }
    for wait in [1_000, 4_500] as [Int64] { try glare(again: wait).seen(by: alice).expect("glare-wait", frame: 11, by: alice) }
    try glare(again: 3_000, byBob: true).seen(by: bob).expect("glare-wait", frame: 11, by: bob)
    try glare(again: 1_000).expect("glare-wait", frame: 11, by: alice, .note)
    #expect(try glare(again: 3_000, byBob: true).report().finding("glare-wait") == nil, "what its way took is not known")
    #expect(try glare(again: 60_000).seen(by: alice).report().finding("glare-wait") == nil, "a change of its own")
  }

  // MARK: - Credentials

  private func asked(_ credentials: String) -> Packets {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("REGISTER", cseq: 1))
    let challenge = "WWW-Authenticate: Digest realm=\"lab\", nonce=\"n\", qop=\"auth\""
    packets.udp(bob, to: alice, talk.response("401 Unauthorized", cseq: 1, "REGISTER", extra: [challenge]))
    let own = "Authorization: Digest username=\"a\", uri=\"sip:x\", response=\"0\", nonce=\"n\", \(credentials)"
    packets.udp(alice, to: bob, talk.request("REGISTER", cseq: 2, extra: [own]))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "REGISTER", extra: ["Expires: 60"]))
    return packets
  }

  @Test func `credentials have the realm of the challenge, and with qop a cnonce and a count (RFC 7616 §3.4)`() throws {
    try asked("realm=\"lab\", qop=auth, cnonce=\"c\", nc=00000001").expectNo("credentials")
    try asked("realm=\"lab\"").expectNo("credentials")
    try asked("realm=\"lab\", qop=auth, nc=00000001").expect("credentials", frame: 3, by: alice)
    try asked("realm=\"lab\", qop=auth, cnonce=\"c\"").expect("credentials", frame: 3, by: alice)
    try asked("realm=\"other\", qop=auth, cnonce=\"c\", nc=00000001").expect("credentials", frame: 3, by: alice)
  }

  // MARK: - Responses

  @Test func `a response has the Vias of its request in their order (RFC 3261 §8.2.6.2)`() throws {
    let passage = Passage()
    func passed(_ vias: [Passage.Hop]) -> Packets {
      var packets = Packets()
      let both: [Passage.Hop] = [(proxy, "p"), (alice, "a")]
      packets.step(proxy, to: bob, passage.request("OPTIONS", 1, via: both))
      packets.step(bob, to: proxy, passage.response("200 OK", "OPTIONS", 1, via: vias, to: "b1"))
      return packets
    }
    try passed([(proxy, "p"), (alice, "a")]).expectNo("response-vias")
    try passed([(alice, "a"), (proxy, "p")]).expect("response-vias", frame: 2, by: bob)
  }

  @Test func `an INVITE gets a response within 200 ms, as the tap of who is asked shows (RFC 3261 §17.2.1)`() throws {
    func answered(after milliseconds: Int64, trying: Bool = false) -> Packets {
      var packets = Packets()
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
      packets.wait(200)
      if trying { packets.udp(bob, to: alice, talk.response("100 Trying", cseq: 1, "INVITE")) }
      packets.wait(milliseconds - 200)
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
      packets.udp(alice, to: bob, ack(1))
      return packets
    }
    try answered(after: 210).seen(by: bob).expectNo("no-trying")
    try answered(after: 2_000, trying: true).seen(by: bob).expectNo("no-trying")
    try answered(after: 2_000).seen(by: bob).expect("no-trying", frame: 2, by: bob)
    for packets in [answered(after: 2_000), answered(after: 2_000).seen(by: alice)] { try packets.expectNo("no-trying") }
  }

  @Test func `a response goes to where its request came from, and not to a Contact (RFC 3261 §18.2.2, RFC 3581 §4)`() throws {
    func gone(to port: UInt16) throws -> InspectionFinding? {
      var packets = Packets()
      let request = talk.request("OPTIONS", cseq: 1).replacing(";branch", ";rport;branch")
      packets.udp(alice, 7_000, to: bob, 5_060, request)
      packets.udp(bob, 5_060, to: alice, port, talk.response("200 OK", cseq: 1, "OPTIONS").replacing(";branch", ";rport=7000;branch"))
      return try packets.report().finding("response-destination")
    }
    #expect(try gone(to: 7_000) == nil)
    #expect(try gone(to: 5_060)?.rule == "RFC 3581 §4", "the port of the Via")
    #expect(try gone(to: 5_999)?.rule == "RFC 3261 §18.2.2")
  }

  // MARK: - Descriptions

  @Test func `the tap of its writer shows that an o= line keeps its session id, and its version grows by one (RFC 3264 §8)`() throws {
    func changed(_ line: String) -> Packets {
      var packets = call(version: 7)
      let change = Talk.sdp(alice, 10_002, version: 8).replacing("o=- 1 8", with: line)
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: change))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "INVITE", sdp: answer))
      packets.udp(alice, to: bob, ack(2))
      return packets
    }
    try changed("o=- 1 8").seen(by: alice).expectNo("origin-version")
    for line in ["o=- 1 17", "o=- 1 6", "o=- 2 8"] {
      try changed(line).seen(by: alice).expect("origin-version", frame: 5, by: alice, .warning)
      try changed(line).expect("origin-version", frame: 5, by: alice, .note)
    }
  }

  @Test func `another answer than the one before the 2xx is who answers' mistake at its own tap (RFC 3261 §13.2.1)`() throws {
    func second(_ port: UInt16) -> Packets {
      var packets = Packets()
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
      packets.udp(bob, to: alice, talk.response("183 Session Progress", cseq: 1, "INVITE", sdp: answer))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, port)))
      packets.udp(alice, to: bob, ack(1))
      return packets
    }
    try second(20_000).seen(by: bob).expectNo("second-answer")
    try second(20_002).seen(by: bob).expect("second-answer", frame: 3, by: bob)
    try second(20_002).seen(by: alice).expect("second-answer", frame: 3, by: bob, .note)
  }
}
