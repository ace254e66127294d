import LabBench
import Capture
import Foundation
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// Findings as a list that people read: equal ones joined, the worst first, each by a declared id.
@Suite struct FindingListTests {
  /// A request of its own dialog without Max-Forwards.
  private func bare(_ number: Int) -> Bytes {
    let text = Talk(callID: "c\(number)").request("OPTIONS", cseq: 1, branch: "b\(number)").text
    return Bytes(text.replacing("Max-Forwards: 70\r\n", with: ""))
  }

  @Test func `equal findings of several dialogs are one line with their count and the first frames (RFC 3261 §8.1.1.6)`() throws {
    var packets = Packets()
    for number in 1...51 {
      packets.udp(alice, to: bob, bare(number))
      packets.udp(bob, to: alice, Talk(callID: "c\(number)").response("200 OK", cseq: 1, "OPTIONS", branch: "b\(number)"))
    }
    let report = try packets.report()
    let finding = try #require(report.finding("message-form"))
    #expect(finding.count == 51 && finding.dialogs == 51 && finding.frames == [1, 3, 5, 7, 9, 11, 13, 15] && finding.callIDs.first == "c1")
    #expect(
      report.text().contains("  warning  #1      51 × OPTIONS has no Max-Forwards (RFC 3261 §8.1.1.6): #1, #3, #5 …"), "\(report.text())")
    #expect(report.findings.filter { $0.check == "message-form" }.count == 1)
  }

  @Test func `those that differ in their numbers alone are one as well, whose numbers are those of the first (RFC 3261 §18.1.1)`() throws {
    var packets = Packets()
    for number in 1...3 {
      let subject = String(repeating: "x", count: 1_300 + number)
      packets.udp(
        alice, to: bob, Talk(callID: "c\(number)").request("MESSAGE", cseq: 1, branch: "b\(number)", extra: ["Subject: \(subject)"]))
      packets.udp(bob, to: alice, Talk(callID: "c\(number)").response("200 OK", cseq: 1, "MESSAGE", branch: "b\(number)"))
    }
    let report = try packets.report()
    let finding = try #require(report.finding("datagram-size"))
    #expect(finding.count == 3 && finding.numbersVary)
    #expect(
      finding.sentence.hasPrefix("3 × MESSAGE has ") && finding.sentence.hasSuffix(", numbers as in #1 (RFC 3261 §18.1.1): #1, #3, #5"))
  }

  @Test func `the first frames of a finding are in order, whatever dialog they are of`() throws {
    var collector = FindingCollector()
    for frame in [30, 4, 50, 6, 10, 90, 80, 70, 60, 2] {
      collector.add(InspectionFinding(.toTag, .error, "RFC 3261 §8.1.1.3", "x \(frame * 1_000) y", frame: frame, callID: "c\(frame)"))
    }
    let finding = try #require(collector.sorted.first)
    #expect(finding.frames == [2, 4, 6, 10, 30, 50, 60, 70] && finding.frame == 2 && finding.callID == "c2" && finding.count == 10)
    #expect(finding.sentence == "10 × x 2000 y, numbers as in #2 (RFC 3261 §8.1.1.3): #2, #4, #6 …")
  }

  @Test func `status codes and addresses are no such numbers`() {
    #expect(FindingCollector.shape("200 to INVITE has no ACK") == "200 to INVITE has no ACK")
    #expect(FindingCollector.shape("got 1,312 bytes of frame 120, 4.5 ms") == "got # bytes of frame # # ms")
    #expect(FindingCollector.shape("INVITE to 192.0.2.1:5060 at z9hG4") == "INVITE to 192.0.2.1:5060 at z9hG4")
  }

  @Test func `errors come first, then warnings, then notes`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, bare(1))
    packets.wait(10)
    packets.udp(alice, to: bob, Bytes(Talk(callID: "c2").request("OPTIONS", cseq: 1).text.replacing(";tag=a1", with: "")))
    let severities = try packets.report().findings.map(\.severity)
    #expect(severities.first == .error && severities == severities.sorted() && Set(severities).count > 1)
  }

  @Test func `no error is left out for notes, however many they are`() {
    var collector = FindingCollector()
    func word(_ number: Int) -> String { String(number, radix: 36, uppercase: true).map { "\($0)x" }.joined() }
    for number in 0..<1_500 { collector.add(InspectionFinding(.notSIP, .note, "", "text \(word(number))", frame: number)) }
    for number in 0..<1_200 { collector.add(InspectionFinding(.toTag, .error, "", "fault \(word(number))", frame: 2_000 + number)) }
    #expect(collector.sorted.map(\.severity).prefix(1_000).allSatisfy { $0 == .error } && collector.sorted.count == 2_000)
    #expect(collector.sorted.first?.frame == 2_000 && collector.leftOut == 700)
  }

  @Test func `outcomes are summed up, the most frequent first`() throws {
    var packets = Packets()
    packets.establish(Talk(callID: "good"))
    packets.hangUp(Talk(callID: "good"))
    for number in 1...3 {
      let talk = Talk(callID: "c\(number)", bobTag: "t\(number)")
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, branch: "b\(number)"))
      packets.udp(bob, to: alice, talk.response("403 Forbidden", cseq: 1, "INVITE", branch: "b\(number)"))
      packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "b\(number)", inDialog: true))
    }
    let report = try packets.report()
    #expect(report.text().contains("  3 refused with 403 Forbidden, 1 answered"))
    #expect(report.text().contains { $0.contains("3 × INVITE was refused with 403 Forbidden by \(bob) (RFC 3261 §21.4): #8, #11, #14") })
    let object = try JSONSerialization.jsonObject(with: Data(InspectionReport.json([report]).utf8)) as? [String: Any]
    let outcomes = (object?["files"] as? [[String: Any]])?.first?["outcomes"] as? [[String: Any]]
    #expect(outcomes?.map { $0["count"] as? Int } == [3, 1] && outcomes?.first?["status"] as? Int == 403)
  }

  @Test func `of more Call-IDs than are kept the filter keeps its own, and the heading counts all`() throws {
    let reader = PassiveReader(path: "many", filter: "c7@", mostConversations: 100)
    var inspection = CaptureInspection(reader)
    var time: Int64 = 0
    for number in 0..<1_200 {
      let origin = "192.0.2.10"
      let text = """
        INVITE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP \(origin);branch=z9hG4bK\(number)\r\nFrom: <sip:a@example.com>;tag=\(number)\r
        To: <sip:b@example.com>\r\nCall-ID: c\(number)@x\r\nCSeq: 1 INVITE\r\nContact: <sip:a@\(origin)>\r\nMax-Forwards: 70\r
        Content-Length: 0\r\n\r\n
        """
      time += 1_000_000
      let frame = Bytes(RawFrames.udp(5_060, 5_060, Array(text.utf8)))
      inspection.take(CapturedPacket(timestamp: time, interface: 0, linkType: .rawIP, originalLength: frame.count, bytes: frame))
    }
    inspection.finish(problem: nil)
    let report = InspectionReport(inspection)
    #expect(report.verdict(.init(filter: "c7@")) == .judged)
    let lines = report.text(.init(hasLadders: false, filter: "c7@"))
    #expect(lines.contains { $0.hasPrefix("  1,200 dialogs, ") } && lines.contains { $0.hasPrefix("Dialog 1  c7@x") })
    #expect(report.findings.allSatisfy { $0.callID == "c7@x" })
  }
}
