import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// How a dialog went, where several messages could have decided it.
@Suite struct OutcomeTests {
  private let talk = Talk()

  private func invite(_ packets: inout Packets) {
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, branch: "x", sdp: Talk.sdp(alice, 10_000)))
    packets.wait(100)
  }

  /// A refused call with its ACK.
  private func refused(_ status: String, _ extra: [String] = []) throws -> InspectionReport {
    var packets = Packets()
    invite(&packets)
    packets.udp(bob, to: alice, talk.response(status, cseq: 1, "INVITE", branch: "x", extra: extra))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "x", inDialog: true))
    return try packets.report()
  }

  private func outcome(_ report: InspectionReport) throws -> String {
    let story = try #require(report.stories.first)
    return Words.outcome(story.outcome, story)
  }

  // MARK: - CANCEL

  @Test func `a CANCEL that nobody takes does not end the call: the 408 does (RFC 3261 §9.1)`() throws {
    var packets = Packets()
    invite(&packets)
    packets.udp(bob, to: alice, talk.response("100 Trying", cseq: 1, "INVITE", branch: "x"))
    packets.wait(10_000)
    for pause in [500, 1_000, 20_000] as [Int64] {
      packets.udp(alice, to: bob, talk.request("CANCEL", cseq: 1, branch: "x"))
      packets.wait(pause)
    }
    packets.udp(bob, to: alice, talk.response("408 Request Timeout", cseq: 1, "INVITE", branch: "x"))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "x", inDialog: true))
    let report = try packets.report()
    #expect(try outcome(report) == "refused with 408 Request Timeout")
    #expect(report.finding("call-refused")?.text.contains("refused with 408 Request Timeout by \(bob)") == true, "\(report.findings)")
  }

  @Test func `a CANCEL that was taken ends the call, whatever the INVITE gets then (RFC 3261 §9.2)`() throws {
    var packets = Packets()
    invite(&packets)
    packets.udp(alice, to: bob, talk.request("CANCEL", cseq: 1, branch: "x"))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "CANCEL", branch: "x"))
    packets.udp(bob, to: alice, talk.response("603 Decline", cseq: 1, "INVITE", branch: "x"))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "x", inDialog: true))
    #expect(try outcome(try packets.report()) == "cancelled by the caller after 0.100 s")
  }

  // MARK: - Refusals

  @Test(arguments: [
    ("404 Not Found", ["Reason: Q.850;cause=1"], "Reason Q.850;cause=1"), ("408 Request Timeout", [], ""),
    (
      "488 Not Acceptable Here", ["Warning: 305 bob \"No common codec\""],
      "Warning 305 bob \"No common codec\"; the offer has RTP/AVP with PCMU"
    ),
    ("415 Unsupported Media Type", ["Accept: application/sdp"], "Accept application/sdp"),
    ("420 Bad Extension", ["Unsupported: 100rel"], "Unsupported 100rel"), ("503 Service Unavailable", [], ""),
  ])
  func `a refused call is named with who refused it and why (RFC 3261 §13.2.2.3)`(status: String, extra: [String], reason: String) throws {
    let report = try refused(status, extra)
    let because = reason.isEmpty ? "" : ": \(reason)"
    let finding = try #require(report.finding("call-refused"))
    #expect(finding.text == "INVITE was refused with \(status) by \(bob)\(because)")
    #expect(report.accusations == ["call-refused"] && finding.frame == 2, "\(report.findings)")
    #expect(!report.text().contains { $0.hasPrefix("Nothing is wrong") })
  }

  @Test(arguments: ["480 Temporarily Unavailable", "486 Busy Here", "600 Busy Everywhere", "603 Decline"])
  func `what a callee answers by free will is worth knowing, and no fault (RFC 3261 §21.4.24)`(status: String) throws {
    let report = try refused(status)
    #expect(report.findings.map(\.check) == ["call-refused"] && report.accusations.isEmpty, "\(report.findings)")
  }

  @Test(arguments: ["401 Unauthorized", "407 Proxy Authentication Required", "487 Request Terminated", "302 Moved Temporarily"])
  func `a challenge, a redirection and the end of a cancelled call are no refusals (RFC 3261 §22, §8.1.3.4)`(status: String) throws {
    #expect(try refused(status).findings.isEmpty)
  }

  @Test func `behind a proxy the refuser is the host that said it first (RFC 3261 §16.7)`() throws {
    let passage = Passage()
    let both: [Passage.Hop] = [(proxy, "p1"), (alice, "a1")]
    var packets = Packets()
    packets.udp(alice, to: proxy, passage.request("INVITE", 1, via: [(alice, "a1")]))
    packets.step(proxy, to: bob, passage.request("INVITE", 1, via: both))
    packets.step(bob, to: proxy, passage.response("404 Not Found", "INVITE", 1, via: both, to: "b1"))
    packets.step(proxy, to: bob, passage.request("ACK", 1, via: [(proxy, "p1")], to: "b1"))
    packets.step(proxy, to: alice, passage.response("404 Not Found", "INVITE", 1, via: [(alice, "a1")], to: "b1"))
    packets.step(alice, to: proxy, passage.request("ACK", 1, via: [(alice, "a1")], to: "b1"))
    let report = try packets.report()
    #expect(report.findings.map(\.check) == ["call-refused"], "\(report.findings)")
    #expect(report.findings.first?.frame == 3 && report.findings.first?.text.contains("by \(bob)") == true)
  }

  @Test(arguments: [
    (
      "NOTIFY", "481 Subscription Does Not Exist", "RFC 6665 §4.1.3", InspectionFinding.Severity.note,
      "no such subscription; the dialog goes on"
    ),
    ("INFO", "481 Call Does Not Exist", "RFC 3261 §12.2.2", .warning, "does not (or no longer) know this dialog"),
    ("BYE", "500 Server Internal Error", "RFC 3261 §12.2.2", .note, "BYE within the dialog got 500 Server Internal Error"),
    ("INVITE", "488 Not Acceptable Here", "RFC 3261 §14.1", .note, "INVITE within the dialog got 488"),
    ("UPDATE", "491 Request Pending", "RFC 3311 §5.2", .note, "glare"),
  ])
  func `a request that is refused inside a dialog is told with the section of its method`(
    method: String, status: String, rule: String, severity: InspectionFinding.Severity, text: String
  ) throws {
    var packets = Packets()
    packets.establish()
    packets.udp(alice, to: bob, talk.request(method, cseq: 2, inDialog: true))
    packets.udp(bob, to: alice, talk.response(status, cseq: 2, method))
    if method == "INVITE" { packets.udp(alice, to: bob, talk.request("ACK", cseq: 2, branch: "INVITE2", inDialog: true)) }
    let finding = try #require(try packets.report().finding("refused-in-dialog"))
    #expect(finding.rule == rule && finding.severity == severity && finding.text.contains(text), "\(finding)")
  }

  // MARK: - Hold

  @Test(arguments: [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")])
  func `a first offer in one direction holds nobody; what changes it later does (RFC 3264 §8.4)`(offer: String, answer: String) throws {
    var packets = Packets()
    packets.establish(offer: Talk.sdp(alice, 10_000, direction: offer), answer: Talk.sdp(bob, 20_000, direction: answer))
    let first = try #require(try packets.report().stories.first)
    #expect(first.holds == 0 && first.resumes == 0)
    for (cseq, ours, theirs) in [(2, "sendrecv", "sendrecv"), (3, offer, answer), (4, "sendrecv", "sendrecv")] {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: cseq, inDialog: true, sdp: Talk.sdp(alice, 10_000, direction: ours)))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: cseq, "INVITE", sdp: Talk.sdp(bob, 20_000, direction: theirs)))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: cseq, branch: "ack\(cseq)", inDialog: true))
    }
    let story = try #require(try packets.report().stories.first)
    #expect(story.holds == 1 && story.resumes == 2)
  }

  // MARK: - Answers that are not there

  @Test func `an ACK with a To tag and its own branch proves an answer that is not in the capture (RFC 3261 §13.2.2.4)`() throws {
    var packets = Packets()
    for pause in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 1_000] as [Int64] {
      invite(&packets)
      packets.wait(pause)
    }
    let unanswered = try packets.report()
    #expect(unanswered.accusations == ["no-final-response"])
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
    packets.wait(5_000)
    packets.udp(alice, to: bob, talk.request("BYE", cseq: 2, inDialog: true))
    packets.wait(40_000)
    packets.udp(alice, to: bob, "\r\n\r\n")
    let report = try packets.report()
    #expect(try outcome(report) == "answered (the answer is not in the capture), hung up by the caller")
    #expect(report.accusations.isEmpty, "\(report.findings)")
    #expect(report.finding("answer-not-captured")?.text.contains("ACK in frame 8") == true)
    #expect(InspectionReport.json([report]).contains("answer-not-captured"))
  }

  @Test func `a BYE or RTP of the caller proves it as well, and after captured progress neither does (RFC 3261 §15)`() throws {
    var packets = Packets()
    invite(&packets)
    var (talked, ended, early) = (packets, packets, packets)
    talked.rtp(alice, 10_000, to: bob, 20_000, count: 2_000)
    let spoken = try talked.report()
    #expect(try outcome(spoken) == "answered (the answer is not in the capture)" && spoken.finding("no-final-response") == nil)
    ended.wait(40_000)
    ended.udp(bob, to: alice, talk.request("BYE", cseq: 1, fromBob: true))
    #expect(try outcome(try ended.report()) == "answered (the answer is not in the capture), hung up by the callee")
    early.udp(bob, to: alice, talk.response("183 Session Progress", cseq: 1, "INVITE", branch: "x", sdp: Talk.sdp(bob, 20_000)))
    early.rtp(alice, 10_000, to: bob, 20_000, count: 100)
    early.udp(alice, to: bob, talk.request("BYE", cseq: 2, inDialog: true))
    #expect(try outcome(try early.report()).hasPrefix("no final response, 183 was the last"))
  }

  // MARK: - Copies and sections

  @Test func `a 100 with another phrase is another response, and no copy (RFC 3261 §17.1.1.2)`() throws {
    var packets = Packets()
    invite(&packets)
    for phrase in ["Trying", "Giving a try", "Giving a try"] {
      packets.udp(bob, to: alice, talk.response("100 \(phrase)", cseq: 1, "INVITE", branch: "x"))
    }
    #expect(try packets.report().counts.repeated == 1)
  }

  @Test func `a finding names its section once, and the one that says most`() throws {
    var packets = Packets()
    let request = talk.request("INVITE", cseq: 1).text
    packets.udp(alice, to: bob, Bytes(request.replacing("From: <sip:alice@example.com>;tag=a1\r\n", with: "")))
    packets.udp(alice, to: bob, Bytes(request.replacing("CSeq: 1 INVITE", with: "CSeq: one INVITE")))
    let report = try packets.report()
    let texts = report.text()
    #expect(
      texts.filter { $0.contains("From is missing (RFC 3261 §8.1.1)") }.count == 1 && !texts.contains { $0.contains("(RFC 3261 §8.1.1) (") }
    )
    let finding = try #require(report.findings.first { $0.frame == 2 })
    #expect(finding.rule == "RFC 3261 §20.16" && !finding.text.contains("(RFC"), "\(finding)")
  }
}
