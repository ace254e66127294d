import SansIO
import Testing

@testable import Capture

@Suite struct PacketDecoderTests {
  private let udp: [UInt8] = [0x13, 0xC4, 0x13, 0xC6, 0, 10, 0, 0, 0x68, 0x69]

  private func ipv4(_ rest: [UInt8], options: [UInt8] = [], protocolNumber: UInt8 = 17, fragment: [UInt8] = [0x40, 0], total: Int? = nil)
    -> [UInt8]
  {
    let total = total ?? 20 + options.count + rest.count
    return [0x45 + UInt8(options.count / 4), 0, UInt8(total >> 8), UInt8(total & 255), 0, 1] + fragment + [64, protocolNumber, 0, 0]
      + [192, 0, 2, 10, 198, 51, 100, 20] + options + rest
  }

  private func ipv6(_ rest: [UInt8], next: UInt8 = 17) -> [UInt8] {
    [0x60, 0, 0, 0, UInt8(rest.count >> 8), UInt8(rest.count & 255), next, 64] + aliceSix.address.networkBytes + bobSix.address.networkBytes
      + rest
  }

  private func decoded(_ bytes: [UInt8], _ linkType: LinkType = .rawIP) -> FrameContent {
    PacketDecoder.decode(Bytes(bytes), linkType: linkType)
  }

  private func datagram(_ payload: Range<Int>, of whole: Int? = nil) -> FrameContent {
    .transport(DecodedPacket(carrier: .udp, source: alicePort, destination: bobPort, payload: payload, wholePayload: whole))
  }

  @Test func `what the writer makes is decoded to what it was made of`() throws {
    let segment = TCPSegment(sequence: 0xDEAD_BEEF, acknowledgement: 0x0102_0304, flags: [.syn, .ack], window: 4321)
    for carrier: PacketRecord.Carrier in [.udp, .tcp(segment)] {
      for (source, destination) in [(alicePort, bobPort), (aliceSix, bobSix)] {
        for linkType in [LinkType.rawIP, .ethernet] {
          let bytes = capture(
            [record(1, over: carrier, from: source, to: destination, "body")], options: CaptureOptions(linkType: linkType))
          let packet = try #require(try packets(in: bytes).first)
          guard case .transport(let found) = PacketDecoder.decode(packet) else {
            Issue.record("not decoded")
            return
          }
          #expect(found.carrier == carrier && found.source == source && found.destination == destination && !found.isCut)
          #expect(packet.bytes[found.payload].text == "body")
        }
      }
    }
  }

  @Test func `links and tags before IP are passed over`() {
    let packet = ipv4(udp)
    let macs = [UInt8](repeating: 2, count: 12)
    #expect(decoded(packet) == datagram(28..<30))
    #expect(decoded(macs + [8, 0] + packet, .ethernet) == datagram(42..<44))
    #expect(decoded(macs + [0x88, 0xA8, 0, 1, 0x81, 0, 0, 2, 8, 0] + packet, .ethernet) == datagram(50..<52))
    #expect(decoded([UInt8](repeating: 0, count: 14) + [8, 0] + packet, .linuxSLL) == datagram(44..<46))
    #expect(decoded([8, 0] + [UInt8](repeating: 0, count: 18) + packet, .linuxSLL2) == datagram(48..<50))
    #expect(decoded([2, 0, 0, 0] + packet, .null) == datagram(32..<34))
    #expect(decoded([0, 0, 0, 2] + packet, .loop) == datagram(32..<34))
    #expect(decoded(macs + [8, 6] + packet, .ethernet) == .notIP(0x0806))
    #expect(decoded(packet, LinkType(rawValue: 147)) == .malformed(.unknownLinkType(LinkType(rawValue: 147))))
  }

  @Test func `IPv4 options are passed over and Ethernet padding is no payload (RFC 791 §3.1)`() {
    #expect(decoded(ipv4(udp, options: [1, 1, 1, 0])) == datagram(32..<34))
    #expect(decoded(ipv4(udp) + [0, 0, 0, 0, 0, 0]) == datagram(28..<30))
    #expect(decoded(ipv4(udp, total: 0)) == datagram(28..<30), "segmentation offload")
  }

