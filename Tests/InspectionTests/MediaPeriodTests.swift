import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// Media belongs to addresses and a time: each agreement is judged by its own packets, whatever way the signalling took.
@Suite struct MediaPeriodTests {
  private let talk = Talk()
  private let proxy = IPAddress(v4: 0xCB00_7150)

  private func texts(_ report: InspectionReport, _ check: String) -> [String] {
    report.findings.filter { $0.check == check }.map(\.text)
  }

  /// A call of Alice to Bob through a B2BUA, whose legs have a Call-ID each.
  private func throughB2BUA(_ media: (inout Packets) -> Void) -> Packets {
    var packets = Packets()
    var legs = [(Talk(callID: "leg-a"), alice, proxy), (Talk(callID: "leg-b"), proxy, bob)]
    for index in legs.indices { legs[index].0.hosts = (legs[index].1, legs[index].2) }
    for (leg, from, to) in legs {
      packets.udp(from, to: to, leg.request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)))
      packets.wait(5)
    }
    for (leg, from, to) in legs.reversed() {
      packets.udp(to, to: from, leg.response("200 OK", cseq: 1, "INVITE", sdp: Talk.sdp(bob, 20_000)))
      packets.wait(5)
    }
    for (leg, from, to) in legs { packets.udp(from, to: to, leg.request("ACK", cseq: 1, branch: "ack", inDialog: true)) }
    media(&packets)
    for (leg, from, to) in legs {
      packets.udp(from, to: to, leg.request("BYE", cseq: 2, inDialog: true))
      packets.udp(to, to: from, leg.response("200 OK", cseq: 2, "BYE"))
    }
    return packets
  }

  @Test func `media that goes past a B2BUA serves both legs, and accuses neither (RFC 3264 §5.1)`() throws {
    let report = try throughB2BUA { $0.talk(count: 300) }.report()
    #expect(report.accusations.isEmpty, "\(report.findings)")
    #expect(report.streams.count == 2 && report.streams.allSatisfy { $0.conversations == [1, 2] })
    #expect(!report.text().contains { $0.contains("(to itself)") }, "RTP goes between the hosts of the media")
  }

  @Test func `one-way audio past a B2BUA is named once, by the address of the media and not the B2BUA's (RFC 3264 §5.1)`() throws {
    let report = try throughB2BUA { $0.rtp(alice, 10_000, to: bob, 20_000, count: 300) }.report()
    let said = texts(report, "one-way-audio")
    #expect(said.count == 1 && said.first?.contains("none from \(bob)") == true && said.first?.contains("\(proxy)") == false, "\(said)")
  }

  @Test func `a side that is silent since a re-INVITE is named with it, also where the words stayed the same (RFC 3264 §8)`() throws {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 200)
    packets.reinvite(cseq: 2, offer: Talk.sdp(alice, 10_000), answer: Talk.sdp(bob, 20_000))
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 300, first: 201)
    packets.hangUp()
    let report = try packets.report()
    let said = try #require(texts(report, "one-way-audio").first)
    #expect(said.contains("since the answer in frame 406") && said.contains("none from \(bob)"), "\(said)")
    #expect(report.accusations == ["one-way-audio"])
  }

  @Test func `a call that was held and resumed is silent while held, and nobody is accused (RFC 3264 §8.4)`() throws {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 150)
    packets.reinvite(
      cseq: 2, offer: Talk.sdp(alice, 10_000, direction: "sendonly"), answer: Talk.sdp(bob, 20_000, direction: "recvonly"))
    packets.wait(20_000)
    packets.reinvite(cseq: 3, offer: Talk.sdp(alice, 10_000), answer: Talk.sdp(bob, 20_000))
    packets.talk(count: 150, first: 151)
    packets.hangUp()
    let report = try packets.report()
    #expect(report.accusations.isEmpty, "\(report.findings)")
    #expect(report.streams.map(\.periods.count) == [2, 2])
  }

  @Test func `numbers that are counted on while a side may not send are lost nowhere (RFC 3264 §5.1, §8.4)`() throws {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 150)
    packets.reinvite(
      cseq: 2, offer: Talk.sdp(alice, 10_000, direction: "sendonly"), answer: Talk.sdp(bob, 20_000, direction: "recvonly"))
    packets.wait(1_000)
    packets.reinvite(cseq: 3, offer: Talk.sdp(alice, 10_000), answer: Talk.sdp(bob, 20_000))
    packets.talk(count: 150, first: 201)
    packets.hangUp()
    let report = try packets.report()
    let streams = Dictionary(uniqueKeysWithValues: report.streams.map { ($0.key.ssrc, $0) })
    #expect(streams[8]?.lost == 0 && streams[8]?.heldNumbers == 50 && streams[8]?.differences == [.heldNumbers])
    #expect(streams[7]?.lost == 50, "Alice might send: her packets are lost")
  }

  @Test func `RTP that stops, or begins long after the answer, is named with its sender (RFC 3264 §5.1)`() throws {
    var packets = Packets()
    packets.establish()
    packets.rtp(alice, 10_000, to: bob, 20_000, (1..<301).map { ($0, $0 * 160, false) })
    packets.talk(count: 200, first: 301)
    packets.rtp(alice, 10_000, to: bob, 20_000, (501..<1_501).map { ($0, $0 * 160, false) })
    packets.hangUp()
    let report = try packets.report()
    #expect(texts(report, "media-late").first?.hasPrefix("RTP from \(bob):20000 begins 6.0") == true, "\(report.findings)")
    #expect(texts(report, "media-stops").first?.hasPrefix("RTP from \(bob):20000 stops 20.") == true)
    #expect(report.accusations.count == 2)
  }

  @Test func `two calls after each other on the same ports with the same SSRC are two streams (RFC 3550 §8.1)`() throws {
    var packets = Packets()
    for name in ["first", "second"] {
      let one = Talk(callID: name)
      packets.establish(one)
      packets.talk(count: 150)
      packets.hangUp(one)
      packets.wait(1_000)
    }
    let report = try packets.report()
    #expect(report.accusations.isEmpty, "\(report.findings)")
    #expect(report.streams.map(\.conversations) == [[1], [1], [2], [2]] && report.streams.allSatisfy { $0.lost == 0 })
    #expect(report.streams.map(\.differences) == [[], [], [.laterCall], [.laterCall]])
  }

  @Test func `a payload type is judged by what was asked for at its time (RFC 3264 §8.3.2)`() throws {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 50)
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 2, inDialog: true, sdp: Talk.sdp(alice, 10_000, formats: "8 101")))
    packets.talk(count: 100, first: 51)
    packets.udp(bob, to: alice, talk.response("200 OK", cseq: 2, "INVITE", sdp: Talk.sdp(bob, 20_000, formats: "8 101")))
    packets.udp(alice, to: bob, talk.request("ACK", cseq: 2, branch: "ack2", inDialog: true))
    packets.talk(count: 30, first: 151, types: (8, 0))
    var right = packets
    right.talk(count: 200, first: 181, types: (8, 8))
    #expect(try right.report().finding("rtp-payload-type") == nil, "until the answer, and for what is on its way")
    packets.talk(count: 200, first: 181, types: (8, 0))
    let said = texts(try packets.report(), "rtp-payload-type")
    #expect(said == ["\(bob):20000 sends payload type 0, which \(alice):10000 did not describe"])
  }

  @Test func `RTP to a port that nobody asked for is named with the one that was (RFC 3264 §5.1)`() throws {
    var packets = Packets()
    packets.establish()
    for index in 0..<200 {
      packets.udp(alice, 10_000, to: bob, 20_004, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
      packets.udp(bob, 20_000, to: alice, 10_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 8))
      packets.wait(20)
    }
    packets.hangUp()
    let said = try #require(texts(try packets.report(), "media-port").first)
    #expect(said.contains("to \(bob):20004") && said.contains("says \(bob):20000"), "\(said)")
  }

  @Test func `a report belongs to the addresses between which it goes, and not to every leg with its SSRC (RFC 3550 §6.4)`() throws {
    var packets = Packets()
    packets.establish(Talk(callID: "a"), offer: Talk.sdp(alice, 10_000), answer: Talk.sdp(proxy, 30_000))
    packets.establish(Talk(callID: "b"), offer: Talk.sdp(proxy, 30_002), answer: Talk.sdp(bob, 20_000))
    for index in 0..<200 {
      packets.udp(alice, 10_000, to: proxy, 30_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
      packets.udp(proxy, 30_002, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7))
      packets.wait(20)
    }
    let report: [UInt8] =
      [0x81, 201, 0, 7, 0, 0, 0, 9, 0, 0, 0, 7, 64, 0, 0, 90] + [0, 0, 0, 60, 0, 0, 0, 33] + [UInt8](repeating: 0, count: 8)
    packets.udp(bob, 20_001, to: proxy, 30_003, Bytes(report))
    let said = texts(try packets.report(), "reported-loss")
    #expect(said.count == 1 && said.first?.hasPrefix("\(bob):20000 reports 90 packets lost from \(proxy):30002") == true, "\(said)")
  }

  @Test func `frames captured twice are counted once, in SIP and in RTP`() throws {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 200)
    packets.hangUp()
    let (once, twice) = (try packets.report(), try packets.capturedTwice().report())
    #expect(twice.facts.copiedFrames == once.facts.frames && twice.facts.frames == 2 * once.facts.frames)
    #expect(twice.counts.total == once.counts.total && twice.counts.repeated == 0)
    #expect(twice.streams.map(\.lost) == [0, 0] && twice.streams.map(\.statistics.packets) == [200, 200])
    #expect(twice.accusations.isEmpty && twice.text().contains { $0.contains("captured twice, counted once") })
    #expect(!twice.text().contains { $0.contains("(again)") })
  }

  @Test func `copies hide no loss, and loss is never negative (RFC 3550 §A.3)`() throws {
    var packets = Packets()
    packets.establish()
    for index in 0..<900 where index % 20 != 7 {
      for _ in 0..<2 { packets.udp(alice, 10_000, to: bob, 20_000, rtpPacket(0, UInt16(index), UInt32(index * 160), 7)) }
      packets.wait(20)
    }
    let stream = try #require(try packets.report().streams.first)
    #expect(stream.lost == 45 && stream.expected == 900 && stream.order.duplicates == 855 && stream.statistics.lost < 0)
  }
}
