import LabBench
import RTP
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// What the tap of one side proves of what it sends and reports: a capture that breaks each rule, and one beside it that does not.
@Suite struct ReportRuleTests {
  /// Bob's 300 packets in six seconds, of which a part reaches Alice, and her reports of them; both as Alice's own tap has it.
  private func reported(
    isLost: (Int) -> Bool = { _ in false }, ends: Bool = true, _ compounds: [[RTCPPacket]], sent: [RTCPPacket] = []
  ) -> Packets {
    var packets = Packets()
    packets.establish()
    for index in 1...300 {
      packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
      if !isLost(index) { packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8)) }
      packets.wait(20)
    }
    if !sent.isEmpty { packets.udp(bob, 20_001, to: alice, 10_001, RTCPPacket.serialized(sent)) }
    packets.wait(10)
    for compound in compounds { packets.udp(alice, 10_001, to: bob, 20_001, RTCPPacket.serialized(compound)) }
    if ends {
      packets.udp(alice, 10_001, to: bob, 20_001, RTCPPacket.serialized([.receiverReport(ssrc: 7, []), name, .bye([7], reason: nil)]))
    }
    packets.hangUp()
    // Somebody's else, a while later.
    packets.wait(500)
    packets.udp(bob, 9_000, to: alice, 9_000, Bytes([0]))
    return packets.seen(by: alice)
  }

  private let name = RTCPPacket.cname(ssrc: 7, "alice")

  private func block(
    _ ssrc: UInt32 = 8, lost: Int32 = 0, fraction: UInt8 = 0, highest: UInt32 = 300, after report: (middle: UInt32, delay: UInt32) = (0, 0)
  ) -> [RTCPPacket] {
    let block = ReceptionReport(
      ssrc: ssrc, fractionLost: fraction, cumulativeLost: lost, extendedHighestSequence: highest, jitter: 0,
      lastSenderReport: report.middle, delaySinceLastSenderReport: report.delay)
    return [.receiverReport(ssrc: 7, [block]), name]
  }

  private func sender(_ ssrc: UInt32, packets: UInt32 = 300, timestamp: UInt32 = 48_160) -> RTCPPacket {
    .senderReport(
      ssrc: ssrc,
      RTCPPacket.SenderInformation(
        ntpTime: 0x0000_1111_2222_0000, rtpTimestamp: timestamp, packetCount: packets, octetCount: packets * 160), [])
  }

  @Test func `at the receiver's tap the reported loss is exactly what did not come (RFC 3550 §6.4.1)`() throws {
    func tenth(_ index: Int) -> Bool { index % 10 == 5 }
    #expect(try reported(isLost: tenth, [block(lost: 30, fraction: 25)]).report().finding("reported-loss") == nil)
    for (lost, fraction) in [(0, 0), (9, 25), (280, 64)] as [(Int32, UInt8)] {
      try reported(isLost: tenth, [block(lost: lost, fraction: fraction)]).expect("reported-loss", frame: 575, by: alice, .error)
    }
    try reported([block(lost: 0, fraction: 64)]).expect("reported-loss", frame: 605, by: alice, .error)
    // Two numbers may be left out before a receiver begins.
    try reported([block(lost: 2)]).expectNo("reported-loss")
  }

  @Test func `the highest number that is reported came (RFC 3550 §6.4.1)`() throws {
    for highest in [300, 65_536 + 300, 298] as [UInt32] { try reported([block(highest: highest)]).expectNo("reception-report") }
    try reported([block(highest: 10_300)]).expect("reception-report", frame: 605, by: alice)
  }

  @Test func `a report is about a source that came (RFC 3550 §6.4.1)`() throws {
    try reported([block(9)]).expect("reception-report", frame: 605, by: alice)
    // Elsewhere than at her tap nobody knows what else came to her.
    var elsewhere = Packets()
    elsewhere.establish()
    elsewhere.talk(count: 100)
    elsewhere.udp(alice, 10_001, to: bob, 20_001, RTCPPacket.serialized(block(9)))
    #expect(try elsewhere.report().finding("reception-report") == nil)
  }

  @Test func `the last sender report that is named came, and as long ago as is said (RFC 3550 §6.4.1)`() throws {
    let report = [sender(8), RTCPPacket.cname(ssrc: 8, "bob")]
    try reported([block(after: (0x1111_2222, 655))], sent: report).expectNo("reception-report")
    try reported([block(after: (0x5111_2222, 655))], sent: report).expect("reception-report", frame: 606, by: alice)
    try reported([block(after: (0x1111_2222, 655_360))], sent: report).expect("reception-report", frame: 606, by: alice)
    try reported([block(after: (0x1111_2222, 655))]).expect("reception-report", frame: 605, by: alice)
  }

  @Test func `a sender report is of the source that sends, at its stream's time (RFC 3550 §6.4.1)`() throws {
    let name = RTCPPacket.cname(ssrc: 8, "bob")
    try reported([], sent: [sender(8), name]).expectNo("sender-report")
    try reported([], sent: [sender(85), name]).expect("sender-report", frame: 605, by: bob)
    try reported([], sent: [sender(8, timestamp: 1_000_048_160), name]).expect("sender-report", frame: 605, by: bob)
    // Before much was sent under another name it may be a source that is about to.
    try reported([], sent: [sender(85, packets: 3), name]).expectNo("sender-report")
  }

  @Test func `each compound packet has a CNAME, wherever in SDES (RFC 3550 §6.1, §6.5)`() throws {
    try reported([[.receiverReport(ssrc: 7, [])]]).expect("rtcp-cname", frame: 605, by: alice)
    // NAME before CNAME, and CNAME in the second chunk.
    for items in [[2, 1, 97, 1, 1, 98, 0, 0], [2, 1, 97, 0, 0, 0, 0, 8, 1, 1, 98, 0]] as [[UInt8]] {
      let size = UInt8((items.count + 4) / 4)
      let chunks: UInt8 = items.count == 8 ? 0x81 : 0x82
      let description = RTCPPacket.other(type: 202, Bytes([chunks, 202, 0, size, 0, 0, 0, 7] + items))
      try reported([[.receiverReport(ssrc: 7, []), description]]).expectNo("rtcp-cname")
    }
    let nameless = RTCPPacket.other(type: 202, Bytes([0x81, 202, 0, 2, 0, 0, 0, 7, 2, 1, 97, 0]))
    try reported([[.receiverReport(ssrc: 7, []), nameless]]).expect("rtcp-cname", frame: 605, by: alice)
  }

  @Test func `who sent RTCP says BYE when the call ends, as its own tap shows (RFC 3550 §6.6)`() throws {
    try reported([block()]).expectNo("rtcp-bye")
    try reported(ends: false, [block()]).expect("rtcp-bye", frame: 607, by: alice)
    // Who sent no RTCP says nothing (§6.3.7), and Bob's may be lost on its way to Alice.
    try reported(ends: false, []).expectNo("rtcp-bye")
    try reported(ends: true, [], sent: [sender(8), RTCPPacket.cname(ssrc: 8, "bob")]).expectNo("rtcp-bye")
  }
}
