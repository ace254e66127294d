import Foundation
import LabBench
import Rules
import SansIO
import Testing

@testable import Inspection

/// A fault in one place is named once, and what came of it stands under it.
@Suite struct CauseTests {
  /// A call whose BYE is not known to the callee any more.
  private func call(_ talk: Talk = Talk(), hasACK: Bool, into packets: inout Packets) {
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
    if hasACK {
      packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack\(talk.callID)", inDialog: true))
    } else {
      for wait in [500, 1_000, 2_000] + [Int64](repeating: 4_000, count: 7) {
        packets.wait(wait)
        packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
      }
    }
    packets.wait(40_000)
    packets.udp(alice, to: bob, talk.request("BYE", cseq: 2, inDialog: true))
    packets.udp(bob, to: alice, talk.response("481 Call/Transaction Does Not Exist", cseq: 2, "BYE"))
  }

  private func report(hasACK: Bool) throws -> InspectionReport {
    var packets = Packets()
    call(hasACK: hasACK, into: &packets)
    return try packets.report()
  }

  @Test func `a BYE that gets 481 stands under the 2xx that had no ACK (RFC 3261 §13.3.1.4, §12.2.2)`() throws {
    let report = try report(hasACK: false)
    #expect(report.findings.map(\.check) == ["no-ack", "refused-in-dialog"], "\(report.findings)")
    #expect(report.findings.map(\.cause) == [nil, InspectionFinding.Cause(check: "no-ack", frame: 2, level: 1)])
    let lines = report.text()
    #expect(lines.contains { $0.hasPrefix("  error    #2      200 to INVITE, sent 11 times, has no ACK") }, "\(lines)")
    #expect(lines.contains { $0.hasPrefix("  warning  #14       └ BYE got 481") }, "\(lines)")
    #expect(report.accusations(atMost: 9).count == 1)
    let object = try JSONSerialization.jsonObject(with: Data(InspectionReport.json([report]).utf8)) as? [String: Any]
    let findings = (object?["files"] as? [[String: Any]])?.first?["findings"] as? [[String: Any]]
    let causes = findings?.map { $0["cause"] as? [String: Any] }
    #expect(causes?.map { $0?["check"] as? String } == [nil, "no-ack"] && causes?.map { $0?["frame"] as? Int } == [nil, 2])
  }

  @Test func `a BYE that gets 481 in a call without another fault is a fault of its own (RFC 3261 §12.2.2)`() throws {
    let report = try report(hasACK: true)
    #expect(report.findings.map(\.check) == ["refused-in-dialog"] && report.findings.first?.cause == nil, "\(report.findings)")
    #expect(report.accusations(atMost: 9).count == 1)
  }

  @Test func `of two calls that fail alike one alone has the cause, and they are not joined`() throws {
    var packets = Packets()
    call(hasACK: false, into: &packets)
    packets.wait(100)
    call(Talk(callID: "other"), hasACK: true, into: &packets)
    let found = try packets.report().findings.filter { $0.check == "refused-in-dialog" }
    #expect(found.map(\.callIDs) == [["talk"], ["other"]] && found.map { $0.cause?.check } == ["no-ack", nil], "\(found)")
  }

  private func finding(
    _ rule: Rule, _ frame: Int, _ severity: Rule.Severity? = nil, callID: String? = "c", place: TransportAddress? = nil
  ) -> InspectionFinding {
    InspectionFinding(rule, severity ?? rule.severity, rule.section, "\(rule.id)", frame: frame, callID: callID, place: place)
  }

  private func settled(_ findings: [InspectionFinding]) -> [InspectionFinding] {
    var collector = FindingCollector()
    collector.add(findings)
    collector.settle()
    return collector.sorted
  }

  @Test func `what follows from a symptom stands under that, in whatever order they were found`() {
    let findings = [finding(.registrationRefused, 9), finding(.challengeLoop, 5), finding(.credentials, 3), finding(.toTag, 1)]
    let sorted = settled(findings)
    #expect(sorted.map(\.check) == ["to-tag", "credentials", "challenge-loop", "registration-refused"])
    #expect(sorted.map { $0.cause?.level ?? 0 } == [0, 0, 1, 2])
    #expect(settled(findings.reversed()).map(\.check) == sorted.map(\.check))
  }

  @Test func `a cause is of the same dialog and comes before its symptom, and a note explains nothing that is wrong`() {
    func cause(_ cause: InspectionFinding) -> InspectionFinding.Cause? {
      settled([cause, finding(.oneWayAudio, 7)]).first { $0.check == "one-way-audio" }?.cause
    }
    #expect(cause(finding(.privateAddress, 7)) != nil)
    #expect(cause(finding(.privateAddress, 8)) == nil)
    #expect(cause(finding(.privateAddress, 7, callID: "d")) == nil && cause(finding(.privateAddress, 7, callID: nil)) == nil)
    #expect(cause(finding(.privateAddress, 7, .note)) == nil)
  }

  @Test func `nothing follows from itself, and each pair is said once`() {
    let pairs = CauseTable.links.map { "\($0.cause.id) \($0.symptom.id)" }
    #expect(Set(pairs).count == pairs.count)
    // What a cycle makes of ranks grows with every round.
    #expect(CauseTable.links.allSatisfy { CauseTable.rank($0.cause) < CauseTable.rank($0.symptom) })
  }
}
