import LabBench
import Foundation
import SansIO
import Testing

@testable import Inspection
@testable import WireReader

/// That nothing is wrong is said where something was judged, and nowhere else.
@Suite struct EarnedVerdictTests {
  private func ethernet(_ type: UInt16, _ payload: [UInt8] = [UInt8](repeating: 7, count: 40), count: Int = 3) throws -> InspectionReport {
    try Inspector().inspect(RawFrames.pcap(1, Array(repeating: RawFrames.ethernet(type, payload), count: count)))
  }

  private func sentence(_ report: InspectionReport) -> String? { report.verdict().sentence }

  @Test(
    arguments: [
      (0x8864, "PPPoE session, which is not read here"), (0x8847, "MPLS, which is not read here"), (0x0806, "ARP"),
      (0x88CC, "LLDP (IEEE 802.1AB)"), (0x88E5, "MACsec (IEEE 802.1AE), which is not read here"),
      (0x1234, "EtherType 0x1234, which is not read here"),
    ] as [(UInt16, String)])
  func `a capture without IP is not judged, and says what its frames are by their EtherType`(type: UInt16, words: String) throws {
    let report = try ethernet(type)
    #expect(sentence(report) == "nothing could be judged: 3 of 3 frames are \(words)")
    #expect(report.exit(failOn: nil) == .nothingJudged)
    let text = report.text()
    #expect(text.contains("Nothing could be judged: 3 of 3 frames are \(words)."))
    #expect(!text.contains { $0.hasPrefix("Nothing is wrong") })
  }

