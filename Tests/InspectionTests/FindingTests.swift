import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// Each check speaks when its rule is broken, with the frame, and is silent otherwise: the clean dialogs of `DialogTests` accuse nobody.
@Suite struct FindingTests {
  private let talk = Talk()

  private func invite(_ lines: (inout [String]) -> Void) throws -> InspectionReport {
    var all = talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)).text.components("\r\n")
    lines(&all)
    var packets = Packets()
    packets.udp(alice, to: bob, Bytes(all.joined(separator: "\r\n")))
    return try packets.report()
  }

  @Test(arguments: [
    ("From", "message-unreadable", "From is missing"), ("Via", "message-unreadable", "Via is missing"),
    ("To", "message-unreadable", "To is missing"),
    ("Call-ID", "message-unreadable", "Call-ID is missing"), ("CSeq", "message-unreadable", "CSeq is missing"),
    ("Max-Forwards", "message-form", "no Max-Forwards"), ("Contact", "contact-missing", "no Contact"),
    ("Content-Type", "content-type", "no Content-Type"),
  ])
  func `a header that has to be there and is not is named (RFC 3261 §8.1.1)`(header: String, check: String, text: String) throws {
    let report = try invite { $0.removeAll { $0.hasPrefix("\(header):") } }
    let finding = try #require(report.findings.first { $0.check == check })
    #expect(finding.text.contains(text) && finding.frame == 1 && finding.rule.hasPrefix("RFC 3261 §"))
  }

  @Test func `a method that is not CSeq's, a missing tag, an old branch and a broken description are named`() throws {
    #expect(
      try invite { lines in for index in lines.indices where lines[index].hasPrefix("CSeq") { lines[index] = "CSeq: 1 BYE" } }.accusations
        .contains("message-unreadable"))
    #expect(
      try invite { lines in for index in lines.indices { lines[index] = lines[index].replacing(";tag=a1", with: "") } }.accusations == [
        "message-form"
      ])
    #expect(
      try invite { lines in for index in lines.indices { lines[index] = lines[index].replacing("z9hG4bK", with: "") } }.finding(
        "message-form")?.severity == .warning)
    #expect(
      try invite { lines in for index in lines.indices { lines[index] = lines[index].replacing("m=audio 10000", with: "m=audio 1x000") } }
        .accusations == ["offer-unusable"])
    #expect(
      try invite { lines in for index in lines.indices { lines[index] = lines[index].replacing("SIP/2.0/UDP", with: "SIP/2.0/TCP") } }
        .accusations == ["via-transport"])
  }

  @Test func `what cannot be read is told with the parser's reason (RFC 3261 §7)`() throws {
    let report = try invite { lines in
      for index in lines.indices where lines[index].hasPrefix("From") { lines[index] = "From without colon" }
    }
    let finding = try #require(report.finding("message-unreadable"))
    #expect(finding.text.contains("not a token") && finding.text.contains("INVITE sip:bob@example.com") && report.counts.unreadable == 1)
  }

  @Test func `a frame labelled deliberately broken accuses nobody`() throws {
    var packets = Packets()
    let broken = Bytes(talk.request("INVITE", cseq: 1).text.replacing("From:", with: "From"))
    packets.udp(alice, to: bob, broken, Label(.raw, isDeliberatelyBroken: true))
    let report = try packets.report()
    #expect(report.accusations.isEmpty && report.finding("message-unreadable")?.text.hasSuffix("(deliberately broken)") == true)
  }

  @Test func `an INVITE that nobody answers runs into Timer B (RFC 3261 §17.1.1.2)`() throws {
    var packets = Packets()
    for pause in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 500] as [Int64] {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
      packets.wait(pause)
    }
    let report = try packets.report()
    #expect(report.accusations == ["no-final-response"] && report.finding("no-final-response")?.text.contains("sent 7 times") == true)
  }

  @Test func `what may be in a part that was not captured accuses nobody`() throws {
    var packets = Packets()
    packets.tcp(bob, 5_061, to: alice, 40_000, at: 1, "SIP/2.0 200 OK\r\n")
    packets.tcp(bob, 5_061, to: alice, 40_000, at: 900, "more")
    for pause in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 5_000] as [Int64] {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
      packets.wait(pause)
    }
    let report = try packets.report()
    #expect(report.accusations.isEmpty && report.finding("no-final-response")?.text.contains("parts of this capture are missing") == true)
  }

  @Test func `a 2xx without ACK is named after 64 T1, and before only noted (RFC 3261 §13.3.1.4)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
    for pause in [500, 1_000, 2_000, 4_000, 4_000] as [Int64] {
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
      packets.wait(pause)
    }
    let early = try packets.report()
    #expect(early.accusations.isEmpty && early.finding("no-ack")?.severity == .note)
    for _ in 0..<6 {
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
      packets.wait(4_000)
    }
    packets.udp(bob, to: alice, talk.request("BYE", cseq: 1, inDialog: true, fromBob: true))
    #expect(try packets.report().accusations == ["no-ack"])
  }

  @Test func `an ACK that does not arrive shows in the 200s that go on after it (RFC 3261 §13.3.1.4)`() throws {
    var packets = Packets()
    packets.establish()
    for _ in 0..<3 {
      packets.wait(1_000)
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
    }
    #expect(try packets.report().accusations == ["ack-lost"])
  }

  @Test func `an answer that crosses CANCEL is noted, and named when no BYE ends it (RFC 3261 §9.1)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, branch: "x", sdp: Talk.sdp(alice, 10_000)))
    packets.udp(alice, to: bob, talk.request("CANCEL", cseq: 1, branch: "x"))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", branch: "x", sdp: Talk.sdp(bob, 20_000)))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "CANCEL", branch: "x"))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "y", inDialog: true))
    var ended = packets
    packets.wait(33_000)
    packets.udp(alice, to: bob, "\r\n\r\n")
    #expect(try packets.report().accusations == ["answer-after-cancel"])
    ended.hangUp()
    let report = try ended.report()
    #expect(report.accusations.isEmpty && report.finding("answer-after-cancel")?.text.contains("the answer arrived after CANCEL") == true)
  }

  @Test func `credentials refused again and again are a loop (RFC 3261 §22.2)`() throws {
    var packets = Packets()
    for cseq in 1...4 {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: cseq, extra: cseq == 1 ? [] : ["Authorization: Digest username=\"a\""]))
      packets.udp(
        bob, to: alice,
        talk.response("401 Unauthorized", cseq: cseq, "INVITE", extra: ["WWW-Authenticate: Digest realm=\"x\",nonce=\"\(cseq)\""]))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: cseq, branch: "INVITE\(cseq)", inDialog: true))
    }
    #expect(try packets.report().accusations == ["challenge-loop"])
  }

  @Test func `CSeq that goes back is named, except in ACK and CANCEL (RFC 3261 §12.2.1.1)`() throws {
    var packets = Packets()
    packets.establish()
    packets.udp(alice, to: bob, talk.request("INFO", cseq: 5, inDialog: true))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 5, "INFO"))
    packets.hangUp(cseq: 3)
    #expect(try packets.report().finding("cseq-not-higher")?.text == "CSeq went back from 5 to 3")
  }

  @Test(arguments: [
    (Talk.sdp(bob, 20_000) + "m=video 0 RTP/AVP 31\r\n", "answer-stream-count", "2 m= lines"),
    (Talk.sdp(bob, 20_000, formats: "9"), "answer-format", "no format of the offer"),
    (Talk.sdp(bob, 20_000).replacing("RTP/AVP", with: "RTP/SAVP"), "answer-profile", "RTP/SAVP"),
    (Talk.sdp(bob, 20_000).replacing("m=audio", with: "m=video"), "answer-stream-order", "m=video"),
  ])
  func `an answer that does not fit its offer is named (RFC 3264 §6)`(answer: String, check: String, text: String) throws {
    var packets = Packets()
    packets.establish(offer: Talk.sdp(alice, 10_000, formats: "0"), answer: answer)
    let finding = try #require(try packets.report().finding(check))
    #expect(finding.severity == .error && finding.text.contains(text) && finding.frame == 3 && finding.blamed?.address == bob, "\(finding)")
  }

  @Test func `an answer may not send to who does not receive (RFC 3264 §6.1)`() throws {
    var packets = Packets()
    packets.establish(offer: Talk.sdp(alice, 10_000, direction: "sendonly"), answer: Talk.sdp(bob, 20_000, direction: "sendrecv"))
    #expect(try packets.report().finding("answer-direction")?.text == "the answer says sendrecv to sendonly in frame 1")
  }

  @Test func `a 2xx without an answer is named (RFC 3261 §13.2.1)`() throws {
    var packets = Packets()
    packets.establish(answer: "")
    #expect(try packets.report().accusations == ["answer-missing"])
  }

  @Test func `one-way audio is named with its silent side, and silence only where RTP was captured (RFC 3264 §5.1)`() throws {
    var packets = Packets()
    packets.establish()
    var silent = packets
    silent.wait(10_000)
    silent.hangUp()
    #expect(try silent.report().accusations.isEmpty, "a capture of SIP alone says nothing about audio")
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 200)
    packets.hangUp()
    #expect(try packets.report().finding("one-way-audio")?.text.contains("RTP comes from \(alice), none from \(bob)") == true)
  }

  @Test func `media at a private address of a public host is named`() throws {
    let home = IPAddress(v4: 0xC0A8_0105)
    var packets = Packets()
    packets.establish(offer: Talk.sdp(home, 10_000))
    let finding = try #require(try packets.report().finding("private-address"))
    #expect(finding.text.contains("192.168.1.5") && finding.frame == 1)
  }

  @Test func `payload types that nobody asked for are named, the sender's own number with the right one (RFC 3264 §5.1)`() throws {
    var packets = Packets()
    packets.establish(
      offer: Talk.sdp(alice, 10_000, formats: "0 97", extra: "a=rtpmap:97 opus/48000/2\r\n"),
      answer: Talk.sdp(bob, 20_000, formats: "0 111", extra: "a=rtpmap:111 opus/48000/2\r\n"))
    packets.rtp(alice, 10_000, to: bob, 20_000, type: 97, count: 10)
    packets.rtp(bob, 20_000, to: alice, 10_000, type: 18, count: 10, ssrc: 8)
    let texts = try packets.report().findings.filter { $0.check == "rtp-payload-type" }.map(\.text)
    #expect(
      texts.count == 2 && texts[0].contains("as 97, its own number; \(bob):20000 asked for 111")
        && texts[1].contains("sends payload type 18"), "\(texts)")
  }

  @Test func `an offer that was refused asked for nothing (RFC 3261 §14.1)`() throws {
    var packets = Packets()
    packets.establish()
    packets.udp(bob, to: alice, talk.request("INVITE", cseq: 1, fromBob: true, sdp: Talk.sdp(bob, 20_000, formats: "18")))
    packets.udp(alice, to: bob, talk.response("488 Not Acceptable Here", cseq: 1, "INVITE", toBob: true))
    packets.udp(bob, to: alice, talk.request("ACK", cseq: 1, branch: "INVITE1b", fromBob: true))
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 10)
    #expect(try packets.report().finding("rtp-payload-type") == nil)
  }

  @Test func `media that goes on after BYE is named (RFC 3261 §15.1.1)`() throws {
    var packets = Packets()
    packets.establish()
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 10)
    packets.rtp(bob, 20_000, to: alice, 10_000, count: 10, ssrc: 8)
    packets.hangUp()
    packets.rtp(bob, 20_000, to: alice, 10_000, count: 100, first: 11, ssrc: 8)
    #expect(try packets.report().accusations.contains("media-after-bye"))
  }

  @Test func `a BYE that nobody answers is named (RFC 3261 §17.1.2.2)`() throws {
    var packets = Packets()
    packets.establish()
    for pause in [500, 1_000, 2_000, 4_000, 4_000, 4_000, 20_000] as [Int64] {
      packets.udp(alice, to: bob, talk.request("BYE", cseq: 2, inDialog: true))
      packets.wait(pause)
    }
    packets.udp(alice, to: bob, "\r\n\r\n")
    #expect(try packets.report().accusations == ["unanswered-request"])
  }
}

extension String {
  func components(_ separator: String) -> [String] { split(separator: separator, omittingEmptySubsequences: false).map(String.init) }
}
