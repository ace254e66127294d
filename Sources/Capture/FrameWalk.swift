import SansIO

/// The way through the headers of one frame, from its link to UDP or TCP.
///
/// ```
///   link ─► EtherType ─► IP ─► UDP, TCP
///     ▲         ▲         │     │
///     └── PPP ──┴─ tunnel ◄─────┘
/// ```
/// Every header is looked at once, and no frame has more than ``mostHeaders`` of those that lead back.
struct FrameWalk {
  let fields: EndianBytes
  var enclosing = EnclosingHeaders()
  private var headers = 0
  /// What ICMP quotes is rarely whole, and of a packet of TCP no more than eight octets have to be there (RFC 792).
  private(set) var isQuoted = false
  private static let mostHeaders = 16

  init(_ frame: Bytes) { fields = EndianBytes(bytes: frame, isBigEndian: true) }

  init(quoting frame: Bytes) {
    self.init(frame)
    isQuoted = true
  }

  var bytes: Bytes { fields.bytes }

  func has(_ count: Int, at position: Int) -> Bool { position >= 0 && position + count <= fields.bytes.count }

  /// Whether one more header may be passed that leads to another link or packet.
  mutating func mayEnter() -> Bool {
    headers += 1
    return headers <= Self.mostHeaders && enclosing.hasRoom
  }

  // MARK: - Links

  mutating func link(_ type: LinkType, at start: Int) -> FrameContent {
    switch type {
    case .rawIP, .ipv4, .ipv6, .rawBSD, .rawOpenBSD: return network(at: start)
    case .ethernet: return etherType(at: start + 12)
    case .linuxSLL: return etherType(at: start + 14)
    case .linuxSLL2:
      guard has(20, at: start) else { return .malformed(.cutInHeader) }
      return named(fields.half(start), at: start + 20)
    case .null, .loop:
      guard has(5, at: start) else { return .malformed(.cutInHeader) }
      // The family's number for IPv6 differs between systems, so the version nibble decides.
      return [4, 6].contains(bytes[start + 4] >> 4) ? network(at: start + 4) : .notIP(0)
    case .ppp, .pppHDLC: return ppp(at: start)
    // One octet tells the direction (LINKTYPE_PPP_PPPD, LINKTYPE_PPP_WITH_DIR).
    case .pppPPPD, .pppWithDirection: return ppp(at: start + 1)
    case .pppoe: return pppoe(at: start)
    case .ciscoHDLC:
      guard has(4, at: start) else { return .malformed(.cutInHeader) }
      return named(fields.half(start + 2), at: start + 4)
    case .frameRelay: return frameRelay(at: start)
    case .frameRelayWithDirection: return frameRelay(at: start + 1)
    case .ieee80211: return wireless(at: start)
    case .ieee80211Radiotap:
      guard has(4, at: start) else { return .malformed(.cutInHeader) }
      return wireless(at: start + littleHalf(start + 2))
    case .nflog: return nflog(at: start)
    case .exportedPDU: return RelayedPacket.exported(bytes).map { .relayed($0) } ?? .malformed(.unknownLinkType(type))
    case .ppi:
      guard has(8, at: start), mayEnter() else { return .malformed(.cutInHeader) }
      return link(LinkType(rawValue: UInt16(littleHalf(start + 4))), at: start + max(littleHalf(start + 2), 8))
    default: return .malformed(.unknownLinkType(type))
    }
  }

  func littleHalf(_ position: Int) -> Int { Int(bytes[position]) | Int(bytes[position + 1]) << 8 }

  /// The EtherType and what follows it, past IEEE 802.1Q and 802.1ad tags.
  mutating func etherType(at start: Int) -> FrameContent {
    var position = start
    while has(2, at: position) {
      let type = fields.half(position)
      switch type {
      case 0x8100, 0x88A8, 0x9100: position += 4
      case 0...1_500:
        // Linux says by 4 that LLC follows (LINKTYPE_LINUX_SLL), Ethernet by a length (IEEE 802.3 §3.2.6).
        if type != 4 { enclosing.append(.length, position) }
        let found = llc(at: position + 2)
        if case .notIP = found { return .notIP(headers == 0 ? type : 0) }
        return found
      default: return named(type, at: position + 2)
      }
    }
    return .malformed(.cutInHeader)
  }

  /// What an EtherType names.
  mutating func named(_ type: UInt16, at position: Int) -> FrameContent {
    switch type {
    case 0x0800, 0x86DD: return network(at: position)
    case 0x8100, 0x88A8, 0x9100: return mayEnter() ? etherType(at: position + 2) : .notIP(type)
    case 0x8864: return mayEnter() ? pppoe(at: position) : .notIP(type)
    case 0x8847, 0x8848: return mayEnter() ? mpls(at: position) : .notIP(type)
    // Transparent Ethernet bridging (RFC 1701).
    case 0x6558: return mayEnter() ? etherType(at: position + 12) : .notIP(type)
    case 0x880B: return mayEnter() ? ppp(at: position) : .notIP(type)
    default: return .notIP(type)
    }
  }

