import LabBench
import SansIO
import Testing

@testable import Inspection

/// What RTP and RTCP are held to: a capture that breaks each rule, and one beside it that does not.
@Suite struct MediaRuleTests {
  private func octets(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
  }

  /// A call with media both ways, and what `body` adds before the BYE.
  private func call(_ count: Int = 150, offer: String = Talk.sdp(alice, 10_000), _ body: (inout Packets) -> Void) -> Packets {
    var packets = Packets()
    packets.establish(offer: offer)
    packets.talk(count: count)
    body(&packets)
    packets.hangUp()
    return packets
  }

  // MARK: - Packets

  @Test func `RTP and RTCP to described ports can be read (RFC 3550 §5.1, §6.1)`() throws {
    try call { $0.udp(bob, 20_000, to: alice, 10_000, Bytes([0x80, 0, 0, 1])) }.expect("rtp-malformed", frame: 305, by: bob)
    // 15 contributing sources that are not there.
    let short = Bytes([0x8F, 0] + octets(1, 2) + octets(160, 4) + octets(8, 4))
    try call { $0.udp(bob, 20_000, to: alice, 10_000, short) }.expect("rtp-malformed", frame: 305, by: bob)
    try call { $0.udp(bob, 20_001, to: alice, 10_001, Bytes([0x80, 200, 0, 9] + octets(8, 4))) }
      .expect("rtcp-malformed", frame: 305, by: bob)
    // What is protected is not read, and STUN is neither (RFC 7983 §7).
    var secure = Packets()
    secure.establish(
      offer: Talk.sdp(alice, 10_000).replacing("RTP/AVP", with: "RTP/SAVP"),
      answer: Talk.sdp(bob, 20_000).replacing("RTP/AVP", with: "RTP/SAVP"))
    secure.udp(bob, 20_001, to: alice, 10_001, Bytes([0x80, 200, 0, 9] + octets(8, 4)))
    #expect(try secure.report().finding("rtcp-malformed") == nil)
    let stun = Bytes([0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 7, count: 12))
    try call { $0.udp(bob, 20_000, to: alice, 10_000, stun) }.expectNo("rtp-malformed")
  }

