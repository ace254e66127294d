import SansIO
import Testing

@testable import Capture

/// A packet in each link and tunnel that is read.
struct Container: Sendable, CustomTestStringConvertible {
  var name: String
  var link: LinkType
  typealias Head = @Sendable (_ size: Int) -> [[UInt8]]
  /// What stands before the packet; the packet's size is known where a length counts it.
  var head: Head

  init(_ name: String, _ link: LinkType = .ethernet, made head: @escaping Head) { (self.name, self.link, self.head) = (name, link, head) }

  init(_ name: String, _ link: LinkType = .ethernet, _ head: [UInt8]...) { self.init(name, link, made: { _ in head }) }

  var testDescription: String { name }
}

/// Links, tags and tunnels around a packet.
@Suite struct TunnelTests {
  /// Octets from hexadecimal digits.
  private static func h(_ text: String) -> [UInt8] { text.split(separator: " ").compactMap { UInt8($0, radix: 16) } }
  private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
  private static func half(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }

  private static let addresses = [UInt8](repeating: 2, count: 12)
  private static let ethernet = addresses + h("08 00")
  private static let snap = h("AA AA 03 00 00 00 08 00")

  /// An IPv4 header for so many octets, without a checksum.
  private static func outer(_ next: UInt8, _ count: Int) -> [UInt8] {
    let head: [[UInt8]] = [h("45 00"), half(20 + count), h("00 01 00 00 40"), [next], h("00 00 CB 00 71 01 CB 00 71 02")]
    return Array(head.joined())
  }

  private static func ip(_ next: UInt8, _ head: [UInt8]...) -> Container.Head {
    let head = Array(head.joined())
    return { size in [ethernet, outer(next, head.count + size), head] }
  }

  private static func udp(_ port: Int, _ head: [UInt8]...) -> Container.Head {
    let head = Array(head.joined())
    return { size in
      let length = 8 + head.count + size
      return [ethernet, outer(17, length), half(50_000), half(port), half(length), h("00 00"), head]
    }
  }

  private static func gtp(_ flags: UInt8, _ rest: [UInt8]) -> Container.Head {
    { size in udp(2_152, [flags, 0xFF], half(rest.count + size), h("00 00 00 09"), rest)(size) }
  }

  private static let pppoe: Container.Head = { size in [addresses, h("88 64 11 00 00 07"), half(size + 2), h("00 21")] }

  static let links: [Container] = [
    Container("PPPoE (RFC 2516 §4)", made: pppoe),
    Container("PPPoE behind a VLAN tag") { size in
      [addresses, h("81 00 00 07 88 64 11 00 00 07"), half(size + 2), h("00 21")]
    },
    Container("MPLS with two labels (RFC 3032 §2.1)", .ethernet, addresses, h("88 47 00 00 10 40 00 00 21 40")),
    Container("a pseudowire in MPLS (RFC 4448 §4.6)", .ethernet, addresses, h("88 47 00 00 11 40 00 00 00 00"), ethernet),
    Container("LLC/SNAP (RFC 1042)") { size in [addresses, half(size + 8), snap] },
    Container("LLC with IP's own access point") { size in [addresses, half(size + 3), h("06 06 03")] },
    Container("LLC on Linux", .linuxSLL, zeros(14), h("00 04"), snap),
    Container("PPP (RFC 1662)", .ppp, h("FF 03 00 21")),
    Container("PPP with short fields (RFC 1661 §6.5)", .ppp, h("21")),
    Container("PPP with direction", .pppWithDirection, h("01 FF 03 00 21")),
    Container("Cisco HDLC", .ciscoHDLC, h("0F 00 08 00")),
    Container("frame relay (RFC 2427 §3)", .frameRelay, h("18 41 03 CC")),
    Container("frame relay with SNAP", .frameRelay, h("18 41 03 00 80 00 00 00 08 00")),
    Container("frame relay as Cisco has it", .frameRelay, h("18 41 08 00")),
    Container("radiotap", .ieee80211Radiotap, h("00 00 09 00 00 00 00 00 00 08 01"), zeros(22), snap),
    Container("IEEE 802.11 with quality of service and four addresses", .ieee80211, h("88 03"), zeros(30), snap),
    Container("NFLOG of a little-endian machine", .nflog) { size in
      [h("02 00 00 07 08 00 01 00 08 00 01 00"), [UInt8(size + 4)], h("00 09 00")]
    },
    Container("NFLOG of a big-endian machine", .nflog) { size in
      [h("02 00 00 07 00 08 00 01 08 00 01 00 00"), [UInt8(size + 4)], h("00 09")]
    },
    Container("PPI with Ethernet", .ppi, h("00 00 08 00 01 00 00 00"), ethernet),
  ]

