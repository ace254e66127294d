import Capture
import SansIO

/// Why a frame was not read, with the names of the standards.
public enum UnreadReason: Hashable, Sendable {
  /// No IP, by EtherType (IEEE 802 Numbers, IANA).
  case etherType(UInt16)
  /// An IEEE 802.3 frame with a length instead of an EtherType: what follows is LLC.
  case llc(LLCContent)
  /// IP with a protocol that is neither UDP nor TCP (Protocol Numbers, IANA).
  case ipProtocol(UInt8)
  /// UDP that carries other packets.
  case tunnel(Tunnel)
  case linkType(LinkType)
  /// The link names no EtherType.
  case notIP
  case cutInHeader
  case damagedHeader
  /// SIP over UDP that the capture's snap length cut.
  case cutMessage
  /// What a capture agent says of calls, streams and itself.
  case report
  /// SCTP that carries no SIP.
  case sctpData
  /// A record of a pcapng file that is not a packet, and that Wireshark numbers as a frame.
  case record

  /// IEEE 802.2 §3.2: what the service access points name.
  public enum LLCContent: Hashable, Sendable {
    case spanningTree
    /// RFC 1042: SNAP, with the EtherType in it.
    case snap(UInt16)
    case other
  }

  /// Packets in UDP, by their ports and first bytes.
  public enum Tunnel: String, Sendable {
    case vxlan = "VXLAN with nothing in it that is read"
    case geneve = "Geneve with nothing in it that is read"
    case gtp = "GTP-U with nothing in it that is read"
    case hep = "HEP with nothing in it that is read"
    case espInUDP = "ESP in UDP"
    case l2tp = "L2TP"
    case teredo = "Teredo"
  }

  /// As in "12 frames are …".
  public var name: String {
    switch self {
    case .etherType(let type): Self.etherTypes[type] ?? "EtherType \(Self.hexadecimal(type))"
    case .llc(.spanningTree): "spanning tree (IEEE 802.1D)"
    case .llc(.snap(let type)): "LLC/SNAP with \(Self.etherTypes[type] ?? "EtherType \(Self.hexadecimal(type))")"
    case .llc(.other): "LLC (IEEE 802.2)"
    case .ipProtocol(let number): Self.protocols[number] ?? "IP protocol \(number)"
    case .tunnel(let tunnel): tunnel.rawValue
    case .linkType(.exportedPDU): "exported PDUs without addresses, or of other protocols"
    case .linkType(let type): type.description
    case .notIP: "not IP"
    case .cutInHeader: "cut within a header"
    case .damagedHeader: "damaged in their IP, UDP or TCP header"
    case .cutMessage: "SIP that the snap length cut"
    case .report: "HEP reports (JSON, logs, keep-alives)"
    case .sctpData: "SCTP without SIP"
    case .record: "pcapng records without a packet"
    }
  }

  /// It may carry SIP or RTP: what a capture does not show may be in it.
  public var hidesPackets: Bool {
    switch self {
    case .etherType(let type): !Self.harmlessTypes.contains(type)
    case .llc(.snap(let type)): !Self.harmlessTypes.contains(type)
    case .llc: false
    case .ipProtocol(let number): !Self.harmlessProtocols.contains(number)
    case .tunnel, .linkType, .cutInHeader, .damagedHeader, .cutMessage: true
    case .notIP, .report, .sctpData, .record: false
    }
  }

  /// It carries packets that a reader of more could read.
  public var isContainer: Bool {
    switch self {
    // What the tunnels that are read have in them is not.
    case .cutInHeader, .damagedHeader, .cutMessage, .linkType(.exportedPDU): false
    case .tunnel(.vxlan), .tunnel(.geneve), .tunnel(.gtp), .tunnel(.hep): false
    case .etherType, .llc, .ipProtocol, .tunnel, .linkType, .notIP, .report, .sctpData, .record: hidesPackets
    }
  }

