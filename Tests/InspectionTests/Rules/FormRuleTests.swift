import Foundation
import LabBench
import Rules
import SansIO
import Testing

@testable import Inspection

/// What a reader forgives a peer is a finding of a rule of its own, once a kind and sender, and no run fails by it unless it is asked for.
@Suite struct FormRuleTests {
  private let talk = Talk()

  /// OPTIONS and its answer, so many of them, each changed.
  private func asked(_ count: Int = 1, _ change: (Bytes) -> Bytes) -> Packets {
    var packets = Packets()
    for number in 1...count {
      let own = Talk(callID: "c\(number)")
      packets.udp(alice, to: bob, change(own.request("OPTIONS", cseq: 1, branch: "b\(number)")))
      packets.udp(bob, to: alice, own.response("200 OK", cseq: 1, "OPTIONS", branch: "b\(number)"))
      packets.wait(1_000)
    }
    return packets
  }

  /// A call whose descriptions are changed.
  private func call(_ change: (String) -> String) -> Packets {
    var packets = Packets()
    packets.establish(offer: change(Talk.sdp(alice, 10_000)), answer: Talk.sdp(bob, 20_000))
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 5)
    packets.rtp(bob, 20_000, to: alice, 10_000, count: 5, ssrc: 9)
    packets.hangUp()
    return packets
  }

  @Test func `messages that follow the grammar are forgiven nothing (RFC 3261 §25.1, RFC 8866 §9)`() throws {
    let ids = Set(Rule.forgiven.map(\.id))
    #expect(try asked { $0 }.report().findings.allSatisfy { !ids.contains($0.check) })
    #expect(try call { $0 }.report().findings.allSatisfy { !ids.contains($0.check) })
  }

  @Test func `twelve messages with bare LF from one sender are one finding with its count (RFC 3261 §7)`() throws {
    let report = try asked(12) { Bytes($0.text.replacing("\r\n", with: "\n")) }.report()
    let finding = try #require(report.finding("line-ends"))
    #expect(finding.count == 12 && finding.dialogs == 12 && finding.frame == 1 && finding.blamed?.address == alice)
    #expect(
      report.text(.init(width: 200)).contains {
        $0.contains("12 × a message from \(alice) ends lines of its header with LF instead of CRLF; it is understood all the same")
      }, "\(report.text())")
    #expect(report.findings.filter { $0.check == "line-ends" }.count == 1)
  }

  @Test(
    arguments: [
      ("line-ends", "Max-Forwards: 70\r\n", "Max-Forwards: 70\n"), ("control-characters", "Max-Forwards", "Subject: a\0b\r\nMax-Forwards"),
      ("uri-characters", "sip:bob@", "sip:#b@"), ("quoting", "branch=z9hG4bKb1", "branch=\"z9hG4bKb1\""),
      ("header-grammar", "SIP/2.0\r\nVia", "Sip/2.0\r\nVia"),
    ])
  func `each of them is named with its frame and its sender, and nobody else is (RFC 3261 §25.1)`(id: String, old: String, new: String)
    throws
  {
    let packets = asked { Bytes($0.text.replacing(old, with: new, maxReplacements: 1)) }
    try packets.expect(id, frame: 1, by: alice)
    #expect(try packets.report().findings.map(\.check) == [id])
  }

  @Test func `a description with LF and without its last line end is named, and read (RFC 8866 §5)`() throws {
    let packets = call { String($0.replacing("\r\n", with: "\n").dropLast()) }
    try packets.expect("sdp-grammar", frame: 1, by: alice)
    let report = try packets.report()
    #expect(report.accusations.isEmpty && report.findings.filter { $0.check == "sdp-grammar" }.count == 2, "\(report.findings)")
    #expect(report.stories.first?.agreements.last?.codec != nil)
  }

  @Test func `a connection that ends within a body, or a header, is named with what is missing (RFC 3261 §18.3)`() throws {
    let message = talk.request("MESSAGE", cseq: 1, extra: ["Content-Type: text/plain"]).text.replacing(
      "Content-Length: 0", with: "Content-Length: 10")
    func connection(_ text: String, _ flags: TCPSegment.Flags) -> Packets {
      var packets = Packets()
      packets.tcp(alice, 40_000, to: bob, 5_060, .syn, at: 0)
      packets.tcp(alice, 40_000, to: bob, 5_060, at: 1, Bytes(text))
      packets.tcp(alice, 40_000, to: bob, 5_060, flags, at: 1 + UInt32(text.utf8.count))
      return packets
    }
    try connection(message + "abc", [.fin, .ack]).expect("message-cut", frame: 3, by: alice)
    #expect(try connection(message + "abc", [.fin, .ack]).report().finding("message-cut")?.text.contains("7 bytes of its body") == true)
    try connection(String(message.prefix(90)), [.fin, .ack]).expect("message-cut", frame: 3, by: alice)
    try connection(message + "abc", [.rst]).expect("message-cut", frame: 3, by: alice)
    // What overtakes the end, or comes behind it, may be on its way.
    var early = Packets()
    early.tcp(alice, 40_000, to: bob, 5_060, .syn, at: 0)
    early.tcp(alice, 40_000, to: bob, 5_060, at: 1, Bytes(message + "abc"))
    early.tcp(alice, 40_000, to: bob, 5_060, [.fin, .ack], at: 8 + UInt32(message.utf8.count + 3))
    early.tcp(alice, 40_000, to: bob, 5_060, at: 1 + UInt32(message.utf8.count + 3), "defghij")
    #expect(try early.report().finding("message-cut") == nil)
    // Whole, without an end, or with a hole before it: nobody knows.
    #expect(try connection(message + "abcdefghij", [.fin, .ack]).report().finding("message-cut") == nil)
    #expect(try connection(message + "abc", [.ack]).report().finding("message-cut") == nil)
    #expect(try connection(message + "abcdefghij\r\n\r\n", [.fin, .ack]).report().finding("message-cut") == nil)
  }

  @Test func `no run fails by one of them that does not ask`() {
    for rule in Rule.forgiven {
      #expect(Rule.Severity.allCases.allSatisfy { !rule.failsRuns($0) }, "\(rule.id)")
      #expect(RuleRegistry.rule(rule.id) != nil)
    }
  }
}
