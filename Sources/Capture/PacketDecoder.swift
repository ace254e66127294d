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
  /// Another packet, or a header with a length, carries it.
  public internal(set) var isTunnelled = false
  /// The DSCP of its IP header (RFC 2474 §3); nil where none is known.
  public var marking: UInt8?

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

  /// Where the headers stand says nothing of what was found.
  public static func == (one: IPFragment, other: IPFragment) -> Bool {
    one.source == other.source && one.destination == other.destination && one.protocolNumber == other.protocolNumber
      && one.identification == other.identification && one.offset == other.offset && one.isLast == other.isLast
      && one.payload == other.payload && one.isCut == other.isCut
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(identification)
    hasher.combine(offset)
    hasher.combine(payload)
  }
}

/// What a frame holds.
public enum FrameContent: Hashable, Sendable {
  case transport(DecodedPacket)
  case fragment(IPFragment)
  /// Addresses stand beside it, instead of headers before it.
  case relayed(RelayedPacket)
  case sctp(SCTPPacket)
  case unreachable(ICMPError)
  /// IP with another protocol (2 = IGMP, 50 = ESP).
  case otherProtocol(UInt8, source: IPAddress, destination: IPAddress)
  /// Not IP at all, by EtherType (0x0806 = ARP); 0 where the link names none.
  case notIP(UInt16)
  case malformed(FrameMistake)

  /// Whether it is something, and not what chance makes of octets that are something else.
  var isUnderstood: Bool {
    switch self {
    case .transport, .fragment, .relayed, .sctp, .unreachable, .otherProtocol, .notIP(0x0806): true
    case .notIP, .malformed: false
    }
  }
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

/// Finds UDP and TCP in captured frames, past links, tags and tunnels; past IPv4 options and IPv6 extension headers. Checksums are not
/// looked at: captures on the sending machine rarely have them.
///
/// SCTP is taken apart, and so is what ICMP says of a packet that did not arrive.
///
/// Links: Ethernet with VLAN tags, Linux cooked, BSD loopback, raw IP, PPP, Cisco HDLC, frame relay, IEEE 802.11, NFLOG, PPI, exported
/// PDUs. In them: LLC/SNAP, PPPoE, MPLS. Tunnels: IP in IP, GRE, ERSPAN, EtherIP, VXLAN, Geneve, GTP-U, L2TP, TZSP. Of what a tunnel
/// carries the innermost packet counts.
public enum PacketDecoder {
  public static func decode(_ packet: CapturedPacket) -> FrameContent { decode(packet.bytes, linkType: packet.linkType) }

  public static func decode(_ frame: Bytes, linkType: LinkType) -> FrameContent {
    var walk = FrameWalk(frame)
    return walk.link(linkType, at: 0)
  }

  /// Headers around those of IP that count what is in them, the outer ones first; none outside tunnels.
  static func enclosing(_ packet: CapturedPacket) -> [EnclosingHeader] {
    var walk = FrameWalk(packet.bytes)
    _ = walk.link(packet.linkType, at: 0)
    return walk.enclosing.list
  }

  /// What a packet holds whose fragments were put together.
  public static func decode(whole payload: Bytes, protocolNumber: UInt8, source: IPAddress, destination: IPAddress) -> FrameContent {
    var walk = FrameWalk(payload)
    return walk.transport(protocolNumber, 0, at: 0, end: payload.count, source, destination)
  }
}