  private static func hexadecimal(_ number: UInt16) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
  }

  private static let etherTypes: [UInt16: String] = [
    0x0800: "IPv4", 0x86DD: "IPv6", 0x0806: "ARP", 0x8035: "RARP", 0x22F0: "AVTP (IEEE 1722)", 0x6558: "transparent Ethernet bridging",
    0x809B: "AppleTalk", 0x80F3: "AppleTalk ARP", 0x8100: "VLAN (IEEE 802.1Q)", 0x8137: "IPX", 0x8808: "flow control (IEEE 802.3x)",
    0x8809: "slow protocols (IEEE 802.3 LACP)", 0x8847: "MPLS", 0x8848: "MPLS multicast", 0x8863: "PPPoE discovery",
    0x8864: "PPPoE session", 0x888E: "EAPOL (IEEE 802.1X)", 0x8892: "PROFINET", 0x88A8: "VLAN (IEEE 802.1ad)",
    0x88CC: "LLDP (IEEE 802.1AB)",
    0x88E5: "MACsec (IEEE 802.1AE)", 0x88E7: "provider backbone bridging (IEEE 802.1ah)", 0x88F5: "MVRP (IEEE 802.1Q)",
    0x0842: "Wake-on-LAN", 0x8899: "Realtek layer 2 protocols", 0x88A4: "EtherCAT", 0x88B8: "GOOSE (IEC 61850)",
    0x88BA: "sampled values (IEC 61850)", 0x88E1: "HomePlug", 0x88E3: "media redundancy (IEC 62439)", 0x8906: "FCoE", 0x8914: "FCoE",
    0x8912: "HomePlug", 0x893A: "IEEE 1905.1", 0x88F7: "PTP (IEEE 1588)", 0x8902: "connectivity fault management (IEEE 802.1ag)",
    0x88BE: "ERSPAN", 0x9000: "loopback test",
  ]

  private static let harmlessTypes: Set<UInt16> = [
    0x0806, 0x8035, 0x22F0, 0x809B, 0x80F3, 0x8137, 0x8808, 0x8809, 0x8863, 0x888E, 0x8892, 0x88CC, 0x88F5, 0x88F7, 0x8902, 0x9000,
    0x0842, 0x8899, 0x88A4, 0x88B8, 0x88BA, 0x88E1, 0x88E3, 0x8906, 0x8914, 0x8912, 0x893A,
  ]

  private static let protocols: [UInt8: String] = [
    1: "ICMP", 2: "IGMP", 4: "IP in IP (IPIP)", 33: "DCCP", 41: "IPv6 in IPv4 (6in4)", 46: "RSVP", 47: "GRE", 50: "ESP", 51: "AH",
    55: "minimal encapsulation", 58: "ICMPv6", 59: "IPv6 without a next header", 88: "EIGRP", 89: "OSPF", 94: "IP in IP (IPIP)",
    97: "EtherIP", 98: "IP encapsulation", 103: "PIM", 112: "VRRP", 115: "L2TP", 132: "SCTP", 136: "UDP-Lite", 137: "MPLS in IP",
  ]

  private static let harmlessProtocols: Set<UInt8> = [1, 2, 46, 58, 59, 88, 89, 103, 112]
}

extension UnreadReason: CustomStringConvertible {
  /// As in "Not read: 12 …": the name, with the number of a link layer that it may be looked up by.
  public var description: String {
    switch self {
    case .etherType(let type) where Self.etherTypes[type] != nil && type != 0x0806: "\(name) (\(Self.hexadecimal(type)))"
    case .linkType(let type) where type != .exportedPDU: "\(name), which is not read here"
    case .etherType, .llc, .ipProtocol, .tunnel, .linkType, .notIP, .cutInHeader, .damagedHeader, .cutMessage, .report, .sctpData, .record:
      name
    }
  }
}

// MARK: - Recognition

extension UnreadReason {
  /// Of a frame without IP.
  /// - Parameters:
  ///   - type: the EtherType; 0 where the link names none.
  ///   - bytes: the frame.
  init(etherType type: UInt16, _ bytes: Bytes, _ link: LinkType) {
    // Up to 1,500 the field is a length (IEEE 802.3 §3.2.6); Linux names LLC by the number 4 (LINKTYPE_LINUX_SLL).
    switch link {
    case .ethernet where type <= 1_500: self = .llc(Self.llc(bytes, at: Self.afterTags(bytes)))
    case .linuxSLL where type == 4: self = .llc(Self.llc(bytes, at: 16))
    case .linuxSLL2 where type == 4: self = .llc(Self.llc(bytes, at: 20))
    default: self = type == 0 || link == .null || link == .loop ? .notIP : .etherType(type)
    }
  }

  /// Past the addresses, VLAN tags and the length.
  private static func afterTags(_ bytes: Bytes) -> Int {
    var position = 12
    while position + 1 < bytes.count, [0x81, 0x88, 0x91].contains(bytes[position]) { position += 4 }
    return position + 2
  }

  private static func llc(_ bytes: Bytes, at start: Int) -> LLCContent {
    guard bytes.count >= start + 3 else { return .other }
    if bytes[start] == 0x42, bytes[start + 1] == 0x42 { return .spanningTree }
    guard bytes[start] == 0xAA, bytes[start + 1] == 0xAA, bytes.count >= start + 8 else { return .other }
    let isEncapsulatedEthernet = (start + 3..<start + 6).allSatisfy { bytes[$0] == 0 }
    return isEncapsulatedEthernet ? .snap(UInt16(bytes[start + 6]) << 8 | UInt16(bytes[start + 7])) : .other
  }

  /// Of a datagram that is neither SIP nor media: the tunnel that it belongs to.
  static func tunnel(_ payload: Bytes, _ source: UInt16, _ destination: UInt16) -> UnreadReason? {
    guard payload.count >= 8 else { return nil }
    func goes(_ ports: UInt16...) -> Bool { ports.contains(destination) }
    // RFC 7348 §5: the I flag alone; RFC 8926 §3.4: version 0; 3GPP TS 29.281 §5.1: version 1, G-PDU.
    if goes(4_789, 8_472), payload[0] == 0x08 { return .tunnel(.vxlan) }
    if goes(6_081), payload[0] >> 6 == 0 { return .tunnel(.geneve) }
    if goes(2_152), payload[0] >> 5 == 1, payload[1] == 0xFF { return .tunnel(.gtp) }
    // RFC 3948 §2.2: four zero bytes are IKE.
    if goes(4_500) || source == 4_500, payload[0..<4] != Bytes([0, 0, 0, 0]) { return .tunnel(.espInUDP) }
    // RFC 4380 §2.7: an IPv6 packet.
    if goes(3_544) || source == 3_544, payload[0] >> 4 == 6 { return .tunnel(.teredo) }
    // RFC 2661 §3.1: a data message of version 2.
    if goes(1_701), payload[0] & 0x80 == 0, payload[1] & 15 == 2 { return .tunnel(.l2tp) }
    return nil
  }
}