  static let tunnels: [Container] = [
    Container("IP in IP (RFC 2003)", made: ip(4)),
    Container("authentication before IP in IP (RFC 4302 §2)", made: ip(51, h("04 04"), zeros(22))),
    Container("GRE with checksum, key and number (RFC 2890 §2)", made: ip(47, h("B0 00 08 00"), zeros(12))),
    Container("PPTP (RFC 2637 §4.1)", made: ip(47, h("30 81 88 0B 00 00 00 07 00 00 00 01 00 00 00 02 00 21"))),
    Container("ERSPAN type I", made: ip(47, h("00 00 88 BE"), ethernet)),
    Container("ERSPAN type II", made: ip(47, h("10 00 88 BE 00 00 00 01"), zeros(8), ethernet)),
    Container("ERSPAN type III with a subheader", made: ip(47, h("10 00 22 EB 00 00 00 01 20"), zeros(10), h("01"), zeros(8), ethernet)),
    Container("EtherIP (RFC 3378 §3)", made: ip(97, h("30 00"), ethernet)),
    Container("MPLS in IP (RFC 4023 §3)", made: ip(137, h("00 00 11 40"))),
    Container("VXLAN (RFC 7348 §5)", made: udp(4_789, h("08 00 00 00 00 00 07 00"), ethernet)),
    Container("VXLAN-GPE with IP", made: udp(4_790, h("0C 00 00 01 00 00 07 00"))),
    Container("Geneve with an option (RFC 8926 §3.4)", made: udp(6_081, h("01 00 65 58 00 00 07 00 00 00 00 00"), ethernet)),
    Container("GTP-U (3GPP TS 29.281 §5.1)", made: gtp(0x30, [])),
    Container("GTP-U with a number and an extension header", made: gtp(0x36, h("00 01 00 85 01 10 09 00"))),
    Container("L2TP (RFC 2661 §3.1)") { size in udp(1_701, h("40 02"), half(10 + size), h("00 01 00 02 00 21"))(size) },
    Container("TZSP with a field", made: udp(37_008, h("01 00 00 01 0A 01 05 01"), ethernet)),
    Container("VXLAN in PPPoE") { size in
      let inner = Array(udp(4_789, h("08 00 00 00 00 00 07 00"), ethernet)(size).joined().dropFirst(14))
      return pppoe(inner.count + size) + [inner]
    },
  ]

  static let containers = links + tunnels

  /// Those with a length of what they carry.
  private static let counted = Set(
    tunnels.map(\.name) + links.filter { $0.name.hasPrefix("PPPoE") || $0.name.hasPrefix("LLC") }.map(\.name)
  )
  .subtracting(["LLC on Linux"])

  private func frame(_ container: Container, _ inner: Bytes) -> Bytes { Bytes(Array(container.head(inner.count).joined()) + inner.array) }

  private func captured(_ frame: Bytes, _ link: LinkType) -> CapturedPacket {
    CapturedPacket(timestamp: 0, linkType: link, originalLength: frame.count, bytes: frame)
  }

  private func packet(_ payload: Bytes, ipv6: Bool = false) throws -> Bytes {
    let records = [ipv6 ? record(1, from: aliceSix, to: bobSix, payload) : record(1, payload)]
    return try #require(try packets(in: capture(records, options: CaptureOptions(linkType: .rawIP))).first).bytes
  }

  @Test(arguments: containers) func `what a link or tunnel carries is read`(container: Container) throws {
    let whole = frame(container, try packet("body"))
    guard case .transport(let found) = PacketDecoder.decode(whole, linkType: container.link) else {
      Issue.record("\(PacketDecoder.decode(whole, linkType: container.link))")
      return
    }
    #expect(found.carrier == .udp && found.source == alicePort && found.destination == bobPort && !found.isCut)
    #expect(whole[found.payload].text == "body")
  }