  private func held(_ after: Int, by direction: String = "sendonly") -> Packets {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 150)
    packets.reinvite(
      cseq: 2, offer: Talk.sdp(alice, 10_000, direction: direction), answer: Talk.sdp(bob, 20_000, direction: "recvonly"))
    packets.rtp(bob, 20_000, to: alice, 10_000, ssrc: 8, (151..<151 + after).map { ($0, $0 * 160, false) })
    packets.wait(3_000)
    packets.hangUp()
    return packets
  }

  @Test func `who may not send sends nothing, and what was under way is nobody's mistake (RFC 3264 §5.1)`() throws {
    try held(20).expectNo("rtp-while-held")
    try held(100).expect("rtp-while-held", frame: 308, by: bob)
    // Who holds may play music.
    var music = Packets()
    music.establish()
    music.talk(count: 150)
    music.reinvite(cseq: 2, offer: Talk.sdp(alice, 10_000, direction: "sendonly"), answer: Talk.sdp(bob, 20_000, direction: "recvonly"))
    music.rtp(alice, 10_000, to: bob, 20_000, (151..<300).map { ($0, $0 * 160, false) })
    music.hangUp()
    try music.expectNo("rtp-while-held")
  }

  @Test func `who got a new offer may send by it before its answer is seen (RFC 3264 §5.1)`() throws {
    let talk = Talk()
    var packets = Packets()
    packets.establish()
    packets.talk(count: 150)
    packets.reinvite(cseq: 2, offer: Talk.sdp(alice, 10_000, direction: "sendonly"), answer: Talk.sdp(bob, 20_000, direction: "recvonly"))
    packets.wait(1_000)
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 3, inDialog: true, sdp: Talk.sdp(alice, 10_000)))
    packets.rtp(bob, 20_000, to: alice, 10_000, ssrc: 8, (151..<300).map { ($0, $0 * 160, false) })
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 3, "INVITE", sdp: Talk.sdp(bob, 20_000)))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 3, branch: "ack3", inDialog: true))
    packets.hangUp()
    #expect(try packets.report().finding("rtp-while-held") == nil)
  }

  @Test func `RTP follows a re-INVITE to the new port (RFC 3264 §8.3.1)`() throws {
    for follows in [true, false] {
      var packets = Packets()
      packets.establish()
      packets.talk(count: 150)
      packets.reinvite(cseq: 2, offer: Talk.sdp(alice, 10_002), answer: Talk.sdp(bob, 20_000))
      for index in 151..<350 {
        packets.udp(alice, 10_002, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
        packets.udp(bob, 20_000, to: alice, follows ? 10_002 : 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8))
        packets.wait(20)
      }
      packets.hangUp()
      if follows {
        try packets.expectNo("rtp-to-former-address")
      } else {
        try packets.expect("rtp-to-former-address", frame: 306, by: bob)
      }
    }
  }

  @Test func `a stream has one source, and a stranger is named (RFC 4961 §3)`() throws {
    func strange(_ from: IPAddress) -> Packets {
      var packets = Packets()
      packets.establish()
      for index in 1..<150 {
        packets.talk(count: 1, first: index)
        if index > 100 { packets.udp(from, 7_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 9)) }
      }
      packets.hangUp()
      return packets
    }
    try strange(carol).expect("rtp-source", frame: 207, by: carol)
    // A NAT that gives the sender another port: one after the other.
    var moved = Packets()
    moved.establish()
    moved.talk(count: 100)
    for index in 101..<200 {
      moved.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
      moved.udp(bob, 20_500, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8))
      moved.wait(20)
    }
    #expect(try moved.report().finding("rtp-source") == nil)
  }

  // MARK: - Clocks

  @Test func `speech that begins again after silence has a marker (RFC 3551 §4.1)`() throws {
    func bursts(marked: Bool) -> Packets {
      var packets = Packets()
      packets.establish()
      for (index, start) in [0, 100, 200].enumerated() {
        let plan = (0..<50).map { (index * 50 + $0, (start + $0) * 160, marked && $0 == 0) }
        packets.rtp(alice, 10_000, to: bob, 20_000, plan)
        packets.wait(1_000)
      }
      packets.rtp(bob, 20_000, to: alice, 10_000, count: 150, ssrc: 8)
      return packets
    }
    #expect(try bursts(marked: true).report().finding("marker") == nil)
    let finding = try #require(try bursts(marked: false).report().finding("marker"))
    #expect(finding.severity == .warning && finding.frame == 55 && finding.blamed?.address == alice, "\(finding)")
  }

  @Test func `the sequence number grows with each packet (RFC 3550 §5.1)`() throws {
    var packets = Packets()
    packets.establish()
    packets.rtp(alice, 10_000, to: bob, 20_000, (0..<100).map { (5, $0 * 160, false) })
    packets.rtp(bob, 20_000, to: alice, 10_000, count: 100, ssrc: 8)
    try packets.expect("sequence-still", frame: 5, by: alice)
    #expect(try call { _ in }.report().finding("sequence-still") == nil)
  }

  @Test func `a source that counts on under another SSRC is named, also with a re-INVITE (RFC 3550 §8.1)`() throws {
    func changed(first: Int) -> Packets {
      var packets = Packets()
      packets.establish()
      packets.talk(count: 150)
      packets.reinvite(cseq: 2, offer: Talk.sdp(alice, 10_000), answer: Talk.sdp(bob, 20_000))
      packets.talk(count: 150, first: first, ssrcs: (9, 8))
      packets.hangUp()
      return packets
    }
    try changed(first: 151).expect("ssrc-change", frame: 308, by: alice)
    #expect(try changed(first: 5_000).report().findings.contains { $0.check == "ssrc-change" && $0.severity != .note } == false)
  }

  // MARK: - RTCP

  /// - Parameter clocks: seconds of both clocks; 0 = none.
  private func senderReport(_ ssrc: Int, packets: Int, octets: Int, clocks: (wall: Int, media: Int) = (0, 0)) -> Bytes {
    let times = self.octets(clocks.wall, 4) + self.octets(0, 4) + self.octets(clocks.media * 8_000, 4)
    return Bytes([0x80, 200, 0, 6] + self.octets(ssrc, 4) + times + self.octets(packets, 4) + self.octets(octets, 4))
  }

  private func receiverReport(_ about: Int, lost: Int, fraction: Int = 0, jitter: Int = 0) -> Bytes {
    let report =
      [0x81, 201, 0, 7] + octets(99, 4) + octets(about, 4) + [UInt8(fraction)] + octets(lost, 3) + octets(0, 4) + octets(jitter, 4)
      + octets(0, 8)
    return Bytes(report + [0x81, 202, 0, 2] + octets(99, 4) + [1, 1, 97, 0])
  }

  @Test func `RTCP goes to the port that was agreed for it (RFC 3550 §11, RFC 3605, RFC 5761)`() throws {
    let report = senderReport(8, packets: 150, octets: 24_000)
    try call { $0.udp(bob, 20_001, to: alice, 10_001, report) }.expectNo("rtcp-port")
    try call { $0.udp(bob, 20_001, to: alice, 10_000, report) }.expect("rtcp-port", frame: 305, by: bob)
    try call { $0.udp(bob, 20_001, to: alice, 10_003, report) }.expect("rtcp-port", frame: 305, by: bob)
    let muxed = Talk.sdp(alice, 10_000, extra: "a=rtcp-mux\r\n")
    #expect(try call(offer: muxed) { $0.udp(bob, 20_000, to: alice, 10_000, report) }.report().finding("rtcp-port") == nil)
    // Who offers rtcp-mux is ready for both, until the answer has it as well (RFC 5761 §5.1.1).
    #expect(try call(offer: muxed) { $0.udp(bob, 20_001, to: alice, 10_001, report) }.report().finding("rtcp-port") == nil)
    try call(offer: muxed) { $0.udp(bob, 20_001, to: alice, 10_003, report) }.expect("rtcp-port", frame: 305, by: bob)
    let named = Talk.sdp(alice, 10_000, extra: "a=rtcp:10003\r\n")
    #expect(try call(offer: named) { $0.udp(bob, 20_001, to: alice, 10_003, report) }.report().finding("rtcp-port") == nil)
  }

  @Test func `a sender report counts what was sent (RFC 3550 §6.4.1)`() throws {
    func reported(_ first: Int, _ second: Int, octets: Int = 160) -> Packets {
      call {
        $0.udp(bob, 20_001, to: alice, 10_001, senderReport(8, packets: first, octets: first * octets))
        $0.talk(count: 150, first: 151)
        $0.udp(bob, 20_001, to: alice, 10_001, senderReport(8, packets: second, octets: second * octets))
      }
    }
    try reported(150, 300).expectNo("sender-report")
    try reported(150, 160).expect("sender-report", frame: 606, by: bob)
    try reported(150, 300, octets: 80).expect("sender-report", frame: 606, by: bob)
    try call { $0.udp(bob, 20_001, to: alice, 10_001, senderReport(8, packets: 7, octets: 1_120)) }
      .expect("sender-report", frame: 305, by: bob)
  }

  @Test func `octets of a sender report are those of the packets that it is about: Opus needs fewer later (RFC 3550 §6.4.1)`() throws {
    func reported(_ octets: Int) -> Packets {
      call {
        $0.udp(bob, 20_001, to: alice, 10_001, senderReport(8, packets: 150, octets: 24_000))
        for index in 151...300 {
          $0.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8, size: 80))
          $0.wait(20)
        }
        $0.udp(bob, 20_001, to: alice, 10_001, senderReport(8, packets: 300, octets: 24_000 + octets))
      }
    }
    try reported(12_000).expectNo("sender-report")
    try reported(18_000).expect("sender-report", frame: 456, by: bob)
    try reported(24_000).expect("sender-report", frame: 456, by: bob)
  }

  @Test func `a sender report may overtake the packets that it counts, where the jitter is wide (RFC 3550 §6.4.1)`() throws {
    /// The second half comes in tens, each ten in reverse and at once, and the last ten after the report that counts them.
    func reported(_ packets: Int, isJittery: Bool) -> Packets {
      call {
        $0.udp(bob, 20_001, to: alice, 10_001, senderReport(8, packets: 150, octets: 24_000))
        for ten in stride(from: 151, through: 281, by: 10) {
          let numbers = Array(ten..<ten + 10)
          if isJittery { $0.wait(200) }
          for index in isJittery ? numbers.reversed() : numbers {
            $0.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8))
            if !isJittery { $0.wait(20) }
          }
        }
        $0.udp(bob, 20_001, to: alice, 10_001, senderReport(8, packets: packets, octets: packets * 160, clocks: (3, 3)))
      }
    }
    try reported(305, isJittery: true).expectNo("sender-report")
    try reported(310, isJittery: false).expect("sender-report", frame: 446, by: bob)
    try reported(450, isJittery: true).expect("sender-report", frame: 446, by: bob)
  }

  @Test func `the clocks of a sender report go on with the time (RFC 3550 §6.4.1)`() throws {
    func reported(_ wall: Int, _ media: Int) -> Packets {
      call {
        $0.udp(bob, 20_001, to: alice, 10_001, senderReport(8, packets: 150, octets: 24_000, clocks: (1_000, 3)))
        $0.talk(count: 150, first: 151)
        $0.udp(bob, 20_001, to: alice, 10_001, senderReport(8, packets: 300, octets: 48_000, clocks: (1_000 + wall, 3 + media)))
      }
    }
    try reported(3, 3).expectNo("sender-report")
    try reported(0, 3).expect("sender-report", frame: 606, by: bob)
    try reported(3, 18).expect("sender-report", frame: 606, by: bob)
    try reported(3, 0).expect("sender-report", frame: 606, by: bob)
  }

  /// Bob's packets reach Alice but for every tenth; then her reports.
  private func lossy(_ reports: [Bytes]) -> Packets {
    var packets = Packets()
    packets.establish()
    for index in 1...300 {
      packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
      if index % 10 != 5 { packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8)) }
      packets.wait(20)
    }
    for report in reports { packets.udp(alice, 10_001, to: bob, 20_001, report) }
    packets.hangUp()
    return packets.seen(by: alice)
  }

  @Test func `the reported loss is that of the stream, and never falls (RFC 3550 §6.4.1)`() throws {
    #expect(try lossy([receiverReport(8, lost: 30)]).report().finding("reported-loss") == nil)
    try lossy([receiverReport(8, lost: 2, fraction: 25)]).expect("reported-loss", frame: 575, by: alice)
    try lossy([receiverReport(8, lost: 30), receiverReport(8, lost: 25)]).expect("reported-loss", frame: 576, by: alice)
  }

  @Test func `the reported loss falls by the packets that came late, and by no more (RFC 3550 §6.4.1)`() throws {
    func reported(_ before: Int, _ after: Int) -> Packets {
      var packets = Packets()
      packets.establish()
      func send(_ index: Int) { packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8)) }
      for index in 1...300 {
        packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
        // Ten of them come after the report that misses them.
        if !(141...150).contains(index) { send(index) }
        if index == 155 {
          packets.udp(alice, 10_001, to: bob, 20_001, receiverReport(8, lost: before))
          for late in 141...150 { send(late) }
        }
        packets.wait(20)
      }
      packets.udp(alice, 10_001, to: bob, 20_001, receiverReport(8, lost: after))
      packets.hangUp()
      return packets.seen(by: alice)
    }
    try reported(10, 0).expectNo("reported-loss")
    try reported(20, 3).expect("reported-loss", frame: 606, by: alice)
  }

  @Test func `the reported jitter is that of the stream, where the tap is the receiver's (RFC 3550 §6.4.1)`() throws {
    func reported(_ jitter: Int) -> Packets {
      call { $0.udp(alice, 10_001, to: bob, 20_001, receiverReport(8, lost: 0, jitter: jitter)) }
    }
    try reported(8).seen(by: alice).expectNo("reported-jitter")
    try reported(800).seen(by: alice).expect("reported-jitter", frame: 305, by: alice)
    try reported(800).seen(by: bob).expectNo("reported-jitter")
  }
}
