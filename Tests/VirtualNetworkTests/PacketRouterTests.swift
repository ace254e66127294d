import Impairments
import SansIO
import Testing

@testable import VirtualNetwork

private let pbx = IPAddress(v4: 0x0A00_0014)
private let trunk = IPAddress(v4: 0xC633_640A)
private let outsideAddress = IPAddress(v4: 0xCB00_7107)

/// The 16 bits of the sum over header and what it covers: all ones where a checksum is right (RFC 1071).
private func isSound(_ packet: Bytes) -> Bool {
  let all = packet.array
  let isV6 = all[0] >> 4 == 6
  let length = isV6 ? 40 : Int(all[0] & 15) * 4
  if !isV6, Checksum.of(Array(all[..<length])) != 0xFFFF { return false }
  let (number, content) = (isV6 ? all[6] : all[9], Array(all[length...]))
  if number == 1 { return Checksum.of(content) == 0xFFFF }
  let addresses = isV6 ? all[8..<40] : all[12..<20]
  return Checksum.of(Array(addresses) + [0, number, UInt8(content.count >> 8), UInt8(content.count & 255)] + content) == 0xFFFF
}

/// A packet of IPv4 with right checksums.
private func v4(_ number: UInt8, _ source: IPAddress, _ destination: IPAddress, _ content: [UInt8], hops: UInt8 = 64) -> Bytes {
  let total = 20 + content.count
  let header: [UInt8] =
    [0x45, 0xB8, UInt8(total >> 8), UInt8(total & 255), 0x12, 0x34, 0x40, 0, hops, number, 0, 0] + source.networkBytes
    + destination.networkBytes
  return Bytes(header + content)
}

private func udp(
  _ source: IPAddress, _ from: UInt16, _ destination: IPAddress, _ to: UInt16, _ payload: String, hops: UInt8 = 64
) -> Bytes {
  let length = UInt16(8 + payload.utf8.count)
  let content = [from, to, length, 0].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } + Array(payload.utf8)
  if source.isIPv6 {
    let start: [UInt8] = [0x60, 0, 0, 0, UInt8(length >> 8), UInt8(length & 255), 17, hops]
    let header = start + source.networkBytes + destination.networkBytes
    return Bytes(header + content)
  }
  return v4(17, source, destination, content, hops: hops)
}

private func tcp(
  _ source: IPAddress, _ from: UInt16, _ destination: IPAddress, _ to: UInt16, _ sequence: UInt32, _ acknowledgement: UInt32,
  _ flags: TCPSegment.Flags, _ payload: String = ""
) -> Bytes {
  func long(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(value >> $0 & 255) } }
  let ports = [from, to].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
  let options: [UInt8] = flags.contains(.syn) ? [2, 4, 5, 0xB4] : []
  let header: [UInt8] = ports + long(sequence) + long(acknowledgement) + [UInt8((20 + options.count) / 4) << 4, flags.rawValue, 0xFF, 0xFF]
  return v4(6, source, destination, header + [0, 0, 0, 0] + options + Array(payload.utf8))
}

/// A PBX, a trunk, and what is between them.
private struct Road {
  var router = PacketRouter(seed: 1)
  let first: HostID
  let second: HostID
  var now = Instant.zero

  init(
    _ nat: NAT? = nil, firewall: Firewall? = nil, link: Impairment = Impairment(delay: .milliseconds(5)), inside address: IPAddress = pbx
  ) {
    first = router.add("pbx", addresses: [address])
    second = router.add("trunk", addresses: [trunk])
    router.setLink(from: first, to: second, link)
    router.setLink(from: second, to: first, link)
    if let nat { router.add(nat, name: "home", inside: [first]) }
    if let firewall { router.add(firewall, name: "edge", inside: [first]) }
  }

  /// What comes out when time has passed.
  mutating func pass(_ packet: Bytes, from side: HostID) -> [IPPacket] {
    router.receive(packet, from: side, at: now)
    var outputs = router.takeErrors()
    now = now.advanced(by: .seconds(1))
    outputs += router.wake(at: now)
    for output in outputs { #expect(isSound(output.packet), "\(output.packet.array)") }
    return outputs.compactMap { try? IPPacket($0.packet) }
  }
}

@Suite struct PacketRouterTests {
  @Test func `a datagram comes out at the other side one hop further, otherwise as it was (RFC 1812 §5.3.1)`() throws {
    var road = Road()
    let out = try #require(road.pass(udp(pbx, 5060, trunk, 5060, "hello"), from: road.first).first)
    #expect(out.source == TransportAddress(pbx, port: 5060) && out.destination == TransportAddress(trunk, port: 5060))
    #expect(out.payload.text == "hello" && out.hops == 63)
    #expect(road.router.statistics.delivered == 1)
  }

