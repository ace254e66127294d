/// What the first byte of a captured frame is: the LINKTYPE number of pcap and pcapng files.
public struct LinkType: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// BSD loopback: the address family in the byte order of the machine that captured.
  public static let null = LinkType(rawValue: 0)
  public static let ethernet = LinkType(rawValue: 1)
  /// The frame is an IPv4 or IPv6 packet.
  public static let rawIP = LinkType(rawValue: 101)
  /// Raw IP by the numbers that systems use inside, which some writers put into files.
  public static let rawBSD = LinkType(rawValue: 12)
  public static let rawOpenBSD = LinkType(rawValue: 14)
  /// OpenBSD loopback: the address family in network byte order.
  public static let loop = LinkType(rawValue: 108)
  /// Linux "cooked" capture, what the `any` device gives.
  public static let linuxSLL = LinkType(rawValue: 113)
  public static let linuxSLL2 = LinkType(rawValue: 276)
  /// PPP, with or without its framing (RFC 1662).
  public static let ppp = LinkType(rawValue: 9)
  public static let pppHDLC = LinkType(rawValue: 50)
  public static let pppoe = LinkType(rawValue: 51)
  public static let pppPPPD = LinkType(rawValue: 166)
  public static let pppWithDirection = LinkType(rawValue: 204)
  public static let ciscoHDLC = LinkType(rawValue: 104)
  public static let ieee80211 = LinkType(rawValue: 105)
  public static let frameRelay = LinkType(rawValue: 107)
  public static let ieee80211Radiotap = LinkType(rawValue: 127)
  /// A header for each packet, and then another link type.
  public static let ppi = LinkType(rawValue: 192)
  public static let frameRelayWithDirection = LinkType(rawValue: 206)
  /// What Linux's packet filter logs.
  public static let nflog = LinkType(rawValue: 239)
  /// What Wireshark exports of the upper layers: SIP out of TLS, for one.
  public static let exportedPDU = LinkType(rawValue: 252)
  public static let ipv4 = LinkType(rawValue: 228)
  public static let ipv6 = LinkType(rawValue: 229)
}

extension LinkType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .null: "BSD loopback"
    case .ethernet: "Ethernet"
    case .rawIP, .rawBSD, .rawOpenBSD: "raw IP"
    case .loop: "OpenBSD loopback"
    case .linuxSLL: "Linux cooked"
    case .linuxSLL2: "Linux cooked v2"
    case .ipv4: "raw IPv4"
    case .ipv6: "raw IPv6"
    default: Self.names[rawValue] ?? "link type \(rawValue)"
    }
  }

  /// Those that people meet, of the list of LINKTYPE values that tcpdump.org keeps.
  private static let names: [UInt16: String] = [
    6: "token ring", 8: "SLIP", 9: "PPP", 10: "FDDI", 50: "PPP in HDLC framing", 51: "PPPoE", 100: "LLC over ATM", 104: "Cisco HDLC",
    105: "IEEE 802.11", 107: "frame relay", 117: "pflog", 119: "IEEE 802.11 with a Prism header", 127: "IEEE 802.11 with radiotap",
    139: "MTP2 with a pseudo-header", 140: "MTP2", 141: "MTP3", 142: "SCCP", 144: "Linux IrDA", 147: "a private link type (147)",
    163: "IEEE 802.11 with an AVS header", 166: "PPP with direction", 177: "Linux LAPD", 187: "Bluetooth HCI", 189: "USB", 192: "PPI",
    195: "IEEE 802.15.4", 201: "Bluetooth HCI with direction", 203: "LAPD", 204: "PPP with direction", 206: "frame relay with direction",
    220: "USB", 231: "D-Bus", 239: "NFLOG", 242: "IP over InfiniBand", 248: "SCTP", 249: "USB", 251: "Bluetooth Low Energy",
    252: "exported PDUs", 253: "Netlink", 254: "Bluetooth monitor",
  ]
}
