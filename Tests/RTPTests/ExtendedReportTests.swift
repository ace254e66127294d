import SansIO
import Testing

@testable import RTP

@Suite struct ExtendedReportTests {
  @Test func `VoIP metrics come back from their bytes, whose order is the RFC's (RFC 3611 §4.7)`() throws {
    var metrics = VoIPMetrics(ssrc: 0x0102_0304)
    (metrics.lossRate, metrics.discardRate, metrics.burstDensity, metrics.gapDensity) = (5, 6, 7, 8)
    (metrics.burstDuration, metrics.gapDuration, metrics.roundTripDelay, metrics.endSystemDelay) = (0x090A, 0x0B0C, 0x0D0E, 0x0F10)
    (metrics.rFactor, metrics.mosListening, metrics.configuration) = (93, 44, 0xF0)
    (metrics.bufferNominal, metrics.bufferMaximum, metrics.bufferAbsoluteMaximum) = (40, 80, 300)
    let packets: [RTCPPacket] = [
      .receiverReport(ssrc: 1, []), .cname(ssrc: 1, "lab"),
      .extended(ssrc: 1, [.voipMetrics(metrics), .other(type: 4, [4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8])]),
    ]
    let bytes = RTCPPacket.serialized(packets)
    #expect(try RTCPPacket.parse(bytes) == packets)
    let block = bytes.array.suffix(48).prefix(36)
    #expect(
      Array(block) == [
        7, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 127, 127, 127, 16, 93, 127, 44, 127, 0xF0, 0, 0, 40, 0, 80, 1,
        44,
      ])
  }

  @Test(
    arguments: [
      [0x80, 207, 0, 1, 0, 0, 0, 5], [0x80, 207, 0, 2, 0, 0, 0, 5, 7, 0, 0, 8], [0x80, 207, 0, 2, 0, 0, 0, 5, 7, 0, 0, 0],
      [0x80, 207, 0, 0],
    ] as [[UInt8]])
  func `blocks whose lengths do not add up name the rule (RFC 3611 §3)`(bytes: [UInt8]) {
    let compound = Bytes([0x80, 201, 0, 1, 0, 0, 0, 1] + bytes)
    if bytes.count == 8 {
      #expect(throws: Never.self) { try RTCPPacket.parse(compound) }
    } else {
      #expect(throws: (bytes.count == 4 ? RTPError.length : .extendedBlock)) { try RTCPPacket.parse(compound) }
    }
  }

  @Test func `the example of RFC 3550 §6.4.1 is a round trip of 6.125 s`() {
    // Its SR left at 0xb44db705, was held 5.250 s at the receiver, and the report came at 0xb710.8000 on the middle 32 bits.
    let block = ReceptionReport(
      ssrc: 1, fractionLost: 0, cumulativeLost: 0, extendedHighestSequence: 0, jitter: 0, lastSenderReport: 0xB705_2000,
      delaySinceLastSenderReport: 0x0005_4000)
    #expect(RoundTrip.of(block, arrival: 0xB710_8000) == .milliseconds(6_125))
  }

  @Test func `a report that names no SR, or a time that cannot be, is no round trip (RFC 3550 §6.4.1)`() {
    var block = ReceptionReport(
      ssrc: 1, fractionLost: 0, cumulativeLost: 0, extendedHighestSequence: 0, jitter: 0, lastSenderReport: 0, delaySinceLastSenderReport: 0
    )
    #expect(RoundTrip.of(block, arrival: 99) == nil)
    (block.lastSenderReport, block.delaySinceLastSenderReport) = (1_000_000, 70_000)
    #expect(RoundTrip.of(block, arrival: 1_000_000) == nil)
    #expect(RoundTrip.of(block, arrival: 1_069_999) == .zero)
    #expect(RoundTrip.of(block, arrival: 1_000_000 + 70_000 + 61 * 65_536) == nil)
  }
}