  @Test func `IPv6 extension headers are passed over (RFC 8200 §4)`() {
    let expected: FrameContent = .transport(
      DecodedPacket(carrier: .udp, source: aliceSix, destination: bobSix, payload: 80..<82))
    let hopByHop: [UInt8] = [60, 0, 1, 4, 0, 0, 0, 0]
    let destination: [UInt8] = [51, 0, 1, 4, 0, 0, 0, 0]
    let authentication: [UInt8] = [17, 2] + [UInt8](repeating: 0, count: 14)
    #expect(decoded(ipv6(hopByHop + destination + authentication + udp, next: 0)) == expected)
    let atomic: [UInt8] = [17, 0, 0, 0, 0, 0, 0, 1]
    #expect(
      decoded(ipv6(atomic + udp, next: 44))
        == .transport(DecodedPacket(carrier: .udp, source: aliceSix, destination: bobSix, payload: 56..<58)))
  }

  @Test func `fragments and other protocols are reported, with what puts the fragments together`() {
    let (source, destination) = (alicePort.address, bobPort.address)
    func part(_ offset: Int, isLast: Bool, _ payload: Range<Int>, isCut: Bool = false) -> FrameContent {
      .fragment(
        IPFragment(
          source: source, destination: destination, protocolNumber: 17, identification: 1, offset: offset, isLast: isLast, payload: payload,
          isCut: isCut))
    }
    #expect(decoded(ipv4(udp, fragment: [0x20, 0])) == part(0, isLast: false, 20..<30))
    #expect(decoded(ipv4(udp, fragment: [0, 185])) == part(1480, isLast: true, 20..<30))
    #expect(decoded(Array(ipv4(udp, fragment: [0, 185]).dropLast())) == part(1480, isLast: true, 20..<29, isCut: true))
    #expect(
      decoded(ipv6([17, 0, 0x05, 0xA8, 0, 0, 1, 1] + udp, next: 44))
        == .fragment(
          IPFragment(
            source: aliceSix.address, destination: bobSix.address, protocolNumber: 17, identification: 257, offset: 1448, isLast: true,
            payload: 48..<58, isCut: false)))
    #expect(PacketDecoder.decode(whole: Bytes(udp), protocolNumber: 17, source: source, destination: destination) == datagram(8..<10))
    #expect(decoded(ipv4(udp, protocolNumber: 1)) == .otherProtocol(1, source: source, destination: destination))
  }

  @Test func `lengths that cannot be are mistakes, and cut payload is said`() {
    #expect(decoded([0x44] + ipv4(udp).dropFirst()) == .malformed(.length))
    #expect(decoded(ipv4(udp, total: 19)) == .malformed(.length))
    #expect(decoded(ipv4(udp, total: 24)) == .malformed(.length))
    #expect(decoded([0x35] + ipv4(udp).dropFirst()) == .malformed(.version(3)))
    var tooLong = udp
    tooLong[5] = 11
    #expect(decoded(ipv4(tooLong)) == .malformed(.length))
    var tooShort = udp
    tooShort[5] = 7
    #expect(decoded(ipv4(tooShort)) == .malformed(.length))
    #expect(decoded(Array(ipv4(udp).dropLast())) == datagram(28..<29, of: 2))
    var segment = [UInt8](repeating: 0, count: 20)
    segment[12] = 0x40
    #expect(decoded(ipv4(segment, protocolNumber: 6)) == .malformed(.length))
    segment[12] = 0x60
    #expect(decoded(ipv4(segment, protocolNumber: 6)) == .malformed(.length))
  }

  @Test func `a frame cut at any byte is never read beyond its end`() {
    let macs = [UInt8](repeating: 2, count: 12)
    let whole = [ipv4(udp, options: [1, 1, 1, 0]), ipv6([60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0] + udp, next: 0)]
    for frame in whole {
      for count in 0..<frame.count - 2 {
        #expect(decoded(Array(frame[..<count])) == .malformed(.cutInHeader))
        #expect(
          decoded(macs + [frame[0] == 0x60 ? 0x86 : 8, frame[0] == 0x60 ? 0xDD : 0] + frame[..<count], .ethernet)
            == .malformed(.cutInHeader))
      }
    }
    for linkType in [LinkType.ethernet, .linuxSLL, .linuxSLL2, .null] { #expect(decoded([1, 2, 3], linkType) == .malformed(.cutInHeader)) }
  }
}