  @Test func `LLC is told from IP by its length, spanning tree and SNAP by their service access points (IEEE 802.2)`() throws {
    #expect(
      sentence(try ethernet(38, [0x42, 0x42, 3] + [UInt8](repeating: 0, count: 35)))?.hasSuffix("are spanning tree (IEEE 802.1D)") == true)
    let snap = try ethernet(38, [0xAA, 0xAA, 3, 0, 0, 0, 0x88, 0xE5] + [UInt8](repeating: 0, count: 30), count: 1)
    #expect(sentence(snap) == "nothing could be judged: 1 of 1 frame is LLC/SNAP with MACsec (IEEE 802.1AE), which is not read here")
    #expect(snap.facts.hiddenFrames == 1)
    let arp = try ethernet(38, [0xAA, 0xAA, 3, 0, 0, 0, 8, 6] + [UInt8](repeating: 0, count: 30), count: 1)
    #expect(sentence(arp) == "nothing could be judged: 1 of 1 frame is LLC/SNAP with ARP" && arp.facts.hiddenFrames == 0)
  }

  @Test(
    arguments: [
      (4, "IP in IP (IPIP), which is not read here"), (41, "IPv6 in IPv4 (6in4), which is not read here"),
      (47, "GRE, which is not read here"),
      (50, "ESP, which is not read here"), (33, "DCCP, which is not read here"), (89, "OSPF"),
      (200, "IP protocol 200, which is not read here"),
    ] as [(UInt8, String)])
  func `IP protocols that are not read have their names`(number: UInt8, words: String) throws {
    let report = try Inspector().inspect(RawFrames.pcap(101, [RawFrames.ipv4(number, [UInt8](repeating: 1, count: 32))]))
    #expect(sentence(report) == "nothing could be judged: 1 of 1 frame is \(words)")
  }

  @Test(
    arguments: [
      (8, "SLIP"), (9, "PPP"), (117, "pflog"), (189, "USB"), (300, "link type 300"),
    ]
      as [(UInt32, String)])
  func `link types that are not read have their names`(number: UInt32, name: String) throws {
    let report = try Inspector().inspect(RawFrames.pcap(number, [[UInt8](repeating: 1, count: 60)]))
    #expect(sentence(report) == "nothing could be judged: 1 of 1 frame is \(name), which is not read here")
    #expect(report.text().contains("  Not read: 1 \(name), which is not read here"))
  }

  @Test(
    arguments: [
      (4_789, [8, 0, 0, 0, 0, 0, 1, 0], "VXLAN with nothing in it that is read"),
      (2_152, [0x30, 0xFF, 0, 4, 0, 0, 0, 1], "GTP-U with nothing in it that is read"),
      (6_081, [0, 0, 0x65, 0x58, 0, 0, 1, 0], "Geneve with nothing in it that is read"),
      (9_060, [0x48, 0x45, 0x50, 0x33, 0, 40, 0, 0], "HEP with nothing in it that is read"),
      (4_500, [1, 2, 3, 4, 5, 6, 7, 8], "ESP in UDP, which is not read here"),
    ] as [(UInt16, [UInt8], String)])
  func `tunnels in UDP whose content cannot be read are named by their ports and first bytes (RFC 7348 §5, RFC 8926 §3.4, RFC 3948 §2.2)`(
    port: UInt16, begin: [UInt8], name: String
  ) throws {
    let frame = RawFrames.udp(50_000, port, begin + [UInt8](repeating: 0, count: 40))
    let report = try Inspector().inspect(RawFrames.pcap(101, [frame, frame]))
    #expect(sentence(report) == "nothing could be judged: 2 of 2 frames are \(name)")
  }

  @Test func `exported PDUs without addresses are named, and SCTP without SIP is`() throws {
    let exported = try Inspector().inspect(RawFrames.pcap(252, [[UInt8](repeating: 1, count: 60)]))
    #expect(sentence(exported) == "nothing could be judged: 1 of 1 frame is exported PDUs without addresses, or of other protocols")
    let other = try Inspector().inspect(RawFrames.pcap(101, [RelayedFrames.sctp(alice, to: bob, [(1, 3, "M3UA")])]))
    #expect(sentence(other) == "nothing could be judged: 1 of 1 frame is SCTP without SIP")
    #expect(exported.facts.hiddenFrames == 1 && other.facts.hiddenFrames == 0)
  }

  @Test func `a file of a header alone, TLS that stays closed, and TCP of others are not judged`() throws {
    #expect(sentence(try Inspector().inspect(RawFrames.pcap(1, []))) == "nothing could be judged: the capture has no frames")
    var packets = Packets()
    packets.tcp(alice, 40_000, to: bob, 80, .syn, at: 999)
    packets.tcp(alice, 40_000, to: bob, 80, at: 1_000, "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
    #expect(sentence(try packets.report())?.contains("bytes of TCP are neither SIP nor TLS") == true)
    packets = Packets()
    packets.tcp(alice, 40_000, to: bob, 5_061, .syn, at: 999)
    #expect(sentence(try packets.report()) == "nothing could be judged: no SIP and no RTP in 1 frame")
  }

  @Test func `SIP that the snap length cut is not judged`() throws {
    let whole = RawFrames.udp(5_060, 5_060, Talk().request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000)).array)
    let report = try Inspector().inspect(RawFrames.pcap(101, [Array(whole.prefix(96))], original: whole.count))
    #expect(sentence(report) == "nothing could be judged: 1 of 1 frame is SIP that the snap length cut")
    #expect(report.exit(failOn: .note) == .nothingJudged)
  }

  @Test func `a filter without a match says so, and one with a match is judged`() throws {
    var packets = Packets()
    packets.establish(Talk(callID: "one"))
    packets.hangUp(Talk(callID: "one"))
    let report = try packets.report()
    let style = InspectionReport.Style(filter: "two")
    #expect(report.verdict(style) == .noMatch("nothing could be judged: 'two' is not in the only Call-ID of the capture"))
    #expect(report.exit(failOn: nil, style) == .nothingJudged)
    #expect(report.text(style).last == "Nothing could be judged: 'two' is not in the only Call-ID of the capture.")
    #expect(report.verdict(.init(filter: "on")) == .judged && report.exit(failOn: .warning, .init(filter: "on")) == .judged)
  }

  @Test func `what was judged beside frames that may hide something says how much that was`() throws {
    let options = RawFrames.udp(5_060, 5_060, Talk().request("OPTIONS", cseq: 1).array)
    let gre = RawFrames.ipv4(47, [UInt8](repeating: 0, count: 20))
    let report = try Inspector().inspect(RawFrames.pcap(101, [options, gre]))
    #expect(report.verdict() == .judged && report.facts.hiddenFrames == 1)
    #expect(report.text().last == "Nothing is wrong in what could be read: 1 of 2 frames is GRE, which is not read here.")
  }

  @Test func `frames that are not read accuse nobody of what they may hide, those that carry no SIP change nothing (RFC 3261 §17.1.1.2)`()
    throws
  {
    let invite = RawFrames.udp(5_060, 5_060, Talk().request("INVITE", cseq: 1).array)
    func report(_ number: UInt8) throws -> InspectionReport {
      let other = RawFrames.ipv4(number, [UInt8](repeating: 0, count: 24))
      // 20 ms each: 34 s.
      return try Inspector().inspect(RawFrames.pcap(101, [invite] + Array(repeating: other, count: 1_700)))
    }
    let hidden = try #require(try report(4).finding("no-final-response"))
    #expect(hidden.severity == .note && hidden.text.hasSuffix("; but parts of this capture are missing"))
    #expect(try report(89).finding("no-final-response")?.severity == .error)
    var register = Talk().request("REGISTER", cseq: 1).array
    register = RawFrames.udp(5_060, 5_060, register)
    let gre = RawFrames.ipv4(47, [UInt8](repeating: 0, count: 24))
    let lone = try Inspector().inspect(RawFrames.pcap(101, [register] + Array(repeating: gre, count: 1_700)))
    #expect(lone.finding("no-final-response")?.severity == .note)
  }

  @Test func `--fail-on counts findings of its severity and worse`() throws {
    var packets = Packets()
    packets.udp(alice, to: bob, Talk().request("INVITE", cseq: 1))
    packets.wait(10)
    packets.udp(bob, to: alice, Talk().response("404 Not Found", cseq: 1, "INVITE"))
    packets.udp(alice, to: bob, Talk().request("ACK", cseq: 1, branch: "INVITE1", inDialog: true))
    let report = try packets.report()
    #expect(report.accusations == ["call-refused"])
    #expect(report.exit(failOn: nil) == .judged && report.exit(failOn: .error) == .judged)
    #expect(report.exit(failOn: .warning) == .findings && report.exit(failOn: .note) == .findings)
  }

  @Test func `of several files the worst counts, in the order 2, 3, 1, 0`() {
    let all: [InspectionExit] = [.findings, .judged, .unreadable, .nothingJudged]
    #expect(all.sorted(by: >).map(\.rawValue) == [2, 3, 1, 0])
  }

  @Test(arguments: [
    ("404 Not Found", "warning"), ("488 Not Acceptable Here", "warning"), ("503 Service Unavailable", "warning"), ("486 Busy Here", "note"),
    ("603 Decline", "note"),
  ])
  func `a call that was refused is a finding with its why (RFC 3261 §20.43, §21)`(status: String, severity: String) throws {
    var packets = Packets()
    packets.udp(alice, to: bob, Talk().request("INVITE", cseq: 1))
    packets.udp(bob, to: alice, Talk().response(status, cseq: 1, "INVITE", extra: ["Warning: 305 pbx \"Incompatible media format\""]))
    packets.udp(alice, to: bob, Talk().request("ACK", cseq: 1, branch: "INVITE1", inDialog: true))
    let finding = try #require(try packets.report().finding("call-refused"))
    #expect(finding.severity.rawValue == severity && finding.frame == 2)
    #expect(finding.text.hasPrefix("INVITE was refused with \(status) by \(bob): ") && finding.text.contains("Incompatible media format"))
  }

  @Test func `who refused is the last hop, not the proxy that passes its response on (RFC 3261 §16.7)`() throws {
    let proxy = IPAddress(v4: 0xC000_0232)
    let talk = Talk()
    var packets = Packets()
    packets.udp(alice, to: proxy, talk.request("INVITE", cseq: 1, branch: "a"))
    packets.udp(proxy, to: bob, talk.request("INVITE", cseq: 1, branch: "p"))
    packets.udp(bob, to: proxy, talk.response("404 Not Found", cseq: 1, "INVITE", branch: "p"))
    packets.udp(proxy, to: bob, talk.request("ACK", cseq: 1, branch: "p", inDialog: true))
    packets.udp(proxy, to: alice, talk.response("404 Not Found", cseq: 1, "INVITE", branch: "a"))
    packets.udp(alice, to: proxy, talk.request("ACK", cseq: 1, branch: "a", inDialog: true))
    let finding = try #require(try packets.report().finding("call-refused"))
    #expect(finding.frame == 3 && finding.text == "INVITE was refused with 404 Not Found by \(bob)" && finding.count == 1)
  }

  @Test func `JSON says what the reading came to`() throws {
    let object = try JSONSerialization.jsonObject(with: Data(InspectionReport.json([try ethernet(0x8864)]).utf8)) as? [String: Any]
    let verdict = (object?["files"] as? [[String: Any]])?.first?["verdict"] as? [String: Any]
    #expect(verdict?["kind"] as? String == "nothing-judged")
    #expect(verdict?["sentence"] as? String == "nothing could be judged: 3 of 3 frames are PPPoE session, which is not read here")
  }
}
