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
    default: "link type \(rawValue)"
    }
  }
}
