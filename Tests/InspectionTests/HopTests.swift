import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// One call on several hops: what belongs together is told by branch, hop and the dialog's tags.
@Suite struct HopTests {
  private let passage = Passage()
  private let routed = ["Route: <sip:\(proxy);lr>"]

  /// BYE and its 200 through the proxy, when the capture could have shown a missing ACK for long.
  private func hangUp(_ packets: inout Packets, extra: [String] = []) {
    packets.wait(40_000)
    let both: [Passage.Hop] = [(proxy, "p3"), (alice, "a3")]
    packets.udp(alice, to: proxy, passage.request("BYE", 2, via: [(alice, "a3")], to: "b1", extra: extra))
    packets.step(proxy, to: bob, passage.request("BYE", 2, via: both, to: "b1"))
    packets.step(bob, to: proxy, passage.response("200 OK", "BYE", 2, via: both, to: "b1"))
    packets.step(proxy, to: alice, passage.response("200 OK", "BYE", 2, via: [(alice, "a3")], to: "b1"))
  }

  @Test func `a healthy call through a proxy has an ACK for the 200 of each hop (RFC 3261 §13.2.2.4, §16.7)`() throws {
    var packets = Packets()
    packets.answerThroughProxy()
    packets.udp(alice, to: proxy, passage.request("ACK", 1, via: [(alice, "a2")], to: "b1", extra: routed))
    packets.step(proxy, to: bob, passage.request("ACK", 1, via: [(proxy, "p2"), (alice, "a2")], to: "b1"))
    hangUp(&packets, extra: routed)
    let report = try packets.report()
    #expect(report.findings.isEmpty, "\(report.findings)")
    let invites = try #require(report.stories.first).conversation.transactions.filter { $0.method == .invite }
    #expect(invites.map(\.acknowledgement?.frame) == [8, 8] && report.counts.repeated == 0)
  }

  @Test func `an ACK that goes past the proxy acknowledges both hops (RFC 3261 §13.2.2.4)`() throws {
    var packets = Packets()
    packets.answerThroughProxy(stays: false)
    packets.udp(alice, to: bob, passage.request("ACK", 1, via: [(alice, "a2")], to: "b1"))
    hangUp(&packets)
    #expect(try packets.report().findings.isEmpty)
  }

  @Test func `the cancelled branch of a fork keeps its own ACK, and both 200s have that of the dialog (RFC 3261 §16.7)`() throws {
    let (toBob, toCarol): ([Passage.Hop], [Passage.Hop]) = ([(proxy, "pB"), (alice, "a1")], [(proxy, "pC"), (alice, "a1")])
    var packets = Packets()
    packets.udp(alice, to: proxy, passage.request("INVITE", 1, via: [(alice, "a1")], sdp: Talk.sdp(alice, 10_000)))
    packets.step(proxy, to: bob, passage.request("INVITE", 1, via: toBob, sdp: Talk.sdp(alice, 10_000)))
    packets.step(proxy, to: carol, passage.request("INVITE", 1, via: toCarol, sdp: Talk.sdp(alice, 10_000)))
    packets.step(carol, to: proxy, passage.response("180 Ringing", "INVITE", 1, via: toCarol, to: "c1"))
    packets.step(bob, to: proxy, passage.response("200 OK", "INVITE", 1, via: toBob, to: "b1", sdp: Talk.sdp(bob, 20_000)))
    packets.step(proxy, to: alice, passage.response("200 OK", "INVITE", 1, via: [(alice, "a1")], to: "b1", sdp: Talk.sdp(bob, 20_000)))
    packets.step(proxy, to: carol, passage.request("CANCEL", 1, via: [(proxy, "pC")]))
    packets.step(carol, to: proxy, passage.response("200 OK", "CANCEL", 1, via: [(proxy, "pC")], to: "c1"))
    packets.step(carol, to: proxy, passage.response("487 Request Terminated", "INVITE", 1, via: toCarol, to: "c1"))
    packets.step(proxy, to: carol, passage.request("ACK", 1, via: [(proxy, "pC")], to: "c1"))
    packets.step(alice, to: bob, passage.request("ACK", 1, via: [(alice, "a2")], to: "b1"))
    hangUp(&packets)
    let report = try packets.report()
    #expect(report.findings.isEmpty, "\(report.findings)")
    let invites = try #require(report.stories.first).conversation.transactions.filter { $0.method == .invite }
    #expect(invites.map(\.cancel?.frame) == [nil, nil, 7] && invites.map(\.acknowledgement?.frame) == [11, 11, 10])
  }

