import SansIO
import Testing

@testable import RTP

@Suite struct RTPPacketTests {
  @Test func `a packet comes back from its bytes (RFC 3550 §5.1)`() throws {
    let packet = RTPPacket(
      payloadType: 8, marker: true, sequenceNumber: 65_535, timestamp: 0xFFFF_FF00, ssrc: 0xDEAD_BEEF, payload: [1, 2, 3])
    #expect(packet.serialized().array == [0x80, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3])
    #expect(try RTPPacket.parse(packet.serialized()) == packet)
  }

  @Test func `contributing sources, extension and padding are passed over (RFC 3550 §5.1, §5.3.1)`() throws {
    let header: [UInt8] = [0xB1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
    let rest: [UInt8] = [9, 9, 9, 9, 0xBE, 0xDE, 0, 1, 7, 7, 7, 7, 42, 0, 0, 3]
    #expect(try RTPPacket.parse(Bytes(header + rest)).payload == [42])
  }

  @Test(
    arguments: [
      ([], RTPError.short(0)), ([UInt8](repeating: 0, count: 12), .version(0)), ([0x8F] + [UInt8](repeating: 0, count: 11), .header),
      ([0xA0] + [UInt8](repeating: 0, count: 11), .padding(0)), ([0xA0] + [UInt8](repeating: 0, count: 10) + [13], .padding(13)),
      ([0x90] + [UInt8](repeating: 0, count: 11), .header),
    ] as [([UInt8], RTPError)])
  func `what is no RTP names the rule`(bytes: [UInt8], error: RTPError) {
    #expect(throws: error) { try RTPPacket.parse(Bytes(bytes)) }
  }
}

@Suite struct RTCPPacketTests {
  @Test func `a compound of SR, SDES and BYE comes back from its bytes (RFC 3550 §6.1)`() throws {
    let report = ReceptionReport(
      ssrc: 7, fractionLost: 64, cumulativeLost: -2, extendedHighestSequence: 70_000, jitter: 12, lastSenderReport: 5,
      delaySinceLastSenderReport: 6)
    let packets: [RTCPPacket] = [
      .senderReport(ssrc: 1, .init(ntpTime: 0x1234_5678_9ABC_DEF0, rtpTimestamp: 2, packetCount: 3, octetCount: 4), [report]),
      .cname(ssrc: 1, "lab@192.0.2.1"), .bye([1], reason: "done"),
    ]
    #expect(try RTCPPacket.parse(RTCPPacket.serialized(packets)) == packets)
  }

  @Test func `a compound begins with a report and its lengths add up (RFC 3550 §A.2)`() {
    #expect(throws: RTPError.firstPacket(202)) { try RTCPPacket.parse(RTCPPacket.serialized([.cname(ssrc: 1, "abc")])) }
    var bytes = RTCPPacket.serialized([.receiverReport(ssrc: 1, [])]).array
    bytes[3] = 9
    #expect(throws: RTPError.length) { try RTCPPacket.parse(Bytes(bytes)) }
  }

  @Test func `NTP time counts from 1900 (RFC 3550 §4)`() {
    let time = NTPTime.at(Instant(nanoseconds: 500_000_000), epoch: Epoch(unixSeconds: 0))
    #expect(time == UInt64(2_208_988_800) << 32 | 0x8000_0000)
  }
}

@Suite struct ReceptionStatisticsTests {
  private func feed(_ sequences: [UInt16], spacing: Int64 = 20_000_000) -> ReceptionStatistics {
    var statistics = ReceptionStatistics(ssrc: 1, firstSequence: sequences[0], clockRate: 8000)
    for (index, sequence) in sequences.enumerated() {
      let ticks = UInt32(sequence &- sequences[0]) * 160
      statistics.receive(sequence: sequence, timestamp: ticks, at: Instant(nanoseconds: Int64(index) * spacing))
    }
    return statistics
  }

  @Test func `loss is expected less received, over a wrap of the sequence number (RFC 3550 §A.3)`() {
    let statistics = feed([65_533, 65_534, 65_535, 1, 2, 4])
    #expect(statistics.expected == 8)
    #expect(statistics.lost == 2)
    #expect(statistics.extendedHighestSequence == 65_536 + 4)
  }

  @Test func `a packet that comes twice makes the loss negative, one that comes late makes none (RFC 3550 §6.4.1)`() {
    #expect(feed([1, 2, 2, 3]).lost == -1)
    #expect(feed([1, 3, 2, 4]).lost == 0)
  }

  @Test func `a duplicate and one that was overtaken are not ahead, the next is, over the wrap as well (RFC 3550 §A.1)`() {
    let statistics = feed([65_534, 65_535])
    #expect([65_535, 65_534, 65_000].allSatisfy { !statistics.isAhead($0) })
    #expect(statistics.isAhead(0) && statistics.isAhead(3))
  }

  @Test func `a jump counts when two packets in a row say so (RFC 3550 §A.1)`() {
    #expect(feed([1, 2, 30_000, 3]).lost == 0)
    let restarted = feed([1, 2, 30_000, 30_001, 30_002])
    #expect(restarted.extendedHighestSequence == 30_002)
    #expect(restarted.lost == 0)
  }

  @Test func `the fraction lost covers the interval since the last report (RFC 3550 §A.3)`() {
    var statistics = feed([1, 2, 3, 5])
    #expect(statistics.report(lastSenderReport: 0, delaySinceLastSenderReport: 0).fractionLost == 51)
    #expect(statistics.report(lastSenderReport: 0, delaySinceLastSenderReport: 0).fractionLost == 0)
  }

  @Test func `an even stream has no jitter, and a constant 10 ms of difference approaches 10 ms (RFC 3550 §A.8)`() {
    #expect(feed(Array(1...50)).jitter == 0)
    var statistics = ReceptionStatistics(ssrc: 1, firstSequence: 0, clockRate: 8000)
    for index in 0..<400 {
      let late: Int64 = index % 2 == 0 ? 0 : 10_000_000
      statistics.receive(
        sequence: UInt16(index), timestamp: UInt32(index * 160), at: Instant(nanoseconds: Int64(index) * 20_000_000 + late))
    }
    #expect((79...80).contains(statistics.jitter))
  }

  @Test func `RTCP leaves after 2.05 to 6.16 s, the first after half of it (RFC 3550 §6.3.1)`() {
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<100 {
      #expect((1_026_000_000...3_079_000_000).contains(RTCPInterval.next(isFirst: true, using: &generator)))
      #expect((2_052_000_000...6_157_000_000).contains(RTCPInterval.next(isFirst: false, using: &generator)))
    }
  }
}