  private static func message(_ start: String, _ cseq: String, call: String = "a") -> String {
    "\(start)\r\nCall-ID: \(call)\r\nCSeq: \(cseq)\r\nContent-Length: 0\r\n\r\n"
  }

  @Test func `a fault strikes the messages that it names, by their bytes, and counts them`() {
    var road = Road()
    let (invite, ok) = (Self.message("INVITE sip:x SIP/2.0", "1 INVITE"), Self.message("SIP/2.0 200 OK", "1 INVITE"))
    road.router.add(Fault("the 2nd INVITE", subject: .request("INVITE"), occurrences: 2...2, action: .drop))
    road.router.add(Fault("the 200", sender: road.second, subject: .response(status: 200, "INVITE"), action: .delay(.milliseconds(500))))
    let sent = (1...3).map { _ in road.pass(udp(pbx, 5060, trunk, 5060, invite), from: road.first).count }
    #expect(sent == [1, 0, 1])
    road.router.receive(udp(trunk, 5060, pbx, 5060, ok), from: road.second, at: road.now)
    #expect(road.router.nextDeadline == road.now.advanced(by: .milliseconds(505)))
    #expect(road.router.struckFaults.map(\.seen) == [3, 1] && road.router.struckFaults.map(\.struck) == [1, 1])
    #expect(road.router.statistics.lost == 1)
  }

  @Test func `the ACK of a 200 is told from that of another response, by the last one of its call (RFC 3261 §13.2.2.4, §17.1.1.3)`() {
    var road = Road()
    var fault = Fault("the ACK of the 200", subject: .request("ACK"), action: .drop)
    fault.acknowledged = 200
    road.router.add(fault)
    for (call, status) in [("refused", "486 Busy"), ("up", "200 OK")] {
      _ = road.pass(udp(trunk, 5060, pbx, 5060, Self.message("SIP/2.0 \(status)", "1 INVITE", call: call)), from: road.second)
    }
    let acks = ["refused", "up", "up"].map { call in
      road.pass(udp(pbx, 5060, trunk, 5060, Self.message("ACK sip:x SIP/2.0", "1 ACK", call: call)), from: road.first).count
    }
    #expect(acks == [1, 0, 1])
  }

  @Test func `of a stream a message is changed in as many octets, and nothing else but lost or late`() throws {
    var road = Road()
    let options = Self.message("OPTIONS sip:x SIP/2.0", "1 OPTIONS")
    let actions: [Fault.Action] = [
      .rewrite { Bytes($0.text.replacing("OPTIONS sip:x", with: "OPTIONS sip:y")) }, .rewrite { Bytes($0.text + "more") },
      .duplicate, .reset,
    ]
    for (index, action) in actions.enumerated() {
      road.router.add(Fault("\(index)", subject: .request("OPTIONS"), occurrences: index + 1...index + 1, action: action))
    }
    let texts = actions.indices.map { index in
      road.pass(tcp(pbx, 40_000, trunk, 5060, UInt32(index * 100), 1, .ack, options), from: road.first).map(\.payload.text)
    }
    #expect(texts == [[options.replacing("sip:x", with: "sip:y")], [options], [options], [options]])
  }

  @Test func `it is there when the link says so, not before`() {
    var road = Road(link: Impairment(delay: .milliseconds(30)))
    road.router.receive(udp(pbx, 5060, trunk, 5060, "x"), from: road.first, at: .zero)
    #expect(road.router.nextDeadline == milliseconds(30))
    #expect(road.router.wake(at: milliseconds(29)).isEmpty)
    #expect(road.router.wake(at: milliseconds(30)).count == 1)
    #expect(road.router.nextDeadline == nil)
  }

  @Test func `a link loses its share, the same packets for the same seed`() {
    func lost(_ seed: UInt64) -> [Int] {
      var road = Road(link: Impairment(loss: .random(Ratio(1, of: 5))))
      road.router = PacketRouter(seed: seed)
      let (first, second) = (road.router.add("pbx", addresses: [pbx]), road.router.add("trunk", addresses: [trunk]))
      road.router.setLink(from: first, to: second, Impairment(loss: .random(Ratio(1, of: 5))))
      return (0..<1_000).filter { road.pass(udp(pbx, 5060, trunk, 5060, "\($0)"), from: first).isEmpty }
    }
    let first = lost(7)
    #expect((150...250).contains(first.count))
    #expect(lost(7) == first && lost(8) != first)
  }

