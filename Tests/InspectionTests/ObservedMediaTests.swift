import LabBench
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// Descriptions and packets that are no fault: ICE, an odd line, what shares ports with RTP.
@Suite struct ObservedMediaTests {
  private let talk = Talk()
  private let home = IPAddress(v4: 0xC0A8_0105)

  private func ice(_ address: IPAddress, _ port: UInt16, _ candidates: [String]) -> String {
    Talk.sdp(
      address, port, extra: "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n" + candidates.map { "a=candidate:\($0)\r\n" }.joined()
    )
  }

  @Test func `0.0.0.0 and port 9 of ICE are no hold (RFC 8840 §4.3)`() throws {
    var packets = Packets()
    packets.establish(
      offer: ice(.anyV4, 9, ["1 1 udp 2122260223 \(alice) 40000 typ host"]),
      answer: ice(bob, 40_002, ["1 1 udp 2122260223 \(bob) 40002 typ host"]))
    packets.talk(alice, 40_000, with: bob, 40_002, count: 200)
    packets.hangUp()
    let report = try packets.report()
    #expect(report.stories.first?.holds == 0 && report.accusations.isEmpty, "\(report.findings)")
    #expect(report.streams.count == 2 && report.streams.allSatisfy { $0.isSignalled })
  }

  @Test func `media on another candidate than the first is where it may be, and a private one accuses nobody (RFC 8839 §5.1)`() throws {
    var packets = Packets()
    packets.establish(
      offer: ice(home, 10_000, ["1 1 udp 2130706431 \(home) 10000 typ host", "2 1 udp 1694498815 \(alice) 11000 typ srflx"]),
      answer: ice(bob, 20_000, ["1 1 UDP 2130706431 \(bob) 20000 typ host", "1 2 UDP 2130706430 \(bob) 20001 typ host"]))
    packets.talk(alice, 11_000, with: bob, 20_000, count: 200)
    packets.hangUp()
    let report = try packets.report()
    #expect(report.accusations.isEmpty && report.finding("media-address") == nil, "\(report.findings)")
  }

  @Test func `one odd m= line does not take the others with it (RFC 8866 §5.14)`() throws {
    var packets = Packets()
    packets.establish(
      offer: Talk.sdp(alice, 10_000) + "m=video 30000 RTP/AVP 31\r\n", answer: Talk.sdp(bob, 20_000) + "m=video 0 RTP/AVP\r\n")
    packets.rtp(alice, 10_000, to: bob, 20_000, count: 200)
    packets.hangUp()
    let report = try packets.report()
    #expect(report.finding("answer-unusable") != nil, "the line is named")
    #expect(report.stories.first?.agreements.first?.codec?.name == "PCMU" && report.finding("one-way-audio") != nil)
    #expect(report.text().contains { $0.contains("audio: PCMU/8000") })
  }

  @Test func `STUN on a media port is STUN (RFC 7983 §7)`() throws {
    var packets = Packets()
    packets.establish()
    packets.udp(alice, 10_000, to: bob, 20_000, Bytes([0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 7, count: 12)))
    packets.talk(count: 150)
    packets.hangUp()
    let report = try packets.report()
    #expect(report.stunPackets == 1 && report.control.unreadable == 0 && report.facts.udpOther == 0 && report.accusations.isEmpty)
  }

  @Test func `probes without an SSRC and a maker's own events are no errors`() throws {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 150)
    packets.rtp(alice, 10_000, to: bob, 20_000, type: 120, ssrc: 0, (0..<60).map { ($0 * 3, $0 * 7, false) })
    packets.rtp(alice, 10_000, to: bob, 20_000, type: 100, size: 4, (0..<6).map { (151 + $0, 24_160, false) })
    packets.hangUp()
    let report = try packets.report()
    #expect(report.accusations.isEmpty, "\(report.findings)")
    #expect(report.findings.filter { $0.check == "rtp-payload-type" }.count == 2)
  }
}
