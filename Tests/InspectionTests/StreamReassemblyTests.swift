import LabBench
@testable import Capture
import SIPMessage
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

@Suite struct StreamReassemblyTests {
  private let talk = Talk()
  private var invite: Bytes { talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)) }
  private var bye: Bytes { talk.request("BYE", cseq: 2, inDialog: true) }

  /// Alice's side of a connection: (offset, bytes) of its stream, in this order.
  private func stream(_ pieces: [(Int, Bytes)], ackedUpTo: Int? = nil, syn: Bool = true) throws -> InspectionReport {
    var packets = Packets()
    if syn { packets.tcp(alice, 40_000, to: bob, 5_060, .syn, at: 999) }
    for (offset, bytes) in pieces { packets.tcp(alice, 40_000, to: bob, 5_060, at: 1_000 &+ UInt32(offset), bytes) }
    if let ackedUpTo { packets.tcp(bob, 5_060, to: alice, 40_000, .ack, at: 1, ack: 1_000 &+ UInt32(ackedUpTo)) }
    return try packets.report()
  }

  @Test func `two messages in one segment and one message in many are read (RFC 3261 §18.3)`() throws {
    let all = Bytes(invite.array + bye.array)
    #expect(try stream([(0, all)]).counts.total == 2)
    let pieces = stride(from: 0, to: all.count, by: 7).map { ($0, all[$0..<min($0 + 7, all.count)]) }
    let report = try stream(pieces)
    #expect(report.counts.total == 2 && report.counts.unreadable == 0)
    #expect(report.stories.first?.conversation.first.frame == 2 + (invite.count - 1) / 7, "a message stands where its last byte came")
  }

  @Test func `segments out of order, doubled and overlapping give each byte once (RFC 9293 §3.4)`() throws {
    let all = Bytes(invite.array + bye.array)
    let report = try stream([
      (200, all[200..<400]), (0, all[0..<100]), (0, all[0..<100]), (50, all[50..<250]), (300, all[300..<all.count]), (200, all[200..<400]),
    ])
    #expect(report.counts.total == 2 && report.counts.unreadable == 0 && report.connections.lost == 0)
    #expect(report.connections.retransmissions == 2)
  }

  @Test func `sequence numbers wrap (RFC 9293 §3.4)`() throws {
    var packets = Packets()
    packets.tcp(alice, 40_000, to: bob, 5_060, .syn, at: 0xFFFF_FF00)
    packets.tcp(alice, 40_000, to: bob, 5_060, at: 0xFFFF_FF01, invite)
    packets.tcp(alice, 40_000, to: bob, 5_060, at: 0xFFFF_FF01 &+ UInt32(invite.count), bye)
    #expect(try packets.report().counts.total == 2)
  }

  @Test func `what the peer acknowledged and the capture does not have is told, and the next message is read`() throws {
    let all = Bytes(invite.array + bye.array)
    let report = try stream([(0, all[0..<100]), (250, all[250..<all.count])], ackedUpTo: all.count)
    let gap = try #require(report.finding("tcp-gap"))
    #expect(gap.text.hasPrefix("150 bytes") && gap.severity == .note && report.connections.lost == 150)
    #expect(report.counts.requests.map(\.method) == ["BYE"], "nothing is glued together across the gap")
  }

  @Test func `a hole that nobody fills comes out at the end`() throws {
    let report = try stream([(0, invite[0..<100]), (invite.count, bye)])
    #expect(report.counts.requests.map(\.method) == ["BYE"] && report.connections.lost == invite.count - 100)
  }

  @Test func `a connection older than the capture is read from its next message on`() throws {
    let report = try stream([(0, Bytes(invite[100..<invite.count].array + bye.array))], syn: false)
    #expect(report.counts.requests.map(\.method) == ["BYE"] && report.connections.beganInTheMiddle == 1)
    #expect(report.counts.unreadable == 0)
  }

  @Test func `after a message that cannot be read the next one is found`() throws {
    let broken = Bytes(invite.text.replacing("From:", with: "From"))
    let report = try stream([(0, Bytes(broken.array + bye.array))])
    #expect(report.counts.unreadable == 1 && report.counts.requests.map(\.method) == ["BYE"])
  }

  @Test func `Content-Length is missed on a stream (RFC 3261 §18.3)`() throws {
    let unframed = Bytes(talk.request("OPTIONS", cseq: 1).text.replacing("Content-Length: 0\r\n", with: ""))
    let report = try stream([(0, Bytes(unframed.array + bye.array))])
    #expect(report.counts.total == 2 && report.finding("content-length")?.frame == 2)
  }

  @Test func `keep-alives and other protocols are no messages (RFC 5626 §3.5.1)`() throws {
    #expect(try stream([(0, "\r\n\r\n"), (4, invite), (4 + invite.count, "\r\n")]).counts.total == 1)
    let other = try stream([(0, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), (27, Bytes([UInt8](repeating: 200, count: 20_000)))])
    #expect(other.counts.total == 0 && other.counts.unreadable == 0 && other.connections.otherBytes == 20_027)
  }

  @Test func `a port used anew is a new connection`() throws {
    var packets = Packets()
    for start in [1_000, 70_000] as [UInt32] {
      packets.tcp(alice, 40_000, to: bob, 5_060, .syn, at: start)
      packets.tcp(alice, 40_000, to: bob, 5_060, at: start + 1, start == 1_000 ? invite : bye)
      packets.tcp(alice, 40_000, to: bob, 5_060, [.fin, .ack], at: start + 1 + UInt32(start == 1_000 ? invite.count : bye.count))
    }
    let report = try packets.report()
    #expect(report.counts.total == 2 && report.connections.connections == 2)
  }
}

@Suite struct FragmentTests {
  private func fragment(_ bytes: Bytes, at offset: Int, isLast: Bool, number: UInt32 = 1, isCut: Bool = false) -> IPFragment {
    IPFragment(
      source: alice, destination: bob, protocolNumber: 17, identification: number, offset: offset, isLast: isLast, payload: 0..<bytes.count,
      isCut: isCut)
  }

  private let all = Bytes((0..<100).map { UInt8($0) })

  @Test func `fragments in any order, and doubled, are put together (RFC 791 §3.2)`() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 0, 1, 2], [2, 2, 0, 1]] {
      var table = FragmentTable()
      var whole: Bytes?
      for index in order {
        let range = index * 40..<min(index * 40 + 40, 100)
        if let joined = table.take(fragment(all[range], at: range.lowerBound, isLast: index == 2), all[range]) { whole = joined.payload }
      }
      #expect(whole == all, "\(order)")
    }
  }

  @Test func `other packets' parts, overlaps and cut parts make nothing (RFC 5722)`() {
    var table = FragmentTable()
    #expect(table.take(fragment(all[0..<40], at: 0, isLast: false, number: 1), all[0..<40]) == nil)
    #expect(table.take(fragment(all[40..<100], at: 40, isLast: true, number: 2), all[40..<100]) == nil)
    #expect(table.take(fragment(all[20..<80], at: 20, isLast: true, number: 1), all[20..<80]) == nil)
    #expect(table.take(fragment(all[0..<10], at: 0, isLast: false, number: 3, isCut: true), all[0..<10]) == nil)
    table.finish()
    #expect(table.incomplete >= 3)
  }

  @Test func `a thousand packets without their ends keep a hundred`() {
    var table = FragmentTable()
    for number in 0..<1_000 { _ = table.take(fragment(all, at: 0, isLast: false, number: UInt32(number)), all) }
    #expect(table.incomplete == 1_000 - 128)
  }
}