  @Test func `a NAT translates there and back, and drops a stranger (RFC 4787 §4.1, §5)`() throws {
    var nat = NAT(outside: outsideAddress)
    nat.ports = .parity
    var road = Road(nat)
    let out = try #require(road.pass(udp(pbx, 5060, trunk, 5060, "out"), from: road.first).first)
    #expect(out.source.address == outsideAddress && out.source.port != 5060)
    let back = try #require(road.pass(udp(trunk, 5060, outsideAddress, out.source.port, "back"), from: road.second).first)
    #expect(back.destination == TransportAddress(pbx, port: 5060) && back.payload.text == "back")
    #expect(road.pass(udp(trunk, 7_000, outsideAddress, out.source.port, "stranger"), from: road.second).isEmpty)
    #expect(road.router.statistics.filtered == 1)
  }

  @Test func `a firewall lets answers in, and nobody else`() {
    var road = Road(firewall: Firewall())
    #expect(road.pass(udp(trunk, 5060, pbx, 5060, "1"), from: road.second).isEmpty)
    _ = road.pass(udp(pbx, 5060, trunk, 5060, "2"), from: road.first)
    #expect(road.pass(udp(trunk, 5060, pbx, 5060, "3"), from: road.second).map(\.payload.text) == ["3"])
  }

  @Test func `the gateway rewrites datagrams, with lengths and checksums that are right again`() throws {
    var nat = NAT(outside: outsideAddress)
    nat.alg = SIPALG()
    var road = Road(nat)
    let text = "OPTIONS sip:x@198.51.100.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.20;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n"
    let out = try #require(road.pass(udp(pbx, 5060, trunk, 5060, text), from: road.first).first)
    #expect(out.payload.text == text.replacing("10.0.0.20;", with: "203.0.113.7:5060;"))
  }

  @Test func `over TCP it moves the sequence numbers behind what it changed, and the acknowledgements back (RFC 9293 §3.4)`() throws {
    var nat = NAT(outside: outsideAddress)
    nat.alg = SIPALG()
    var road = Road(nat)
    let text = "OPTIONS sip:x@198.51.100.10 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.20:40000;branch=z9hG4bK1\r\n\r\n"
    let (length, more) = (UInt32(text.utf8.count), UInt32(2))
    func segment(_ packet: IPPacket?) throws -> TCPSegment {
      guard case .tcp(let segment) = try #require(packet).kind else { throw IPPacket.Flaw.header }
      return segment
    }
    _ = road.pass(tcp(pbx, 40_000, trunk, 5060, 1_000, 0, [.syn]), from: road.first)
    _ = road.pass(tcp(trunk, 5060, outsideAddress, 40_000, 5_000, 1_001, [.syn, .ack]), from: road.second)
    for _ in 0..<2 {
      // The second time as a retransmission.
      let out = road.pass(tcp(pbx, 40_000, trunk, 5060, 1_001, 5_001, [.ack, .psh], text), from: road.first)
      #expect(out.first?.payload.count == Int(length + more))
      #expect(try segment(out.first).sequence == 1_001)
    }
    let acknowledged = road.pass(tcp(trunk, 5060, outsideAddress, 40_000, 5_001, 1_001 + length + more, [.ack]), from: road.second)
    #expect(try segment(acknowledged.first).acknowledgement == 1_001 + length)
    let next = road.pass(tcp(pbx, 40_000, trunk, 5060, 1_001 + length, 5_001, [.ack, .psh], "\r\n\r\n"), from: road.first)
    #expect(try segment(next.first).sequence == 1_001 + length + more)
  }

  @Test func `echo passes a NAT by its identifier, and an error comes back to who sent, quoting what it sent (RFC 5508 §3.1, §4.2)`() throws
  {
    var road = Road(NAT(outside: outsideAddress))
    let ping = road.pass(v4(1, pbx, trunk, [8, 0, 0, 0, 0x1B, 0x58, 0, 1, 1, 2]), from: road.first)
    #expect(ping.first?.source == TransportAddress(outsideAddress, port: 0x1B58))
    let pong = road.pass(v4(1, trunk, outsideAddress, [0, 0, 0, 0, 0x1B, 0x58, 0, 1, 1, 2]), from: road.second)
    #expect(pong.first?.destination == TransportAddress(pbx, port: 0x1B58))

    let out = try #require(road.pass(udp(pbx, 5060, trunk, 5060, "x"), from: road.first).first)
    let quoted = udp(outsideAddress, out.source.port, trunk, 5060, "x")
    let error = try #require(road.pass(v4(1, trunk, outsideAddress, [3, 3, 0, 0, 0, 0, 0, 0] + quoted.array), from: road.second).first)
    #expect(error.destination.address == pbx && error.source.address == trunk)
    #expect(error.quoted?.source == TransportAddress(pbx, port: 5060) && error.quoted?.destination.port == 5060)
  }

