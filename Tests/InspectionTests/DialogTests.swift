import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

@Suite struct DialogTests {
  private let talk = Talk()

  @Test func `an answered dialog tells who hung up, after how long and why (RFC 3261 §15, RFC 3326)`() throws {
    var packets = Packets()
    packets.establish()
    packets.wait(5_000)
    packets.hangUp(byBob: true, extra: ["Reason: Q.850;cause=16;text=\"Normal\""])
    let report = try packets.report()
    let story = try #require(report.stories.first)
    guard case .hungUp(let side, let lasted, let cause, let frame) = story.outcome else {
      Issue.record("\(story.outcome)")
      return
    }
    #expect(side == .callee && lasted == 5_020_000_000 && cause == "Reason Q.850;cause=16;text=\"Normal\"" && frame.frame == 5)
    #expect(story.postDialDelay == 10_000_000 && story.answerDelay == 20_000_000)
    #expect(story.agreements.last?.codec?.text == "PCMU/8000" && story.agreements.last?.hasTelephoneEvent == true)
    #expect(report.accusations.isEmpty, "\(report.findings)")
  }

  @Test func `a cancelled one is cancelled, also when the 487 comes last (RFC 3261 §9)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, branch: "x", sdp: Talk.sdp(alice, 10_000)))
    packets.udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE", branch: "x"))
    packets.wait(3_000)
    packets.udp(
      alice, to: bob, talk.request("CANCEL", cseq: 1, branch: "x", extra: ["Reason: SIP;cause=200;text=\"Call completed elsewhere\""]))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "CANCEL", branch: "x"))
    packets.udp(bob, to: alice, talk.response("487 Request Terminated", cseq: 1, "INVITE", branch: "x"))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "x", inDialog: true))
    let report = try packets.report()
    let story = try #require(report.stories.first)
    #expect(
      Words.outcome(story.outcome, story)
        == "cancelled by the caller after 3.000 s (Reason SIP;cause=200;text=\"Call completed elsewhere\")")
    #expect(report.accusations.isEmpty, "\(report.findings)")
  }

  @Test func `a refusal is told with phrase and Warning (RFC 3261 §20.43)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, branch: "x", sdp: Talk.sdp(alice, 10_000)))
    packets.udp(
      bob, to: alice,
      talk.response("488 Not Acceptable Here", cseq: 1, "INVITE", branch: "x", extra: ["Warning: 305 bob \"No common codec\""]))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "x", inDialog: true))
    let report = try packets.report()
    let story = try #require(report.stories.first)
    #expect(Words.outcome(story.outcome, story) == "refused with 488 Not Acceptable Here (Warning 305 bob \"No common codec\")")
  }

  @Test func `credentials make a second attempt of the same dialog, and the delay counts from the first (RFC 3261 §22)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, branch: "x"))
    packets.udp(bob, to: alice, talk.response("401 Unauthorized", cseq: 1, "INVITE", branch: "x"))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "x", inDialog: true))
    packets.wait(100)
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, branch: "y", extra: ["Authorization: Digest username=\"a\""]))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "INVITE", branch: "y", sdp: Talk.sdp(bob, 20_000)))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 2, branch: "z", inDialog: true, sdp: Talk.sdp(alice, 10_000, formats: "8 101")))
    let story = try #require(try packets.report().stories.first)
    #expect(story.attempts.count == 2 && story.answerDelay == 100_000_000)
    #expect(story.agreements.first?.codec?.name == "PCMA", "the answer to a delayed offer is in the ACK")
    if case .up = story.outcome {} else { Issue.record("\(story.outcome)") }
  }

  @Test func `copies are retransmissions, not new requests (RFC 3261 §17)`() throws {
    var packets = Packets()
    for _ in 0..<3 {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
      packets.wait(500)
    }
    packets.establish()
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
    let report = try packets.report()
    let story = try #require(report.stories.first)
    #expect(report.counts.total == 9 && report.counts.repeated == 5)
    #expect(story.conversation.transactions.count == 1 && story.conversation.transactions.first?.copies == 4)
    let ladder = report.text().joined(separator: "\n")
    #expect(ladder.contains("INVITE (SDP) (again, copy 3)") && ladder.contains("ACK (again)"))
  }

  @Test func `hold and resume are counted, by sendonly, inactive and 0.0.0.0 (RFC 3264 §8.4)`() throws {
    var packets = Packets()
    packets.establish()
    let held = [
      (2, Talk.sdp(alice, 10_000, direction: "sendonly"), Talk.sdp(bob, 20_000, direction: "recvonly")),
      (3, Talk.sdp(alice, 10_000), Talk.sdp(bob, 20_000)), (4, Talk.sdp(.anyV4, 10_000), Talk.sdp(bob, 20_000)),
      (5, Talk.sdp(alice, 10_000), Talk.sdp(bob, 20_000)),
    ]
    for (cseq, offer, answer) in held {
      packets.wait(1_000)
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: cseq, inDialog: true, sdp: offer))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: cseq, "INVITE", sdp: answer))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: cseq, branch: "ack\(cseq)", inDialog: true))
    }
    let report = try packets.report()
    let story = try #require(report.stories.first)
    #expect(story.reinvites.count == 4 && story.holds == 2 && story.resumes == 2)
    #expect(report.accusations.isEmpty, "\(report.findings)")
  }

  @Test func `forks are told apart by their To tags (RFC 3261 §12.1)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
    for tag in ["b1", "b2", "b1"] {
      var fork = talk
      fork.bobTag = tag
      packets.udp(bob, to: alice, fork.response("180 Ringing", cseq: 1, "INVITE"))
    }
    #expect(try packets.report().stories.first?.forks == ["b1", "b2"])
  }

  @Test func `a capture that begins in the middle accuses nobody`() throws {
    var packets = Packets()
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
    packets.wait(40_000)
    packets.hangUp()
    let report = try packets.report()
    #expect(report.accusations.isEmpty, "\(report.findings)")
    #expect(report.finding("begins-in-the-middle")?.severity == .note && report.stories.first?.beginsInTheMiddle == true)
  }

  @Test func `registrations tell address, expiry, challenges and refreshes (RFC 3261 §10)`() throws {
    var packets = Packets()
    for round in 0..<3 {
      let (first, second) = (round * 2 + 1, round * 2 + 2)
      packets.udp(alice, to: bob, talk.request("REGISTER", cseq: first, extra: ["Expires: 3600"]))
      packets.udp(
        bob, to: alice,
        talk.response(
          "401 Unauthorized", cseq: first, "REGISTER", extra: ["WWW-Authenticate: Digest realm=\"x\",nonce=\"n\",algorithm=SHA-256"]))
      packets.udp(alice, to: bob, talk.request("REGISTER", cseq: second, extra: ["Expires: 3600", "Authorization: Digest username=\"a\""]))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: second, "REGISTER", extra: ["Expires: 120"]))
      packets.wait(round == 1 ? 130_000 : 100_000)
    }
    let report = try packets.report()
    let registration = try #require(report.registrations.first)
    #expect(registration.state == .registered && registration.granted == 120 && registration.asked == 3600)
    #expect(
      registration.requests == 6 && registration.refreshes == 2 && registration.challenges == 3 && registration.algorithms == ["SHA-256"])
    let late = try #require(report.finding("late-refresh"))
    #expect(late.text.contains("10.0 s after its binding had expired") && late.frame == 9)
    #expect(!report.findings.contains { $0.check == "challenge-loop" }, "each challenge was met")
  }

  @Test func `OPTIONS are counted by who asks whom, and thousands of them keep nothing`() throws {
    var packets = Packets()
    for index in 0..<3_000 {
      let ping = Talk(callID: "ping\(index)")
      packets.udp(alice, to: bob, ping.request("OPTIONS", cseq: 1))
      packets.wait(2)
      if index % 1_000 != 999 { packets.udp(bob, to: alice, ping.response("200 OK", cseq: 1, "OPTIONS")) }
      packets.wait(1_000)
    }
    let report = try packets.report()
    let ping = try #require(report.pings.first)
    #expect(ping.sent == 3_000 && ping.answered == 2_997 && ping.unanswered == 3 && ping.shortest == 2_000_000)
    #expect(report.conversations.count < 1_100)
    #expect(report.finding("options-unanswered") != nil)
  }
}
