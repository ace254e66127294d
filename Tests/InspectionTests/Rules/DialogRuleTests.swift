import LabBench
import SansIO
import Testing

@testable import Inspection

/// What dialogs and their offers and answers are held to: a capture that breaks each rule, and one beside it that does not.
@Suite struct DialogRuleTests {
  private let talk = Talk()
  private let offer = Talk.sdp(alice, 10_000)
  private let answer = Talk.sdp(bob, 20_000)

  private func ack(_ cseq: Int) -> Bytes { talk.request("ACK", cseq: cseq, branch: "ack\(cseq)", inDialog: true) }

  /// A call whose messages may be changed.
  private func call(
    _ request: (Bytes) -> Bytes = { $0 }, ringing: (Bytes) -> Bytes = { $0 }, _ success: (Bytes) -> Bytes = { $0 }
  ) -> Packets {
    var packets = Packets()
    packets.udp(alice, to: bob, request(talk.request("INVITE", cseq: 1, sdp: offer)))
    packets.udp(bob, to: alice, ringing(talk.response("180 Ringing", cseq: 1, "INVITE")))
    packets.wait(10)
    packets.udp(bob, to: alice, success(talk.response("200 OK", cseq: 1, "INVITE", sdp: answer)))
    packets.udp(alice, to: bob, ack(1))
    packets.wait(10)
    return packets
  }

  // MARK: - What makes a dialog

  @Test func `one callee has one To tag, and forks have several (RFC 3261 §8.2.6.2, §12.1.1)`() throws {
    let other = { (bytes: Bytes) in bytes.replacing(";tag=b1", ";tag=b1r") }
    try call().expectNo("tag-changes")
    try call(ringing: other).expect("tag-changes", frame: 3, by: bob)
    try call(ringing: { other($0).replacing("user@\(bob)", "user@\(carol)") }).expectNo("tag-changes")
  }

  @Test func `a 2xx has the Record-Route of its INVITE, in its order (RFC 3261 §12.1.1)`() throws {
    func routed(_ hosts: [IPAddress]) -> (Bytes) -> Bytes {
      { bytes in bytes.replacing("From:", hosts.map { "Record-Route: <sip:\($0);lr>\r\n" }.joined() + "From:") }
    }
    let asked = routed([proxy, carol])
    func route(_ packets: Packets) throws -> InspectionFinding? { try packets.report().finding("record-route") }
    #expect(try route(call(asked, routed([proxy, carol]))) == nil)
    #expect(try route(call(routed([carol]), routed([proxy, carol]))) == nil, "a proxy behind the capture adds its own")
    try call(asked, { $0 }).expect("record-route", frame: 3, by: bob)
    try call(asked, routed([carol, proxy])).expect("record-route", frame: 3, by: bob)
    try call(asked, routed([carol])).expect("record-route", frame: 3, by: bob)
  }

  @Test func `a 2xx makes a dialog (RFC 3261 §12.1.2)`() throws {
    try call { $0.replacing("From:", "Record-Route: nonsense\r\nFrom:") }.expect("message-unreadable", frame: 1, by: alice)
    try call({ $0 }, { $0.replacing("From:", "Record-Route: nonsense\r\nFrom:") }).expect("success-without-dialog", frame: 3, by: bob)
  }

  @Test func `a callee sends no BYE before its 2xx (RFC 3261 §15)`() throws {
    func ended(early: Bool) -> Packets {
      var packets = Packets()
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
      packets.udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE"))
      if !early {
        packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
        packets.udp(alice, to: bob, ack(1))
      }
      packets.hangUp(byBob: true)
      return packets
    }
    try ended(early: false).expectNo("bye-in-early-dialog")
    try ended(early: true).expect("bye-in-early-dialog", frame: 3, by: bob)
  }

