import LabBench
import RTP
import SansIO
import Testing

@testable import Inspection

/// What a bad way makes of media and of reports is nobody's mistake, and beside it the mistake itself.
@Suite struct LossyWayRuleTests {
  /// - Parameter seconds: of both clocks.
  private func senderReport(_ packets: Int, at seconds: Double) -> Bytes {
    let information = RTCPPacket.SenderInformation(
      ntpTime: UInt64(seconds * 4_294_967_296), rtpTimestamp: UInt32(seconds * 8_000), packetCount: UInt32(packets),
      octetCount: UInt32(packets * 160))
    return RTCPPacket.serialized([.senderReport(ssrc: 8, information, []), .cname(ssrc: 8, "bob")])
  }

  private func receiverReport(jitter: UInt32) -> Bytes {
    let block = ReceptionReport(
      ssrc: 8, fractionLost: 0, cumulativeLost: 0, extendedHighestSequence: 300, jitter: jitter, lastSenderReport: 0,
      delaySinceLastSenderReport: 0)
    return RTCPPacket.serialized([.receiverReport(ssrc: 7, [block]), .cname(ssrc: 7, "alice")])
  }

  /// A call in which Bob's packets of these numbers come, each in its time, with what is sent behind some of them.
  private func call(_ numbers: Int, isLost: (Int) -> Bool, behind: [Int: Bytes]) -> Packets {
    var packets = Packets()
    packets.establish()
    for index in 1...numbers {
      packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
      if !isLost(index) { packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8)) }
      packets.wait(20)
      if let report = behind[index] { packets.udp(bob, 20_001, to: alice, 10_001, report) }
    }
    packets.hangUp()
    return packets
  }

  private func accuses(_ check: String, _ packets: Packets, atTapOf host: IPAddress = alice) throws -> Bool {
    try packets.seen(by: host).report().finding(check) != nil
  }

  @Test func `what of a stream was lost before its first packet came its sender counts (RFC 3550 §6.4.1)`() throws {
    func headless(_ count: Int) -> Packets { call(150, isLost: { $0 <= 40 }, behind: [150: senderReport(count, at: 3)]) }
    #expect(try !accuses("sender-report", headless(150)))
    // There was no time for so many, at its own tap nothing is lost, and so few are not those that came.
    #expect(try accuses("sender-report", headless(190)))
    #expect(try accuses("sender-report", headless(150), atTapOf: bob))
    #expect(try accuses("sender-report", headless(60)))
  }

  @Test func `a packet whose bit was flipped on the way accuses nobody at either end, and one that came so does (RFC 3550 §5.1)`() throws {
    var packets = Packets()
    packets.establish()
    for index in 1...150 {
      packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
      packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160) ^ (index == 75 ? 1 << 20 : 0), 8))
      packets.wait(20)
    }
    packets.hangUp()
    let damaged = try #require(packets.records.firstIndex { $0.payload == rtpPacket(0, 75, 75 * 160 ^ 1 << 20, 8) }) + 1
    for host in [alice, bob] {
      #expect(try packets.seen(by: host).report().accusations.contains("timestamp-jump"))
      let report = try packets.corrupted(frame: damaged).seen(by: host).report()
      #expect(report.accusations.isEmpty)
      #expect(try #require(report.finding("timestamp-jump")).severity == .note)
    }
    // Who has another call on the same host answers for it.
    #expect(try packets.corrupted(frame: 1).seen(by: alice).report().accusations.contains("timestamp-jump"))
  }

  @Test func `a resume whose ACK with the answer is lost lets the other side send by that answer (RFC 3264 §8.3.2)`() throws {
    // Held, then a re-INVITE without an offer: the 200 has it, and the answer in the ACK does not come.
    func resumed(asks: Bool) -> Packets {
      let (talk, quiet) = (Talk(), "inactive")
      var packets = Packets()
      packets.establish()
      packets.talk(count: 20)
      packets.reinvite(cseq: 2, offer: Talk.sdp(alice, 10_000, direction: quiet), answer: Talk.sdp(bob, 20_000, direction: quiet))
      packets.wait(1_000)
      if asks {
        packets.udp(alice, to: bob, talk.request("INVITE", cseq: 3, inDialog: true))
        packets.wait(10)
        packets.udp(bob, to: alice, talk.response("200 OK", cseq: 3, "INVITE", sdp: Talk.sdp(bob, 20_000)))
      }
      for index in 1...150 {
        packets.wait(20)
        packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(100 + index), UInt32((100 + index) * 160), 7))
      }
      packets.hangUp()
      return packets
    }
    #expect(try !accuses("rtp-while-held", resumed(asks: true), atTapOf: bob))
    #expect(try accuses("rtp-while-held", resumed(asks: false), atTapOf: bob))
  }

  @Test func `who leaves out numbers may count what it sent: a sender report of less than came is wrong (RFC 3550 §6.4.1)`() throws {
    // An echo that keeps the numbers of what it heard, three of four; and the second report of the two.
    func echo(_ counts: [(at: Int, count: Int)]) -> Packets {
      call(
        300, isLost: { $0 % 4 == 0 },
        behind: Dictionary(uniqueKeysWithValues: counts.map { ($0.at, senderReport($0.count, at: Double($0.at) / 50)) }))
    }
    #expect(try !accuses("sender-report", echo([(300, 225)])))
    #expect(try accuses("sender-report", echo([(300, 150)])))
    #expect(try !accuses("sender-report", echo([(100, 75), (300, 225)])))
    #expect(try accuses("sender-report", echo([(100, 75), (300, 160)])))
    #expect(try accuses("sender-report", echo([(100, 75), (300, 350)])))
  }

  @Test func `what of a stream was lost behind the last packet that came its sender counts (RFC 3550 §6.4.1)`() throws {
    func tail(_ lost: ClosedRange<Int>, _ counts: [(at: Int, count: Int)]) -> Packets {
      call(
        300, isLost: lost.contains,
        behind: Dictionary(uniqueKeysWithValues: counts.map { ($0.at, senderReport($0.count, at: Double($0.at) / 50)) }))
    }
    #expect(try !accuses("sender-report", tail(201...250, [(100, 100), (250, 250)])))
    #expect(try !accuses("sender-report", tail(101...150, [(150, 150), (300, 300)])))
    #expect(try accuses("sender-report", tail(201...250, [(100, 100), (250, 330)])))
    #expect(try accuses("sender-report", tail(101...150, [(150, 150), (300, 170)])))
    // It is counted from the next report on as well.
    #expect(try accuses("sender-report", tail(101...150, [(150, 150), (200, 200), (300, 230)])))
  }

  @Test func `who answers may count from the ACK on, what is lost before it or not (RFC 3261 §13.3.1.4, RFC 3550 §6.4.1)`() throws {
    func reported(_ lost: Int32, acknowledged: Int) -> Packets {
      let talk = Talk()
      var packets = Packets()
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
      packets.udp(bob, to: alice, talk.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
      for index in 1...300 {
        if index == acknowledged { packets.udp(alice, to: bob, talk.request("ACK", cseq: 1, branch: "ack", inDialog: true)) }
        // Two in five are lost.
        if index % 5 < 3 { packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7)) }
        packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8))
        packets.wait(20)
      }
      let block = ReceptionReport(
        ssrc: 7, fractionLost: 102, cumulativeLost: lost, extendedHighestSequence: 300, jitter: 0, lastSenderReport: 0,
        delaySinceLastSenderReport: 0)
      packets.udp(bob, 20_001, to: alice, 10_001, RTCPPacket.serialized([.receiverReport(ssrc: 8, [block]), .cname(ssrc: 8, "bob")]))
      packets.hangUp()
      return packets
    }
    for lost in [118, 90] as [Int32] { #expect(try !accuses("reported-loss", reported(lost, acknowledged: 76), atTapOf: bob)) }
    for lost in [10, 140] as [Int32] { #expect(try accuses("reported-loss", reported(lost, acknowledged: 76), atTapOf: bob)) }
    #expect(try accuses("reported-loss", reported(90, acknowledged: 1), atTapOf: bob))
  }

  @Test func `a receiver may begin with any of the packets that overtake each other (RFC 3550 §A.1)`() throws {
    func reported(_ lost: Int32, isJittery: Bool) -> Packets {
      var packets = Packets()
      packets.establish()
      for ten in stride(from: 1, through: 291, by: 10) {
        let numbers = Array(ten..<ten + 10)
        if isJittery { packets.wait(200) }
        for index in isJittery ? numbers.reversed() : numbers {
          packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
          packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8))
          if !isJittery { packets.wait(20) }
        }
      }
      let block = ReceptionReport(
        ssrc: 8, fractionLost: 0, cumulativeLost: lost, extendedHighestSequence: 300, jitter: 800, lastSenderReport: 0,
        delaySinceLastSenderReport: 0)
      packets.udp(alice, 10_001, to: bob, 20_001, RTCPPacket.serialized([.receiverReport(ssrc: 7, [block]), .cname(ssrc: 7, "alice")]))
      packets.hangUp()
      return packets
    }
    let findings = try reported(0, isJittery: true).seen(by: alice).report().findings
    #expect(!findings.contains { $0.check == "reported-loss" }, "\(findings)")
    #expect(try accuses("reported-loss", reported(60, isJittery: true)))
    #expect(try accuses("reported-loss", reported(12, isJittery: false)))
  }

  @Test func `behind a queue that was full numbers and timestamps are missing alike, and nothing leaps (RFC 3550 §5.1)`() throws {
    func squeezed(leap: Int) throws -> InspectionReport {
      var packets = Packets()
      packets.establish(offer: Talk.sdp(alice, 10_000, direction: "sendonly"), answer: Talk.sdp(bob, 20_000, direction: "recvonly"))
      func plan(_ range: Range<Int>, _ leap: Int = 0) -> [(sequence: Int, timestamp: Int, marker: Bool)] {
        range.map { ($0, $0 * 160 + leap, false) }
      }
      packets.rtp(alice, 10_000, to: bob, 20_000, plan(0..<50))
      // One in four finds room, and waits longer and longer.
      packets.rtp(alice, 10_000, to: bob, 20_000, every: 60, plan(50..<100))
      packets.rtp(alice, 10_000, to: bob, 20_000, plan(200..<300, leap))
      return try packets.report()
    }
    let report = try squeezed(leap: 0)
    #expect(report.finding("timestamp-jump") == nil && report.finding("sequence-restart") == nil, "\(report.findings)")
    #expect(try squeezed(leap: 80_000).finding("sequence-restart") != nil)
  }

  @Test func `the jitter of packets that come late is jitter (RFC 3550 §6.4.1)`() throws {
    func reported(_ jitter: UInt32) -> Packets {
      var packets = Packets()
      packets.establish()
      // Of each ten one comes a hundred milliseconds late, behind five that it should have been before.
      let order = (0..<30).flatMap { ten in [0, 2, 3, 4, 5, 6, 1, 7, 8, 9].map { ten * 10 + $0 + 1 } }
      for (index, number) in zip(1..., order) {
        packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
        packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(number), UInt32(number * 160), 8))
        packets.wait(20)
      }
      packets.udp(alice, 10_001, to: bob, 20_001, receiverReport(jitter: jitter))
      packets.hangUp()
      return packets
    }
    #expect(try !accuses("reported-jitter", reported(26 * 8)))
    #expect(try accuses("reported-jitter", reported(600 * 8)))
  }
}
