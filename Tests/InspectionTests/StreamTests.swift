import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

@Suite struct StreamTests {
  @Test func `a stream takes its codec from what its receiver described, and its dialog (RFC 3264 §5.1)`() throws {
    var packets = Packets()
    packets.establish(
      offer: Talk.sdp(alice, 10_000, formats: "97 101", extra: "a=rtpmap:97 opus/48000/2\r\n"),
      answer: Talk.sdp(bob, 20_000, formats: "111 101", extra: "a=rtpmap:111 opus/48000/2\r\n"))
    packets.rtp(alice, 10_000, to: bob, 20_000, type: 111, count: 10)
    packets.rtp(bob, 20_000, to: alice, 10_000, type: 97, count: 10, ssrc: 8)
    let report = try packets.report()
    #expect(report.streams.map(\.codec) == ["opus", "opus"] && report.streams.allSatisfy { $0.isSignalled && $0.conversation == 1 })
    #expect(report.accusations.isEmpty, "\(report.findings)")
  }

  @Test func `without a description a stream is recognised by its RTP packets, and said to be`() throws {
    var packets = Packets()
    packets.rtp(alice, 10_000, to: bob, 20_000, type: 8, count: 10)
    let report = try packets.report()
    let stream = try #require(report.streams.first)
    #expect(stream.codec == "PCMA" && !stream.isSignalled && stream.statistics.packets == 10)
    #expect(report.text().contains { $0.contains("PCMA ?") } && report.text().contains { $0.contains("recognised by its RTP packets") })
  }

  @Test func `what only looks like RTP is none`() throws {
    var packets = Packets()
    for index in 0..<50 {
      packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index &* 7_919 & 0xFFFF), 0, UInt32(index / 10)))
    }
    let report = try packets.report()
    #expect(report.streams.isEmpty && report.facts.udpOther == 50)
  }

  @Test func `loss, lateness and duplicates are counted over the wrap of the sequence number`() throws {
    var packets = Packets()
    var order: [UInt16] = []
    for index in 0..<200 where index != 50 { order.append(UInt16(truncatingIfNeeded: 65_450 + index)) }
    order.swapAt(100, 101)
    order.insert(order[120], at: 122)
    for (index, sequence) in order.enumerated() {
      packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, sequence, UInt32(index) * 160, 7))
      packets.wait(20)
    }
    let stream = try #require(try packets.report().streams.first)
    #expect(stream.order.late == 1 && stream.order.duplicates == 1)
    #expect(stream.statistics.packets == 200 && stream.statistics.lost == 0, "one lost, one twice")
  }

  @Test func `packets of 20 ms without jitter have none, and a late one raises it as RFC 3550 smooths`() {
    var statistics = StreamStatistics()
    for index in 0..<10 {
      statistics.take(
        sequence: UInt16(index), timestamp: UInt32(index) * 160, marker: false, payloadType: 0, clockRate: 8_000, at: Double(index) * 20)
    }
    #expect(statistics.maximumJitter == 0 && statistics.maximumDelta == 20 && statistics.meanDelta == 20)
    statistics.take(sequence: 10, timestamp: 1_600, marker: false, payloadType: 0, clockRate: 8_000, at: 216)
    #expect(statistics.maximumJitter == 1, "a sixteenth of 16 ms")
  }

  @Test func `RTCP is counted with what it reports (RFC 3550 §6.4)`() throws {
    var packets = Packets()
    packets.establish()
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 60)
    let report: [UInt8] =
      [0x81, 201, 0, 7, 0, 0, 0, 9, 0, 0, 0, 7, 64, 0, 0, 20] + [0, 0, 0, 60, 0, 0, 0, 33] + [UInt8](repeating: 0, count: 8)
    packets.udp(bob, 20_001, to: alice, 10_001, Bytes(report))
    let result = try packets.report()
    let said = try #require(result.control[7])
    #expect(said.cumulativeLost == 20 && said.maximumJitter == 33 && said.receiverReports == 0 && result.control[9]?.receiverReports == 1)
    #expect(result.finding("reported-loss")?.text.contains("they are lost beyond the capture point") == true)
  }

  @Test func `memory for guesses is bounded`() throws {
    var packets = Packets()
    for index in 0..<10_000 { packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), 0, UInt32(index))) }
    let report = try packets.report()
    #expect(report.streams.isEmpty && report.facts.udpOther == 10_000)
  }
}
