import LabBench
import SansIO
import Testing
import WireReader

@testable import Inspection

/// Findings can be asked for while packets come.
@Suite struct LiveFindingTests {
  @Test func `what is wrong can be asked for at any time, and ends nothing`() throws {
    let talk = Talk()
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)).replacing("Max-Forwards: 70\r\n", ""))
    packets.udp(bob, to: alice, talk.response("486 Busy Here", cseq: 1, "INVITE"))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "other", inDialog: true))
    var inspection = CaptureInspection(PassiveReader(path: "tap"))
    var seen: [[String]] = []
    for packet in try packets.captured {
      for observed in inspection.reader.take(packet) { inspection.judge(observed) }
      seen.append(inspection.findings().filter { $0.severity != .note }.map(\.check))
    }
    #expect(seen == [["message-form"], ["message-form"], ["ack-branch", "message-form"]])
    let last = try #require(try packets.captured.last).timestamp
    let later = inspection.findings(at: last + 33_000_000_000).filter { $0.severity == .error }
    #expect(later.map(\.check) == ["refusal-not-acknowledged", "ack-branch"], "time goes on without a packet")
    #expect(inspection.findings().count == inspection.findings().count)
  }

  @Test func `a keep-alive that waits for its answer is named as of now, and taken back when it comes`() throws {
    let talk = Talk()
    var packets = Packets()
    packets.udp(alice, to: bob, talk.request("OPTIONS", cseq: 1))
    packets.wait(33_000)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "OPTIONS"))
    var inspection = CaptureInspection(PassiveReader(path: "tap"))
    let captured = try packets.captured
    inspection.take(captured[0])
    #expect(inspection.findings(at: captured[1].timestamp - 500_000_000).map(\.check) == ["options-unanswered"])
    inspection.take(captured[1])
    #expect(inspection.findings().isEmpty)
  }
}
