import SansIO

// Packets in packets: by the protocol of IP, or by the port of UDP and what the first octets say.
extension FrameWalk {
  /// Protocols of IP that carry packets (Protocol Numbers, IANA).
  static let carriers: Set<UInt8> = [4, 41, 47, 94, 97, 137]

  /// What a packet in a packet is; nil where it cannot be read.
  mutating func carried(by protocolNumber: UInt8, at start: Int) -> FrameContent? {
    switch protocolNumber {
    case 47: return gre(at: start)
    // RFC 3378 §3: a version, and Ethernet.
    case 97: return has(2, at: start) && bytes[start] >> 4 == 3 ? etherType(at: start + 14) : nil
    case 137: return mpls(at: start)
    // RFC 2003, RFC 4213 §3.
    default: return network(at: start)
    }
  }

  /// RFC 2784 §2, RFC 2890 §2, and RFC 2637 §4.1 for version 1.
  private mutating func gre(at start: Int) -> FrameContent? {
    guard has(4, at: start) else { return .malformed(.cutInHeader) }
    let (flags, type) = (fields.half(start), fields.half(start + 2))
    var position = start + 4
    if flags & 0x8000 != 0 { position += 4 }
    if flags & 0x2000 != 0 { position += 4 }
    if flags & 0x1000 != 0 { position += 4 }
    // Routes in the header went with RFC 1701.
    guard flags & 0x4000 == 0 else { return nil }
    switch (flags & 7, type) {
    case (1, 0x880B):
      if flags & 0x80 != 0 { position += 4 }
      return ppp(at: position)
    case (0, 0x88BE):
      // A mirrored frame; type I of ERSPAN has no header, and no sequence number before it.
      return etherType(at: position + (flags & 0x1000 != 0 ? 8 : 0) + 12)
    case (0, 0x22EB):
      guard has(12, at: position) else { return .malformed(.cutInHeader) }
      // Type III of ERSPAN may have a subheader for its platform.
      return etherType(at: position + (bytes[position + 11] & 1 == 1 ? 20 : 12) + 12)
    case (0, _):
      let found = named(type, at: position)
      if case .notIP = found { return nil }
      return found
    default: return nil
    }
  }

  // MARK: - In UDP

  static func isTunnelPort(_ port: UInt16) -> Bool {
    switch port {
    case 1_701, 2_152, 4_789, 4_790, 6_081, 6_635, 8_472, 37_008: true
    default: false
    }
  }

  /// What a datagram to one of these ports carries; nil where it is no packet of the tunnel.
  ///
  /// - Parameter start: where the header of UDP stands.
  mutating func tunnel(_ port: UInt16, _ network: Int, at start: Int) -> FrameContent? {
    let first = start + 8
    guard has(8, at: first) else { return nil }
    guard mayEnter() else { return nil }
    let before = enclosing
    enclosing.append(.ip, network)
    enclosing.append(.udp, start)
    if let found = inner(of: port, at: first), found.isSomething { return found }
    enclosing = before
    return nil
  }

  private mutating func inner(of port: UInt16, at start: Int) -> FrameContent? {
    switch port {
    // RFC 7348 §5: the flag I alone, and what is reserved is zero; Linux used another port before.
    case 4_789, 8_472: return fields.word(start) == 0x0800_0000 && bytes[start + 7] == 0 ? etherType(at: start + 20) : nil
    case 4_790: return genericVXLAN(at: start)
    case 6_081: return geneve(at: start)
    case 6_635: return mpls(at: start)
    case 2_152: return gtp(at: start)
    case 1_701: return l2tp(at: start)
    default: return tzsp(at: start)
    }
  }

  /// draft-ietf-nvo3-vxlan-gpe §3: the next protocol has a number of its own.
  private mutating func genericVXLAN(at start: Int) -> FrameContent? {
    guard bytes[start] & 0x0C == 0x0C else { return nil }
    switch bytes[start + 3] {
    case 1, 2: return network(at: start + 8)
    case 3: return etherType(at: start + 20)
    case 5: return mpls(at: start + 8)
    default: return nil
    }
  }

  /// RFC 8926 §3.4: options in words of four octets, and an EtherType.
  private mutating func geneve(at start: Int) -> FrameContent? {
    guard bytes[start] >> 6 == 0, bytes[start + 7] == 0, [0x0800, 0x86DD, 0x6558].contains(fields.half(start + 2)) else { return nil }
    return named(fields.half(start + 2), at: start + 8 + Int(bytes[start] & 0x3F) * 4)
  }

  /// 3GPP TS 29.281 §5.1, §5.2: a G-PDU, whose extension headers say each what the next one is.
  private mutating func gtp(at start: Int) -> FrameContent? {
    guard bytes[start] >> 4 == 3, bytes[start + 1] == 0xFF else { return nil }
    var position = start + 8
    if bytes[start] & 7 != 0 {
      guard has(4, at: position) else { return .malformed(.cutInHeader) }
      var next = bytes[start] & 4 != 0 ? bytes[position + 3] : 0
      position += 4
      while next != 0 {
        guard has(4, at: position), bytes[position] > 0 else { return .malformed(.cutInHeader) }
        let length = Int(bytes[position]) * 4
        guard has(length, at: position) else { return .malformed(.cutInHeader) }
        next = bytes[position + length - 1]
        position += length
      }
    }
    guard has(1, at: position) else { return .malformed(.cutInHeader) }
    // Ethernet and unstructured data have no number of their own.
    guard [4, 6].contains(bytes[position] >> 4) else { return nil }
    enclosing.append(.gtp, start)
    return network(at: position)
  }

  /// RFC 2661 §3.1: a data message with PPP in it.
  private mutating func l2tp(at start: Int) -> FrameContent? {
    let flags = fields.half(start)
    guard flags & 0x8000 == 0, flags & 15 == 2 else { return nil }
    var position = start + 2
    if flags & 0x4000 != 0 {
      enclosing.append(.l2tp, start)
      position += 2
    }
    position += 4
    if flags & 0x0800 != 0 { position += 4 }
    if flags & 0x0200 != 0 {
      guard has(2, at: position) else { return .malformed(.cutInHeader) }
      position += 2 + Int(fields.half(position))
    }
    return ppp(at: position)
  }

  /// What MikroTik's packet sniffer streams: version 1, a received packet of Ethernet, and fields up to number 1.
  private mutating func tzsp(at start: Int) -> FrameContent? {
    guard fields.word(start) == 0x0100_0001 else { return nil }
    var position = start + 4
    while has(2, at: position), bytes[position] != 1 { position += bytes[position] == 0 ? 1 : 2 + Int(bytes[position + 1]) }
    return etherType(at: position + 1 + 12)
  }
}

extension FrameContent {
  /// A tunnel whose content makes no sense, or is cut, is told as the tunnel.
  var isSomething: Bool {
    switch self {
    case .transport, .fragment, .relayed, .sctp, .unreachable, .otherProtocol: true
    case .notIP(let type): type != 0
    case .malformed: false
    }
  }
}
