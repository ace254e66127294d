import LabBench
import Foundation
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// Sentences and tables of a report.
@Suite struct ReportTextTests {
  @Test func `a rule is named once, by the section that is closest (RFC 3261 §8.1.1)`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, Bytes(Talk().request("INVITE", cseq: 1).text.replacing("CSeq: 1 INVITE\r\n", with: "")))
    let report = try packets.report()
    let lines = report.text().filter { $0.contains("CSeq") }
    #expect(!lines.isEmpty && lines.allSatisfy { $0.components(separatedBy: "(RFC").count == 2 }, "\(lines)")
    let finding = InspectionFinding(.toTag, .error, "RFC 3261 §8.1.1", "To is missing (RFC 3261 §20.39) here", frame: 1)
    #expect(finding.text == "To is missing here" && finding.rule == "RFC 3261 §20.39")
  }

  @Test func `where no message could be read no count is empty`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, "INVITE sip:bob@example.com SIP/2.0\r\nthis is no header\r\n\r\n")
    let lines = try packets.report().text()
    #expect(lines.contains("  SIP: no message could be read, 1 unreadable"), "\(lines)")
  }

  @Test func `jitter is not measured without a clock (RFC 3550 §6.4.1)`() throws {
    var packets = Packets()
    packets.rtp(alice, 10_000, to: bob, 20_000, type: 120, count: 10)
    let report = try packets.report()
    let row = try #require(report.text().first { $0.contains("PT 120") })
    #expect(row.hasSuffix("  -") && !row.contains("  0.000"), "\(row)")
    let object = try JSONSerialization.jsonObject(with: Data(InspectionReport.json([report]).utf8)) as? [String: Any]
    let stream = ((object?["files"] as? [[String: Any]])?.first?["streams"] as? [[String: Any]])?.first
    #expect(stream?["meanJitter"] is NSNull && stream?["maxJitter"] is NSNull)
  }

  @Test func `encoding names have one spelling, whatever the peers write (RFC 4855 §3)`() throws {
    var packets = Packets()
    let sdp = Talk.sdp(bob, 20_000, formats: "97 101", extra: "a=rtpmap:97 pcma/8000\r\n")
    packets.establish(offer: Talk.sdp(alice, 10_000, formats: "97 101", extra: "a=rtpmap:97 pcma/8000\r\n"), answer: sdp)
    packets.rtp(alice, 10_000, to: bob, 20_000, type: 97, count: 3)
    let text = try packets.report().text().joined(separator: "\n")
    #expect(text.contains("audio: PCMA/8000") && !text.contains("pcma"))
    #expect(Words.encoding("OPUS/48000/2") == "opus/48000/2" && Words.encoding("pcma/8000/1") == "PCMA/8000")
    // One that nobody has registered has one spelling as well.
    #expect(Words.encoding("X-private/8000") == Words.encoding("x-Private/8000"))
  }

  @Test(
    arguments: [
      (145_000_000, "0.145 s"), (32_000_000_000, "32.0 s"), (125_000_000_000, "2 min 5 s"), (12_000_000_000_000, "3 h 20 min"),
      (172_800_000_000_000, "2 days 0 h"), (374_530_200_000_000_000, "4,334 days 20 h"),
    ] as [(Int64, String)])
  func `durations have units that somebody reads`(nanoseconds: Int64, text: String) { #expect(Words.seconds(nanoseconds) == text) }

  @Test func `records that Wireshark numbers as frames are counted, so that a frame's number is its own`() throws {
    let options = [1, 2].map { RawFrames.packet(RawFrames.udp(5_060, 5_060, Talk().request("OPTIONS", cseq: $0).array)) }
    let custom: [(type: UInt32, body: [UInt8])] = [(0xBAD, [0, 0, 4, 210, 1, 2, 3, 4]), (0x4000_0BAD, [0, 0, 4, 210, 1, 2, 3, 4])]
    let unnumbered: [(type: UInt32, body: [UInt8])] = [(0x77, [1, 2, 3, 4])]
    let report = try Inspector().inspect(RawFrames.pcapng([options[0]] + custom + unnumbered + [options[1]]))
    #expect(report.frameCount == 4 && report.messageCount == 2)
    #expect(report.text().contains("  Not read: 2 pcapng records without a packet"))
    #expect(report.verdict() == .judged && report.facts.hiddenFrames == 0)
  }
}
