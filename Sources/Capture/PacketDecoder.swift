import SansIO

/// A UDP datagram or TCP segment found in a captured frame.
public struct DecodedPacket: Hashable, Sendable {
  public var carrier: PacketRecord.Carrier
  public var source: TransportAddress
  public var destination: TransportAddress
  /// Where the payload stands in the frame.
  public var payload: Range<Int>
  /// Bytes of payload that the headers promise; more than `payload` holds when the capture cut the packet.
  public var wholePayload: Int
  /// Where the headers of IP and of UDP or TCP stand in the frame.
  var network = 0
  var header = 0

  public init(
    carrier: PacketRecord.Carrier, source: TransportAddress, destination: TransportAddress, payload: Range<Int>, wholePayload: Int? = nil
  ) {
    self.carrier = carrier
    self.source = source
    self.destination = destination
    self.payload = payload
    self.wholePayload = wholePayload ?? payload.count
  }

  public var isCut: Bool { wholePayload > payload.count }

  /// Where the headers stand says nothing of what was found.
  public static func == (one: DecodedPacket, other: DecodedPacket) -> Bool {
    one.carrier == other.carrier && one.source == other.source && one.destination == other.destination && one.payload == other.payload
      && one.wholePayload == other.wholePayload
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(source)
    hasher.combine(destination)
    hasher.combine(payload)
  }
}

/// Part of an IP packet (RFC 791 §3.2, RFC 8200 §4.5). ``PacketDecoder`` reports it; putting parts together is the reader's work.
public struct IPFragment: Hashable, Sendable {
  public var source: IPAddress
  public var destination: IPAddress
  public var protocolNumber: UInt8
  public var identification: UInt32
  /// Bytes from the start of the whole packet's payload.
  public var offset: Int
  public var isLast: Bool
  /// Where this part's payload stands in the frame.
  public var payload: Range<Int>
  /// The header promises more than was captured.
  public var isCut: Bool
  /// Where the header of IP stands in the frame.
  var network = 0
}

/// What a frame holds.
public enum FrameContent: Hashable, Sendable {
  case transport(DecodedPacket)
  case fragment(IPFragment)
  /// IP with another protocol (1 = ICMP, 58 = ICMPv6, 132 = SCTP).
  case otherProtocol(UInt8, source: IPAddress, destination: IPAddress)
  /// Not IP at all, by EtherType (0x0806 = ARP); 0 where the link names none.
  case notIP(UInt16)
  case malformed(FrameMistake)
}

public enum FrameMistake: Hashable, Sendable {
  case unknownLinkType(LinkType)
  /// The captured bytes end inside a header.
  case cutInHeader
  /// The version nibble is neither 4 nor 6 (RFC 791 §3.1, RFC 8200 §3).
  case version(UInt8)
  /// A length field is smaller than the header it counts (RFC 791 §3.1, RFC 768, RFC 9293 §3.1).
  case length
}

/// Finds UDP and TCP in captured frames: Ethernet with VLAN tags, Linux cooked, BSD loopback and raw IP; past IPv4 options and IPv6
/// extension headers. Checksums are not looked at: captures on the sending machine rarely have them.
public enum PacketDecoder {
  public static func decode(_ packet: CapturedPacket) -> FrameContent { decode(packet.bytes, linkType: packet.linkType) }

  public static func decode(_ frame: Bytes, linkType: LinkType) -> FrameContent {
    let fields = EndianBytes(bytes: frame, isBigEndian: true)
    switch linkType {
    case .rawIP, .ipv4, .ipv6, .rawBSD, .rawOpenBSD: return network(fields, at: 0)
    case .ethernet: return etherType(fields, at: 12)
    case .linuxSLL: return etherType(fields, at: 14)
    case .linuxSLL2:
      guard frame.count >= 20 else { return .malformed(.cutInHeader) }
      return isIP(fields.half(0)) ? network(fields, at: 20) : .notIP(fields.half(0))
    case .null, .loop:
      guard frame.count >= 5 else { return .malformed(.cutInHeader) }
      // The family's number for IPv6 differs between systems, so the version nibble decides.
      return [4, 6].contains(frame[4] >> 4) ? network(fields, at: 4) : .notIP(0)
    default: return .malformed(.unknownLinkType(linkType))
    }
  }

  /// What a packet holds whose fragments were put together.
  public static func decode(whole payload: Bytes, protocolNumber: UInt8, source: IPAddress, destination: IPAddress) -> FrameContent {
    transport(EndianBytes(bytes: payload, isBigEndian: true), protocolNumber, 0, at: 0, end: payload.count, source, destination)
  }

  private static func isIP(_ etherType: UInt16) -> Bool { etherType == 0x0800 || etherType == 0x86DD }

  /// The EtherType and what follows it, past IEEE 802.1Q and 802.1ad tags.
  private static func etherType(_ fields: EndianBytes, at start: Int) -> FrameContent {
    var position = start
    while position + 2 <= fields.bytes.count {
      let type = fields.half(position)
      switch type {
      case 0x8100, 0x88A8, 0x9100: position += 4
      case _ where isIP(type): return network(fields, at: position + 2)
      default: return .notIP(type)
      }
    }
    return .malformed(.cutInHeader)
  }

