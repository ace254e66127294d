import LabBench
import SansIO
import Testing

@testable import Inspection

/// What extensions of dialogs are held to: reliable provisional responses (RFC 3262) and session timers (RFC 4028). Each with a healthy
/// twin.
@Suite struct ExtensionRuleTests {
  private let talk = Talk()
  private let offer = Talk.sdp(alice, 10_000)
  private let answer = Talk.sdp(bob, 20_000)

  // MARK: - PRACK

  /// A call with a reliable 183, so many times.
  private func progress(
    copies: Int, prack: String? = nil, final: String = "504 Server Time-out", supported: String = "Supported: timer, 100rel"
  ) -> Packets {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer, extra: [supported]))
    packets.wait(100)
    var pause: Int64 = 500
    for copy in 0..<copies {
      packets.udp(
        bob, to: alice, talk.response("183 Session Progress", cseq: 1, "INVITE", sdp: answer, extra: ["Require: 100rel", "RSeq: 7"]))
      if copy == 0, let prack {
        packets.udp(alice, to: bob, talk.request("PRACK", cseq: 2, inDialog: true, extra: ["RAck: \(prack)"]))
        packets.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "PRACK"))
      }
      packets.wait(copies == 1 ? 5_000 : pause)
      pause *= 2
    }
    let isSuccess = final.hasPrefix("2")
    packets.udp(bob, to: alice, talk.response(final, cseq: 1, "INVITE", sdp: isSuccess ? answer : ""))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: isSuccess ? "ack" : "INVITE1", inDialog: true))
    return packets
  }

  @Test func `a reliable provisional response that is repeated has no PRACK, and what ends the call follows from it (RFC 3262 §3, §4)`()
    throws
  {
    let packets = progress(copies: 6)
    try packets.expect("no-prack", frame: 2, by: alice)
    let report = try packets.report()
    #expect(report.findings.map(\.check) == ["no-prack", "call-refused"] && report.findings.last?.cause?.check == "no-prack")
    #expect(
      report.findings.first?.text
        == "183 to INVITE with RSeq 7 from \(bob):5060, sent 6 times, has no PRACK in this capture, until 504 in frame 8")
    #expect(try progress(copies: 6, final: "486 Busy Here").report().findings.allSatisfy { $0.cause == nil })
    try progress(copies: 6, prack: "8 1 INVITE").expect("no-prack", frame: 2, by: alice)
  }

  @Test func `PRACK acknowledges it, also where that is lost, and what is not repeated may have one that took another way (RFC 3262 §4)`()
    throws
  {
    try progress(copies: 1, prack: "7 1 INVITE", final: "200 OK").expectNo("no-prack")
    #expect(try progress(copies: 6, prack: "7 1 INVITE", final: "200 OK").report().finding("no-prack") == nil)
    // Where it has to pass here it did not come.
    try progress(copies: 1, final: "200 OK").expect("no-prack", frame: 2, by: alice, .warning)
    var elsewhere = Packets()
    elsewhere.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer, extra: ["Supported: 100rel"]))
    let response = talk.response("183 Session Progress", cseq: 1, "INVITE", sdp: answer, extra: ["Require: 100rel", "RSeq: 7"])
    elsewhere.udp(bob, to: alice, response.replacing("user@\(bob)", "user@\(carol)"))
    elsewhere.wait(9_000)
    elsewhere.udp(bob, to: alice, talk.response("180 Ringing", cseq: 1, "INVITE"))
    #expect(try elsewhere.report().finding("no-prack") == nil)
  }

  @Test func `while its sender repeats it PRACK may still come (RFC 3262 §3)`() throws {
    func open(_ copies: Int) -> Packets {
      var packets = Packets()
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer, extra: ["Supported: 100rel"]))
      for copy in 0..<copies {
        packets.udp(
          bob, to: alice, talk.response("183 Session Progress", cseq: 1, "INVITE", sdp: answer, extra: ["Require: 100rel", "RSeq: 7"]))
        packets.wait(500 << Int64(copy))
      }
      return packets
    }
    try open(3).expect("no-prack", frame: 2, by: alice, .note)
    try open(5).expect("no-prack", frame: 2, by: alice)
    #expect(try open(1).report().finding("no-prack") == nil)
  }

  @Test func `nobody sends reliably to who does not support it (RFC 3262 §3)`() throws {
    try progress(copies: 1, prack: "7 1 INVITE", supported: "Supported: timer").expect("reliability-unasked", frame: 2, by: bob)
    #expect(try progress(copies: 1, prack: "7 1 INVITE", supported: "Require: 100rel").report().finding("reliability-unasked") == nil)
  }

  // MARK: - Session timer

  private enum Refresh { case reinvite, update, failed, withoutTimer }

  /// A call with a timer of 90 s, refreshed every so often or not at all.
  private func call(
    timer: String = "90;refresher=uas", refreshes: [(at: Int64, Refresh)] = [], until end: Int64, byeOf side: String = "alice"
  ) -> Packets {
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: offer))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: answer, extra: timer.isEmpty ? [] : ["x: \(timer)"]))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
    var now: Int64 = 0
    for (number, (time, kind)) in refreshes.enumerated() {
      packets.wait((time - now) * 1_000)
      now = time
      let method = kind == .update ? "UPDATE" : "INVITE"
      let body = kind == .update ? "" : answer
      packets.udp(bob, to: alice, talk.request(method, cseq: number + 1, inDialog: true, fromBob: true, sdp: body))
      let status = kind == .failed ? "500 Server Internal Error" : "200 OK"
      packets.udp(
        alice, to: bob,
        talk.response(
          status, cseq: number + 1, method, toBob: true, sdp: kind == .failed || body.isEmpty ? "" : offer,
          extra: kind == .withoutTimer || kind == .failed ? [] : ["Session-Expires: 90;refresher=uac"]))
      guard kind != .update else { continue }
      let branch = kind == .failed ? "INVITE\(number + 1)b" : "ackb\(number)"
      packets.udp(bob, to: alice, talk.request("ACK", cseq: number + 1, branch: branch, inDialog: true, fromBob: true))
    }
    packets.wait((end - now) * 1_000)
    if side == "nobody" {
      packets.udp(alice, to: bob, Talk(callID: "other").request("OPTIONS", cseq: 1))
      packets.udp(bob, to: alice, Talk(callID: "other").response("200 OK", cseq: 1, "OPTIONS"))
    } else {
      packets.hangUp(byBob: side == "bob", cseq: 50)
    }
    return packets
  }

  @Test func `a session that nobody refreshes expires, and its refresher is named (RFC 4028 §10)`() throws {
    try call(until: 200).expect("session-not-refreshed", frame: 2, by: bob)
    let text = try #require(try call(until: 200).report().finding("session-not-refreshed")).text
    let beginning = "the session of 90 s that the 200 in frame 2 agreed on expired, and the call was up for 3 min 20 s: "
    #expect(text.hasPrefix(beginning), "\(text)")
    #expect(text.hasSuffix("\(bob):5060 (refresher=uas) owed a re-INVITE or UPDATE 45.0 s after it and sent none"), "\(text)")
    try call(timer: "90;refresher=uac", until: 200).expect("session-not-refreshed", frame: 2, by: alice)
    try call(timer: "90", until: 200).expect("session-not-refreshed", frame: 2, by: nil)
    try call(until: 200, byeOf: "nobody").expect("session-not-refreshed", frame: 2, by: bob)
    try call(refreshes: [(45, .update)], until: 200).expect("session-not-refreshed", frame: 5, by: bob)
    try call(refreshes: [(120, .update)], until: 150).expect("session-not-refreshed", frame: 2, by: bob)
  }

  @Test func `who waits for a refresh hangs up shortly before the session expires (RFC 4028 §10)`() throws {
    for end in [60, 90] as [Int64] {
      try call(until: end).expect("session-not-refreshed", frame: 2, by: bob)
      #expect(try call(until: end, byeOf: "bob").report().finding("session-not-refreshed") == nil, "the refresher hangs up")
    }
    try call(until: 75).expect("session-not-refreshed", frame: 2, by: bob, .note)
    let failed = try #require(try call(refreshes: [(45, .failed)], until: 90).report().finding("session-not-refreshed"))
    #expect(failed.text.hasSuffix("; the INVITE in frame 4 got 500"), "\(failed)")
  }

  @Test func `a session that is refreshed, has no timer any more, or ends earlier is right (RFC 4028 §7.2, §7.4)`() throws {
    for kind in [Refresh.reinvite, .update] {
      try call(refreshes: [(45, kind), (90, kind), (135, kind)], until: 160).expectNo("session-not-refreshed")
    }
    try call(refreshes: [(45, .withoutTimer)], until: 500).expectNo("session-not-refreshed")
    try call(timer: "", until: 500).expectNo("session-not-refreshed")
    for end in [10, 50] as [Int64] { try call(until: end).expectNo("session-not-refreshed") }
    try call(until: 80, byeOf: "nobody").expectNo("session-not-refreshed")
  }
}
