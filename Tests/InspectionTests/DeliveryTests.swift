import Capture
import LabBench
import Rules
import SansIO
import Testing
import WireReader

@testable import Inspection

/// What the network says of packets that did not arrive.
@Suite struct DeliveryTests {
  private let talk = Talk()

  /// What is found in packets, each of which may be answered by an ICMP error right behind it.
  private func findings(_ packets: Packets, _ error: (Int, CapturedPacket) -> [UInt8]? = { _, _ in nil }) throws -> [InspectionFinding] {
    var inspection = CaptureInspection(PassiveReader(path: "test"))
    for (index, packet) in try packets.captured.enumerated() {
      inspection.take(packet)
      guard let bytes = error(index + 1, packet) else { continue }
      inspection.take(
        CapturedPacket(timestamp: packet.timestamp + 1_000, linkType: packet.linkType, originalLength: bytes.count, bytes: Bytes(bytes)))
    }
    inspection.finish(problem: nil)
    return inspection.findings()
  }

  private func found(_ id: String, in findings: [InspectionFinding]) -> InspectionFinding? { findings.first { $0.check == id } }

  // MARK: - ICMP

  private var unanswered: Packets {
    var packets = Packets()
    for wait in [500, 1_000, 2_000, 4_000, 8_000, 16_000] as [Int64] {
      packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1))
      packets.wait(wait)
    }
    packets.udp(alice, to: bob, talk.request("INVITE", cseq: 1))
    return packets
  }

  @Test func `a request that nobody answers has its reason where ICMP gives one (RFC 3261 §18.4)`() throws {
    let seen = try findings(unanswered) { _, packet in RelayedFrames.icmp(3, 3, by: bob, about: packet.bytes) }
    let finding = try #require(found("icmp-unreachable", in: seen))
    #expect(finding.severity == .error && finding.frame == 2 && finding.callID == "talk" && finding.text.contains("nothing listens there"))
    #expect(found("icmp-unreachable", in: try findings(unanswered)) == nil)
  }

  @Test func `an ICMP error of a request that is answered all the same is a note`() throws {
    var packets = Packets()
    packets.establish()
    packets.hangUp()
    let seen = try findings(packets) { index, packet in index == 1 ? RelayedFrames.icmp(11, 0, by: alice, about: packet.bytes) : nil }
    #expect(found("icmp-unreachable", in: seen)?.severity == .note)
  }

  private func call(during: Int, after: Int = 0) -> (Packets, [Int]) {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 100)
    let first = packets.records.count + 1
    packets.talk(count: during, first: 101)
    let last = packets.records.count
    packets.hangUp()
    packets.talk(count: after, first: 300)
    return (packets, Array(first...max(first, last)))
  }

  @Test func `RTP that nobody takes during a call is named, and what comes after its end is not (RFC 3261 §18.4)`() throws {
    let (packets, frames) = call(during: 60)
    func refused(_ index: Int, _ packet: CapturedPacket) -> [UInt8]? {
      packets.records[index - 1].destination.port == 10_000 ? RelayedFrames.icmp(3, 3, by: alice, about: packet.bytes) : nil
    }
    let seen = try findings(packets) { frames.contains($0) ? refused($0, $1) : nil }
    let finding = try #require(found("icmp-unreachable", in: seen))
    #expect(finding.severity == .error && finding.callID == "talk")
    let (ended, _) = call(during: 1, after: 20)
    let behind = try findings(ended) { index, packet in
      index > ended.records.count - 40 ? RelayedFrames.icmp(3, 3, by: alice, about: packet.bytes) : nil
    }
    #expect(found("icmp-unreachable", in: behind.filter { $0.severity != .note }) == nil)
  }

  // MARK: - TCP

  @Test func `a connection for SIP that is refused, or not answered, is named (RFC 3261 §18.4)`() throws {
    var refused = Packets()
    for port in [40_000, 40_001] as [UInt16] {
      refused.tcp(alice, port, to: bob, 5_061, .syn, at: 1)
      refused.tcp(bob, 5_061, to: alice, port, [.rst, .ack], at: 0, ack: 2)
    }
    let finding = try #require(found("connection-refused", in: try findings(refused)))
    #expect(finding.severity == .error && finding.frame == 2 && finding.blamed == TransportAddress(bob, port: 5_061))
    var silent = Packets()
    for _ in 0..<3 {
      silent.tcp(alice, 40_000, to: bob, 5_061, .syn, at: 1)
      silent.wait(1_000)
    }
    #expect(found("connection-refused", in: try findings(silent))?.severity == .warning)
    // Of the web, or a connection that is accepted and reset later.
    var others = Packets()
    others.tcp(alice, 40_000, to: bob, 443, .syn, at: 1)
    others.tcp(bob, 443, to: alice, 40_000, [.rst, .ack], at: 0, ack: 2)
    others.tcp(alice, 40_000, to: bob, 5_061, .syn, at: 1)
    others.tcp(bob, 5_061, to: alice, 40_000, [.syn, .ack], at: 1, ack: 2)
    others.tcp(bob, 5_061, to: alice, 40_000, [.rst], at: 2)
    #expect(found("connection-refused", in: try findings(others)) == nil)
  }

  // MARK: - DNS

  private func answer(_ name: String, type: UInt8, code: UInt8, answers: UInt8 = 0) -> Bytes {
    let labels = name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    return Bytes([0x12, 0x34, 0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0] + labels + [0, 0, type, 0, 1])
  }

  @Test func `a name of SIP that is not there is named where no request follows (RFC 3263 §4.1)`() throws {
    let server = IPAddress(v4: 0xC000_0235)
    var packets = Packets()
    packets.udp(server, 53, to: alice, 40_000, answer("_sip._udp.Example.com", type: 33, code: 3))
    packets.udp(server, 53, to: alice, 40_001, answer("www.example.net", type: 1, code: 3))
    let seen = try findings(packets).filter { $0.check == "name-unknown" }
    #expect(seen.map(\.frame) == [1] && seen.map(\.severity) == [.warning])
    // Another transport has a server, or the domain itself an address: the caller goes on from there.
    packets.udp(server, 53, to: alice, 40_000, answer("_sip._tcp.example.com", type: 33, code: 0, answers: 1))
    #expect(try findings(packets).filter { $0.check == "name-unknown" }.map(\.severity) == [.note])
    var called = Packets()
    called.udp(server, 53, to: alice, 40_000, answer("_sip._udp.example.com", type: 33, code: 3))
    called.establish()
    called.hangUp()
    #expect(try findings(called).filter { $0.check == "name-unknown" }.map(\.severity) == [.note])
  }

  // MARK: - DSCP

  /// A call whose RTP from Alice has these DSCP, and Bob's the other.
  private func marked(_ mine: (Int) -> UInt8, _ theirs: UInt8) throws -> [InspectionFinding] {
    var packets = Packets()
    packets.establish()
    packets.talk(count: 60)
    packets.hangUp()
    var inspection = CaptureInspection(PassiveReader(path: "test"))
    for (index, packet) in try packets.captured.enumerated() {
      let record = packets.records[index]
      var bytes = packet.bytes.array
      if record.source.port >= 10_000 { bytes[1] = (record.source.address == alice ? mine(index) : theirs) << 2 }
      var packet = packet
      packet.bytes = Bytes(bytes)
      inspection.take(packet)
    }
    inspection.finish(problem: nil)
    return inspection.findings().filter { $0.check == "dscp-changes" }
  }

  @Test func `a DSCP that changes, or that only one direction has, is worth a note (RFC 4594 §4.1)`() throws {
    #expect(try marked({ $0 < 60 ? 46 : 0 }, 46).map(\.severity) == [.note])
    #expect(try marked({ _ in 0 }, 46).count == 1)
    #expect(try marked({ _ in 46 }, 46).isEmpty)
    #expect(try marked({ _ in 0 }, 0).isEmpty)
  }

  // MARK: - DTLS

  @Test func `a DTLS handshake that nobody answers is the reason of a silent call (RFC 5763 §5)`() throws {
    let line = "a=fingerprint:sha-256 " + Array(repeating: "AB", count: 32).joined(separator: ":") + "\r\na=setup:actpass\r\n"
    func call(answeredBy host: IPAddress?) -> Packets {
      var packets = Packets()
      packets.establish(
        offer: Talk.sdp(alice, 10_000, extra: line).replacing("RTP/AVP", with: "UDP/TLS/RTP/SAVP"),
        answer: Talk.sdp(bob, 20_000, extra: line.replacing("actpass", with: "active")).replacing("RTP/AVP", with: "UDP/TLS/RTP/SAVP"))
      let record = Bytes([22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4])
      for wait in [1_000, 2_000, 4_000] as [Int64] {
        packets.udp(bob, 20_000, to: alice, 10_000, record)
        packets.wait(wait)
      }
      if let host { packets.udp(host, 10_000, to: bob, 20_000, record) }
      packets.hangUp()
      return packets
    }
    let finding = try #require(found("dtls-unanswered", in: try findings(call(answeredBy: nil))))
    #expect(finding.severity == .error && finding.callID == "talk" && finding.frame == 5)
    #expect(found("dtls-unanswered", in: try findings(call(answeredBy: alice))) == nil)
    // A host with several addresses, or one behind a NAT.
    #expect(found("dtls-unanswered", in: try findings(call(answeredBy: IPAddress(v4: 0xC000_0263)))) == nil)
  }
}