  @Test func `a 200 that nobody acknowledges is named once, however many hops show it (RFC 3261 §13.2.2.4)`() throws {
    var packets = Packets()
    packets.answerThroughProxy(stays: false)
    hangUp(&packets)
    let found = try packets.report().findings
    #expect(
      found.map(\.check) == ["no-ack", "success-not-repeated"] && found.first?.severity == .error && found.first?.count == 1, "\(found)")
  }

  @Test func `an ACK with another To tag acknowledges nothing, and is named as the cause (RFC 3261 §12.2.1.1)`() throws {
    var packets = Packets()
    packets.answerThroughProxy(stays: false)
    packets.udp(alice, to: bob, passage.request("ACK", 1, via: [(alice, "a2")], to: "b9"))
    hangUp(&packets)
    let found = try packets.report().findings
    #expect(
      found.map(\.check) == ["no-ack", "success-not-repeated"]
        && found.first?.text.contains("the ACK in frame 8 from \(alice):5060") == true, "\(found)")
    #expect(found.first?.text.contains("another To tag (b9 for b1)") == true)
  }

  @Test func `the ACK of a refusal has the INVITE's branch, and another one is named as the cause (RFC 3261 §17.1.1.3)`() throws {
    let talk = Talk()
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, branch: "x", sdp: Talk.sdp(alice, 10_000)))
    packets.udp(bob, to: alice, talk.response("486 Busy Here", cseq: 1, "INVITE", branch: "x"))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "y", inDialog: true))
    packets.wait(33_000)
    packets.udp(alice, to: bob, "\r\n\r\n")
    let finding = try #require(try packets.report().finding("refusal-not-acknowledged"))
    #expect(finding.severity == .error && finding.rule == "RFC 3261 §17.1.1.3", "\(finding)")
    #expect(finding.text.hasSuffix("the ACK in frame 3 from \(alice):5060 has another branch than its INVITE"))
  }

  @Test func `an ACK is the 200's also where the capture has them in the other order`() throws {
    let talk = Talk()
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
    packets.wait(40_000)
    packets.hangUp()
    let report = try packets.report()
    #expect(report.findings.isEmpty, "\(report.findings)")
  }

  @Test func `a message on both sides of a NAT is two, and each side has its own response`() throws {
    let (talk, inside) = (Talk(), IPAddress(v4: 0xC0A8_0105))
    var packets = Packets()
    for source in [inside, alice] { packets.udp(source, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000))) }
    for target in [alice, inside] { packets.udp(bob, to: target, talk.response("486 Busy Here", cseq: 1, "INVITE")) }
    for source in [inside, alice] {
      packets.udp(source, to: bob, talk.request("ACK", cseq: 1, branch: "INVITE1", inDialog: true))
    }
    let report = try packets.report()
    let transactions = try #require(report.stories.first).conversation.transactions
    #expect(transactions.map(\.source.address) == [inside, alice] && transactions.map(\.acknowledgement?.frame) == [5, 6])
    #expect(transactions.map(\.final?.first.frame) == [4, 3] && report.counts.repeated == 0)
  }

  @Test func `a host may answer from another address than it was asked at`() throws {
    let talk = Talk()
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INFO", cseq: 1, inDialog: true))
    packets.udp(carol, to: alice, talk.response("200 OK", cseq: 1, "INFO"))
    packets.wait(40_000)
    packets.udp(alice, to: bob, "\r\n\r\n")
    #expect(try packets.report().accusations.isEmpty)
  }

  @Test func `the early dialogs of a fork have numbers of their own, and one that goes back in its dialog is named (RFC 3261 §12.2.1.1)`()
    throws
  {
    var packets = Packets()
    packets.udp(alice, to: bob, passage.request("INVITE", 1, via: [(alice, "a1")], sdp: Talk.sdp(alice, 10_000)))
    for tag in ["x1", "x2"] {
      packets.step(bob, to: alice, passage.response("183 Session Progress", "INVITE", 1, via: [(alice, "a1")], to: tag))
      for (method, number) in [("PRACK", 2), ("UPDATE", 3)] {
        let hop: [Passage.Hop] = [(alice, "\(method)\(tag)")]
        packets.step(alice, to: bob, passage.request(method, number, via: hop, to: tag))
        packets.step(bob, to: alice, passage.response("200 OK", method, number, via: hop, to: tag))
      }
    }
    let healthy = try packets.report()
    #expect(healthy.finding("cseq-not-higher") == nil, "\(healthy.findings)")
    packets.step(alice, to: bob, passage.request("BYE", 2, via: [(alice, "a9")], to: "x2"))
    let finding = try #require(try packets.report().finding("cseq-not-higher"))
    #expect(finding.text == "CSeq went back from 3 to 2" && finding.frame == 12 && finding.count == 1)
  }

  @Test func `a dialog goes on from the number of its INVITE (RFC 3261 §12.1.2)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, passage.request("INVITE", 7, via: [(alice, "a1")], sdp: Talk.sdp(alice, 10_000)))
    packets.step(bob, to: alice, passage.response("200 OK", "INVITE", 7, via: [(alice, "a1")], to: "b1", sdp: Talk.sdp(bob, 20_000)))
    packets.step(alice, to: bob, passage.request("ACK", 7, via: [(alice, "a2")], to: "b1"))
    packets.step(alice, to: bob, passage.request("BYE", 3, via: [(alice, "a3")], to: "b1"))
    #expect(try packets.report().finding("cseq-not-higher")?.text == "CSeq went back from 7 to 3")
  }
}