  @Test(arguments: containers) func `a container that is cut at any octet is never read beyond its end, nor for a packet`(
    container: Container
  ) throws {
    let whole = frame(container, try packet("body"))
    for count in 0..<whole.count - 4 {
      if case .transport(let found) = PacketDecoder.decode(whole[0..<count], linkType: container.link) {
        // Of a tunnel whose header is cut the datagram around it may be seen.
        #expect(found.destination != bobPort)
      }
    }
  }

  @Test(arguments: containers) func `whatever stands in a container's header, nothing is read beyond the frame`(container: Container) throws
  {
    let whole = frame(container, try packet("body")).array
    for index in 0..<whole.count {
      for change in [0x01, 0x04, 0x40, 0x80, 0xFF] as [UInt8] {
        var changed = whole
        changed[index] ^= change
        if case .transport(let found) = PacketDecoder.decode(Bytes(changed), linkType: container.link) {
          #expect(found.payload.upperBound <= changed.count)
        }
      }
    }
  }

  @Test(arguments: containers) func `with another payload, every length around it counts it`(container: Container) throws {
    let (short, long) = (frame(container, try packet("hi")), frame(container, try packet("a longer payload")))
    guard case .transport(let found) = PacketDecoder.decode(short, linkType: container.link) else {
      Issue.record("not read")
      return
    }
    let edited = FrameEditing.replacing(payloadOf: captured(short, container.link), found, with: "a longer payload")
    #expect(edited.count == long.count)
    guard case .transport(let again) = PacketDecoder.decode(edited, linkType: container.link) else {
      Issue.record("\(PacketDecoder.decode(edited, linkType: container.link))")
      return
    }
    #expect(!again.isCut && edited[again.payload].text == "a longer payload")
    // The frame that would have been written, but for checksums, which the outer headers here do not have.
    var expected = long.array
    for header in PacketDecoder.enclosing(captured(edited, container.link)) {
      let sum = header.kind == .ip ? header.place + 10 : header.place + 6
      guard header.kind == .ip || header.kind == .udp else { continue }
      expected.replaceSubrange(sum..<sum + 2, with: edited[sum..<sum + 2])
    }
    #expect(edited.array == expected)
    #expect(again.isTunnelled == (container.link == .nflog || Self.counted.contains(container.name)))
  }

  @Test func `a tunnel's port alone makes no tunnel`() throws {
    for port in [1_701, 2_152, 4_789, 4_790, 6_081, 8_472, 37_008] {
      let whole = Bytes(Self.udp(port, Array("OPTIONS sip:a@b SIP/2.0\r\n\r\n".utf8))(0).flatMap(\.self))
      guard case .transport(let found) = PacketDecoder.decode(whole, linkType: .ethernet) else {
        Issue.record("port \(port): \(PacketDecoder.decode(whole, linkType: .ethernet))")
        continue
      }
      #expect(found.destination.port == UInt16(port) && !found.isTunnelled)
    }
  }

  @Test func `packets in packets without an end are let go`() {
    var whole: [UInt8] = []
    for _ in 0..<60 { whole = Self.outer(4, whole.count) + whole }
    guard case .otherProtocol(4, _, _) = PacketDecoder.decode(Bytes(whole), linkType: .rawIP) else {
      Issue.record("\(PacketDecoder.decode(Bytes(whole), linkType: .rawIP))")
      return
    }
  }

  @Test func `a fragment in a tunnel is told with the addresses that it has there`() throws {
    var inner = try packet("body").array
    inner[6] |= 0x20
    let whole = Bytes(Self.udp(4_789, Self.h("08 00 00 00 00 00 07 00"), Self.ethernet)(inner.count).flatMap(\.self) + inner)
    guard case .fragment(let part) = PacketDecoder.decode(whole, linkType: .ethernet) else {
      Issue.record("no fragment")
      return
    }
    #expect(part.source == alicePort.address && part.destination == bobPort.address && !part.isLast)
  }
}