  /// IEEE 802.2: SNAP with an EtherType (RFC 1042), or IP by its own access point.
  private mutating func llc(at start: Int) -> FrameContent {
    guard has(3, at: start) else { return .notIP(0) }
    if bytes[start] == 0x06, bytes[start + 1] == 0x06, bytes[start + 2] == 3 { return network(at: start + 3) }
    guard bytes[start] == 0xAA, bytes[start + 1] == 0xAA, has(8, at: start) else { return .notIP(0) }
    // An OUI other than that of Ethernet, or of its bridge tunnel, names its types by its own book.
    let unit = fields.word(start + 2) & 0xFF_FFFF
    guard unit == 0 || unit == 0xF8 else { return .notIP(0) }
    return named(fields.half(start + 6), at: start + 8)
  }

  // MARK: - PPP and its likes

  /// RFC 1662 §3.1: address and control may be missing, and so may the first octet of the protocol (RFC 1661 §6.5, §6.6).
  mutating func ppp(at start: Int) -> FrameContent {
    var position = start
    if has(2, at: position), bytes[position] == 0xFF, bytes[position + 1] == 3 { position += 2 }
    guard has(2, at: position) else { return .malformed(.cutInHeader) }
    let isShort = bytes[position] & 1 == 1
    let type = isShort ? UInt16(bytes[position]) : fields.half(position)
    position += isShort ? 1 : 2
    switch type {
    case 0x0021, 0x0057: return network(at: position)
    case 0x0281, 0x0283: return mayEnter() ? mpls(at: position) : .notIP(0)
    // RFC 1661 §2: from here on they are about the link alone.
    case 0x8000...: return .notIP(0)
    default: return .malformed(.unknownLinkType(.ppp))
    }
  }

  /// RFC 2516 §4: a session's PPP, without the framing.
  private mutating func pppoe(at start: Int) -> FrameContent {
    guard has(8, at: start) else { return .malformed(.cutInHeader) }
    guard bytes[start] == 0x11, bytes[start + 1] == 0 else { return .notIP(0x8864) }
    enclosing.append(.pppoe, start)
    let found = ppp(at: start + 6)
    return found == .malformed(.unknownLinkType(.ppp)) ? .notIP(0x8864) : found
  }

  /// RFC 3032 §2.1: labels down to the bottom of the stack; what is under them nobody names.
  mutating func mpls(at start: Int) -> FrameContent {
    var position = start
    while has(4, at: position), bytes[position + 2] & 1 == 0 { position += 4 }
    position += 4
    guard has(1, at: position) else { return .malformed(.cutInHeader) }
    switch bytes[position] >> 4 {
    case 4, 6: return network(at: position)
    case let first:
      // A pseudowire, with or without its control word (RFC 4385 §3), and Ethernet in it (RFC 4448 §4.6).
      let found = etherType(at: position + (first == 0 ? 16 : 12))
      return found.isUnderstood ? found : .notIP(0x8847)
    }
  }

  /// RFC 2427 §3: an address of two to four octets, then UI and what the NLPID names; or, as Cisco does it, an EtherType.
  private mutating func frameRelay(at start: Int) -> FrameContent {
    var position = start
    while has(1, at: position), bytes[position] & 1 == 0, position - start < 4 { position += 1 }
    position += 1
    guard has(2, at: position) else { return .malformed(.cutInHeader) }
    guard bytes[position] == 3 else { return named(fields.half(position), at: position + 2) }
    position += 1
    if bytes[position] == 0 { position += 1 }
    guard has(1, at: position) else { return .malformed(.cutInHeader) }
    switch bytes[position] {
    case 0xCC, 0x8E: return network(at: position + 1)
    case 0x80 where has(6, at: position): return named(fields.half(position + 4), at: position + 6)
    // The link's own signalling (ITU-T Q.933).
    case 0x08: return .notIP(0)
    default: return .malformed(.unknownLinkType(.frameRelay))
    }
  }

  // MARK: - Wireless, NFLOG

  /// IEEE 802.11 §9.2: data alone carries LLC, and what is encrypted is not read.
  private mutating func wireless(at start: Int) -> FrameContent {
    guard has(24, at: start) else { return .malformed(.cutInHeader) }
    let (control, flags) = (bytes[start], bytes[start + 1])
    let (isData, hasBody) = (control >> 2 & 3 == 2, control & 0x40 == 0)
    guard isData, hasBody else { return .notIP(0) }
    guard flags & 0x40 == 0 else { return .malformed(.unknownLinkType(.ieee80211)) }
    var position = start + 24
    // From one distribution system to another there is a fourth address; quality of service, and its order bit, add their fields.
    if flags & 3 == 3 { position += 6 }
    if control & 0x80 != 0 { position += flags & 0x80 != 0 ? 6 : 2 }
    return llc(at: position)
  }

  /// LINKTYPE_NFLOG: fields of a type and a length, in the byte order of the machine that captured; number 9 is the packet.
  private mutating func nflog(at start: Int) -> FrameContent {
    guard has(8, at: start) else { return .malformed(.cutInHeader) }
    let isLittle = littleHalf(start + 4) <= bytes.count - start - 4 && bytes[start + 5] < 0x40
    func half(_ position: Int) -> Int { isLittle ? littleHalf(position) : Int(fields.half(position)) }
    var position = start + 4
    while has(4, at: position) {
      let (length, type) = (half(position), half(position + 2) & 0x7FFF)
      guard length >= 4 else { return .malformed(.length) }
      if type == 9 {
        enclosing.append(isLittle ? .nflogLittle : .nflogBig, position)
        return network(at: position + 4)
      }
      position += (length + 3) & ~3
    }
    return .malformed(.cutInHeader)
  }
}