  private static func network(_ fields: EndianBytes, at start: Int) -> FrameContent {
    guard start < fields.bytes.count else { return .malformed(.cutInHeader) }
    switch fields.bytes[start] >> 4 {
    case 4: return ipv4(fields, at: start)
    case 6: return ipv6(fields, at: start)
    case let version: return .malformed(.version(version))
    }
  }

  private static func ipv4(_ fields: EndianBytes, at start: Int) -> FrameContent {
    let bytes = fields.bytes
    guard bytes.count >= start + 20 else { return .malformed(.cutInHeader) }
    let header = Int(bytes[start] & 15) * 4
    // Zero stands in packets whose segmentation the network card does.
    let total = fields.half(start + 2) == 0 ? bytes.count - start : Int(fields.half(start + 2))
    guard header >= 20, total >= header else { return .malformed(.length) }
    let source = IPAddress(v4: fields.word(start + 12))
    let destination = IPAddress(v4: fields.word(start + 16))
    let fragment = fields.half(start + 6)
    guard fragment & 0x3FFF == 0 else {
      guard bytes.count >= start + header else { return .malformed(.cutInHeader) }
      let payload = start + header..<max(start + header, min(start + total, bytes.count))
      return .fragment(
        IPFragment(
          source: source, destination: destination, protocolNumber: bytes[start + 9], identification: UInt32(fields.half(start + 4)),
          offset: Int(fragment & 0x1FFF) * 8, isLast: fragment & 0x2000 == 0, payload: payload, isCut: start + total > bytes.count,
          network: start))
    }
    return transport(fields, bytes[start + 9], start, at: start + header, end: start + total, source, destination)
  }

  private static func ipv6(_ fields: EndianBytes, at start: Int) -> FrameContent {
    let bytes = fields.bytes
    guard bytes.count >= start + 40 else { return .malformed(.cutInHeader) }
    func address(_ at: Int) -> IPAddress { IPAddress(high: fields.long(at), low: fields.long(at + 8)) }
    let (source, destination) = (address(start + 8), address(start + 24))
    let length = Int(fields.half(start + 4))
    let end = length == 0 ? bytes.count : start + 40 + length
    var next = bytes[start + 6]
    var position = start + 40
    // Hop-by-hop, routing, fragment, destination options, authentication, mobility (RFC 8200 §4, RFC 4302 §2, RFC 6275 §6.1).
    while [0, 43, 44, 60, 51, 135].contains(next) {
      guard bytes.count >= position + 8 else { return .malformed(.cutInHeader) }
      let fragment = fields.half(position + 2)
      // An atomic fragment is a whole packet (RFC 6946).
      if next == 44, fragment & 0xFFF9 != 0 {
        let payload = position + 8..<max(position + 8, min(end, bytes.count))
        return .fragment(
          IPFragment(
            source: source, destination: destination, protocolNumber: bytes[position], identification: fields.word(position + 4),
            offset: Int(fragment & 0xFFF8), isLast: fragment & 1 == 0, payload: payload, isCut: end > bytes.count,
            network: start))
      }
      let units = next == 44 ? 0 : Int(bytes[position + 1])
      let size = next == 51 ? (units + 2) * 4 : (units + 1) * 8
      next = bytes[position]
      position += size
    }
    return transport(fields, next, start, at: position, end: end, source, destination)
  }

  private static func transport(
    _ fields: EndianBytes, _ protocolNumber: UInt8, _ network: Int, at start: Int, end: Int, _ source: IPAddress, _ destination: IPAddress
  ) -> FrameContent {
    guard protocolNumber == 17 || protocolNumber == 6 else {
      return .otherProtocol(protocolNumber, source: source, destination: destination)
    }
    let smallest = protocolNumber == 17 ? 8 : 20
    guard end - start >= smallest else { return .malformed(.length) }
    guard fields.bytes.count >= start + smallest else { return .malformed(.cutInHeader) }
    let header = protocolNumber == 17 ? 8 : Int(fields.bytes[start + 12] >> 4) * 4
    var payloadEnd = end
    if protocolNumber == 17, fields.half(start + 4) != 0 { payloadEnd = start + Int(fields.half(start + 4)) }
    guard header >= smallest, payloadEnd >= start + header, payloadEnd <= end else { return .malformed(.length) }
    guard fields.bytes.count >= start + header else { return .malformed(.cutInHeader) }
    var found = DecodedPacket(
      carrier: protocolNumber == 17 ? .udp : .tcp(segment(fields, at: start)),
      source: TransportAddress(source, port: fields.half(start)),
      destination: TransportAddress(destination, port: fields.half(start + 2)),
      payload: start + header..<min(payloadEnd, fields.bytes.count), wholePayload: payloadEnd - start - header)
    (found.network, found.header) = (network, start)
    return .transport(found)
  }

  private static func segment(_ fields: EndianBytes, at start: Int) -> TCPSegment {
    TCPSegment(
      sequence: fields.word(start + 4), acknowledgement: fields.word(start + 8),
      flags: TCPSegment.Flags(rawValue: fields.bytes[start + 13]), window: fields.half(start + 14))
  }
}