  @Test func `no INVITE comes while another is in progress, and glare is none (RFC 3261 §14.1)`() throws {
    func overlap(_ second: Bytes, fromBob: Bool = false) -> Packets {
      var packets = call()
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: offer))
      packets.udp(fromBob ? bob : alice, to: fromBob ? alice : bob, second)
      return packets
    }
    try overlap(talk.request("INVITE", cseq: 3, inDialog: true, sdp: offer)).expect("invite-overlaps", frame: 6, by: alice)
    #expect(
      try overlap(talk.request("INVITE", cseq: 1, inDialog: true, fromBob: true, sdp: answer), fromBob: true).report()
        .finding("invite-overlaps") == nil)
    var early = Packets()
    early.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
    early.udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE"))
    early.udp(bob, to: alice, talk.request("INVITE", cseq: 1, inDialog: true, fromBob: true, sdp: answer))
    try early.expect("invite-overlaps", frame: 3, by: bob)
  }

  @Test func `an ACK shows that its INVITE had a final response, also where the capture has one direction alone (RFC 3261 §14.1)`() throws {
    var packets = Packets()
    for number in 1...3 {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: number, inDialog: number > 1, sdp: offer))
      packets.wait(5)
      packets.udp(alice, to: bob, ack(number))
      packets.wait(5)
    }
    #expect(try packets.report().finding("invite-overlaps") == nil)
  }

  @Test func `each request of a dialog has a number of its own (RFC 3261 §12.2.1.1)`() throws {
    func two(_ second: Int, branch: String, from port: UInt16 = 5_060) -> Packets {
      var packets = call()
      for (cseq, branch) in [(2, "i2"), (second, branch)] {
        packets.udp(alice, branch == "i2" ? 5_060 : port, to: bob, 5_060, talk.request("INFO", cseq: cseq, branch: branch, inDialog: true))
        packets.udp(bob, 5_060, to: alice, port, talk.response("200 OK", cseq: cseq, "INFO", branch: branch))
      }
      return packets
    }
    try two(3, branch: "i3").expectNo("cseq-not-higher")
    try two(2, branch: "i3").expect("cseq-not-higher", frame: 7, by: alice)
    #expect(try two(2, branch: "i2").report().finding("cseq-not-higher") == nil, "a copy")
  }

  @Test func `Require in a dialog names what the other side has (RFC 3261 §8.2.2.3)`() throws {
    func required(_ status: String) -> Packets {
      var packets = call()
      packets.udp(alice, to: bob, talk.request("INFO", cseq: 2, inDialog: true, extra: ["Require: nothing"]))
      packets.udp(bob, to: alice, talk.response(status, cseq: 2, "INFO", extra: ["Unsupported: nothing"]))
      return packets
    }
    try required("200 OK").expectNo("unknown-extension-required")
    try required("420 Bad Extension").expect("unknown-extension-required", frame: 5, by: alice)
  }

  // MARK: - Offer and answer

  @Test func `offers and answers can be used (RFC 3264 §5, §6)`() throws {
    let address = "c=IN IP4"
    try call({ $0.replacing("\(address) \(alice)\r\n", "") }).expect("offer-unusable", frame: 1, by: alice)
    try call({ $0 }, { $0.replacing("\(address) \(bob)\r\n", "") }).expect("answer-unusable", frame: 3, by: bob)
    try call({ $0 }, { $0.replacing("m=audio 20000", "m=audio 0") }).expect("answer-unusable", frame: 3, by: bob)
    try call({ $0.replacing("\(address) \(alice)", "\(address) media.example.com") }).expectNo("offer-unusable")
  }

  @Test func `a second answer is a copy of the first (RFC 3261 §13.2.1)`() throws {
    func two(_ statuses: [String], _ ports: [UInt16]) -> Packets {
      var packets = Packets()
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
      for (status, port) in zip(statuses, ports) {
        packets.udp(bob, to: alice, talk.response(status, cseq: 1, "INVITE", sdp: Talk.sdp(bob, port)))
        packets.wait(500)
      }
      packets.udp(alice, to: bob, ack(1))
      packets.udp(alice, to: bob, ack(1))
      return packets
    }
    let early = ["183 Session Progress", "200 OK"]
    try two(early, [20_000, 20_000]).expectNo("second-answer")
    try two(early, [30_000, 20_000]).expect("second-answer", frame: 3, by: bob, .note)
    try two(["200 OK", "200 OK"], [30_000, 20_000]).expect("second-answer", frame: 3, by: bob)
  }

  @Test func `an ACK brings no answer where there was one (RFC 3264 §4)`() throws {
    for body in ["", Talk.sdp(alice, 10_002)] {
      var packets = Packets()
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true, sdp: body))
      if body.isEmpty {
        try packets.expectNo("answer-without-offer")
      } else {
        try packets.expect("answer-without-offer", frame: 3, by: alice)
      }
    }
  }

  @Test func `a 2xx to an INVITE without an offer has one (RFC 3261 §13.2.1)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE"))
    packets.udp(alice, to: bob, ack(1))
    try packets.expect("offer-missing", frame: 2, by: bob)
  }

  @Test func `a new offer keeps the m= lines there were (RFC 3264 §8)`() throws {
    let video = "m=video 0 RTP/AVP 31\r\n"
    func change(_ offer: String) -> Packets {
      var packets = Packets()
      packets.establish(offer: self.offer + video, answer: answer + video)
      packets.reinvite(cseq: 2, offer: offer, answer: Talk.sdp(bob, 20_000, extra: "a=x\r\n") + (offer.contains("m=video") ? video : ""))
      return packets
    }
    try change(Talk.sdp(alice, 10_002) + video).expectNo("offer-drops-streams")
    try change(Talk.sdp(alice, 10_002)).expect("offer-drops-streams", frame: 5, by: alice)
  }

  @Test func `a dynamic format has the number of the offer (RFC 3264 §6.1)`() throws {
    func numbered(_ number: Int) -> Packets {
      call({ $0 }, { $0.replacing("0 101", "0 \(number)").replacing("rtpmap:101", "rtpmap:\(number)") })
    }
    try numbered(101).expectNo("answer-payload-number")
    try numbered(96).expect("answer-payload-number", frame: 3, by: bob)
  }

  @Test func `an answer leaves closed what the offer closed (RFC 3264 §6)`() throws {
    let closed = offer + "m=video 0 RTP/AVP 31\r\n"
    for port in [0, 30_000] {
      var packets = Packets()
      packets.establish(offer: closed, answer: answer + "m=video \(port) RTP/AVP 31\r\n")
      if port == 0 { try packets.expectNo("answer-reopens-stream") } else { try packets.expect("answer-reopens-stream", frame: 3, by: bob) }
    }
  }

  // MARK: - Registrations

  private func registered(
    _ status: String = "200 OK", expires: Int = 60, callID: String = "talk", at wait: Int64 = 0, _ change: (Bytes) -> Bytes = { $0 },
    into packets: inout Packets
  ) {
    let own = Talk(callID: callID)
    packets.wait(wait)
    packets.udp(alice, to: bob, own.request("REGISTER", cseq: 1, extra: ["Expires: \(expires)"]))
    packets.udp(bob, to: alice, change(own.response(status, cseq: 1, "REGISTER", extra: ["Expires: \(expires)"])))
  }

  @Test func `a 200 to REGISTER lists the bindings that there are (RFC 3261 §10.3)`() throws {
    let mine = "Contact: <sip:user@\(alice)>\r\n"
    let cases: [(Int, String, Bool)] = [
      (60, mine, true), (60, "", false), (60, "Contact: <sip:user@\(carol)>\r\n", false), (0, mine, false), (0, "", true),
    ]
    for (expires, list, isRight) in cases {
      var packets = Packets()
      registered(expires: expires, { $0.replacing(mine, list) }, into: &packets)
      if isRight { try packets.expectNo("listed-bindings") } else { try packets.expect("listed-bindings", frame: 2, by: bob) }
    }
  }

  @Test func `the Min-Expires of a 423 is above what was asked for (RFC 3261 §20.23)`() throws {
    for (minimum, isRight) in [("Min-Expires: 120\r\n", true), ("Min-Expires: 60\r\n", false), ("", false)] {
      var packets = Packets()
      registered("423 Interval Too Brief", { $0.replacing("Expires: 60\r\n", minimum) }, into: &packets)
      if isRight { try packets.expectNo("min-expires") } else { try packets.expect("min-expires", frame: 2, by: bob) }
    }
  }

  @Test func `a client keeps its Call-ID, and one that begins anew may change it once (RFC 3261 §10.2)`() throws {
    var packets = Packets()
    registered(callID: "r1", into: &packets)
    try packets.expectNo("register-identity")
    registered(callID: "r2", at: 30_000, into: &packets)
    try packets.expect("register-identity", frame: 3, by: alice, .note)
    registered(callID: "r3", at: 30_000, into: &packets)
    #expect(try packets.report().findings.contains { $0.check == "register-identity" && $0.severity == .warning && $0.frame == 5 })
    var later = Packets()
    registered(callID: "r1", into: &later)
    registered(callID: "r2", at: 61_000, into: &later)
    try later.expectNo("register-identity")
  }

  @Test func `a call to who registered asks for its Contact (RFC 3261 §16.5)`() throws {
    for user in ["alice", "user"] {
      var packets = Packets()
      registered(into: &packets)
      let own = Talk(callID: "call")
      let invite = own.request("INVITE", cseq: 1, fromBob: true, sdp: answer)
        .replacing("INVITE sip:alice@example.com", "INVITE sip:\(user)@\(alice)").replacing(";tag=a1", "")
      packets.udp(bob, to: alice, invite)
      if user == "user" {
        try packets.expectNo("registered-contact")
      } else {
        try packets.expect("registered-contact", frame: 3, by: bob)
      }
    }
  }

  @Test func `a Contact elsewhere than its sender is worth a note (RFC 3261 §8.1.1.8)`() throws {
    try call().expectNo("contact-elsewhere")
    try call({ $0.replacing("user@\(alice)", "user@\(carol)") }).expect("contact-elsewhere", frame: 1, by: alice, .note)
    try call({ $0.replacing("user@\(alice)", "user@10.1.1.1") }).expect("contact-elsewhere", frame: 1, by: alice)
  }
}
