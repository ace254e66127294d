import LabBench
import SansIO
import Testing

@testable import WireReader

/// What makes a datagram one that was captured twice.
@Suite struct CopiedFramesTests {
  private let source = TransportAddress(alice, port: 10_000)
  private let destination = TransportAddress(bob, port: 20_000)
  private let packet = rtpPacket(0, 1, 160, 7)

  /// Two datagrams, so many microseconds apart.
  private func isCopy(_ first: (UInt32, Bytes), _ second: (UInt32, Bytes), after microseconds: Int64, at begin: Int64 = 1_000_000_000)
    -> Bool
  {
    var frames = CopiedFrames()
    let isFirst = frames.isCopy(source, destination, identification: first.0, first.1, at: begin)
    let end = begin == 0 ? 0 : begin + microseconds * 1_000
    return !isFirst && frames.isCopy(source, destination, identification: second.0, second.1, at: end)
  }

  @Test func `the same identification and bytes within five milliseconds are a copy (RFC 791 §3.2)`() {
    #expect(isCopy((5, packet), (5, packet), after: 100) && isCopy((5, packet), (5, packet), after: 5_000))
    #expect(!isCopy((5, packet), (5, packet), after: 5_001), "so late it was sent again")
    #expect(!isCopy((5, packet), (6, packet), after: 100), "sent twice, or doubled on its way")
    #expect(!isCopy((5, packet), (5, rtpPacket(0, 2, 320, 7)), after: 100))
  }

  @Test func `without an identification the time has to say more, and without a time nothing is said`() {
    #expect(isCopy((0, packet), (0, packet), after: 1_000) && !isCopy((0, packet), (0, packet), after: 1_001))
    #expect(!isCopy((5, packet), (5, packet), after: 0, at: 0), "Simple Packet Blocks have no time")
  }

  @Test func `SIP is compared to its last byte`() {
    let (one, other) = (Talk().request("OPTIONS", cseq: 1), Talk().request("OPTIONS", cseq: 2))
    #expect(one.count == other.count && !isCopy((0, one), (0, other), after: 10) && isCopy((0, one), (0, one), after: 10))
  }
}