  @Test func `an error from inside is about the outside address (RFC 5508 §4.2)`() throws {
    var road = Road(NAT(outside: outsideAddress))
    _ = road.pass(udp(pbx, 5060, trunk, 5060, "x"), from: road.first)
    let quoted = udp(trunk, 5060, pbx, 5060, "x")
    let error = try #require(road.pass(v4(1, pbx, trunk, [3, 3, 0, 0, 0, 0, 0, 0] + quoted.array), from: road.first).first)
    #expect(error.source.address == outsideAddress && error.destination.address == trunk)
    #expect(error.quoted?.destination == TransportAddress(outsideAddress, port: 5060))
  }

  @Test func `NAT64 changes the family of a datagram and of its answer (RFC 7915 §4, §5)`() throws {
    var nat = NAT(outside: outsideAddress)
    nat.prefix = IPAddress(high: 0x0064_FF9B_0000_0000, low: 0)
    let own = try #require(IPAddress("2001:db8::20"))
    var road = Road(nat, inside: own)
    let target = try #require(IPAddress("64:ff9b::198.51.100.10"))
    let out = try #require(road.pass(udp(own, 5060, target, 5060, "out"), from: road.first).first)
    #expect(out.source == TransportAddress(outsideAddress, port: 5060) && out.destination == TransportAddress(trunk, port: 5060))
    let back = try #require(road.pass(udp(trunk, 5060, outsideAddress, 5060, "back"), from: road.second).first)
    #expect(back.source == TransportAddress(target, port: 5060) && back.destination == TransportAddress(own, port: 5060))
    #expect(back.payload.text == "back")
  }

  @Test func `what has no hop left, is a fragment, cut or no IP goes no further and ends nothing`() {
    var road = Road()
    #expect(road.pass(udp(pbx, 5060, trunk, 5060, "x", hops: 1), from: road.first).isEmpty)
    var fragment = udp(pbx, 5060, trunk, 5060, "x").array
    fragment[6] = 0x20
    #expect(road.pass(Bytes(fragment), from: road.first).isEmpty)
    for packet in [udp(pbx, 5060, trunk, 5060, "hello"), tcp(pbx, 1, trunk, 2, 3, 4, [.syn])] {
      for length in 0..<packet.count { _ = road.pass(packet[0..<length], from: road.first) }
      for index in 0..<packet.count {
        for value in [0, 0x0F, 0x45, 0x60, 0x7F, 0xFF] as [UInt8] {
          var changed = packet.array
          changed[index] = value
          // What comes out of it is the hosts' business.
          var other = road
          other.router.receive(Bytes(changed), from: road.first, at: road.now)
          _ = other.router.wake(at: road.now.advanced(by: .seconds(1)))
        }
      }
    }
    #expect(road.router.statistics.unreadable > 50)
  }

  @Test func `each side's capture has what it sent and what came to it, with the fate (design 7)`() {
    var road = Road(NAT(outside: outsideAddress))
    let sink = RecordingSink()
    road.router.addSink(sink)
    _ = road.pass(udp(pbx, 5060, trunk, 5060, "out"), from: road.first)
    _ = road.pass(udp(trunk, 9, outsideAddress, 99, "in"), from: road.second)
    #expect(
      sink.lines == [
        "0.000 0#1 sent udp 10.0.0.20:5060 198.51.100.10:5060 3 translated(port: 5060)",
        "0.000 2#1 sent udp 203.0.113.7:5060 198.51.100.10:5060 3 delivered",
        "1.000 1#1 received udp 203.0.113.7:5060 198.51.100.10:5060 3 delivered",
        "1.000 1#2 sent udp 198.51.100.10:9 203.0.113.7:99 2 delivered",
        "2.000 2#2 received udp 198.51.100.10:9 203.0.113.7:99 2 filtered(no binding has this port (RFC 4787 section 4.1))",
      ])
  }

  @Test func `what a router may not touch stays: type of service, identification, don't-fragment (RFC 791 §3.1)`() throws {
    let packet = try IPPacket(udp(pbx, 5060, trunk, 5060, "hello"))
    let out = try #require(packet.routed(from: packet.source, to: packet.destination)).array
    #expect(out[1] == 0xB8 && Array(out[4...7]) == [0x12, 0x34, 0x40, 0] && out[8] == 63)
  }
}
