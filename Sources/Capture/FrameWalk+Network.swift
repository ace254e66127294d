import SansIO

// IP and what it carries.
extension FrameWalk {
  mutating func network(at start: Int) -> FrameContent {
    guard has(1, at: start) else { return .malformed(.cutInHeader) }
    switch bytes[start] >> 4 {
    case 4: return ipv4(at: start)
    case 6: return ipv6(at: start)
    case let version: return .malformed(.version(version))
    }
  }

  private mutating func ipv4(at start: Int) -> FrameContent {
    guard has(20, at: start) else { return .malformed(.cutInHeader) }
    let header = Int(bytes[start] & 15) * 4
    // Zero stands in packets whose segmentation the network card does.
    let total = fields.half(start + 2) == 0 ? bytes.count - start : Int(fields.half(start + 2))
    guard header >= 20, total >= header else { return .malformed(.length) }
    let source = IPAddress(v4: fields.word(start + 12))
    let destination = IPAddress(v4: fields.word(start + 16))
    let fragment = fields.half(start + 6)
    guard fragment & 0x3FFF == 0 else {
      guard has(header, at: start) else { return .malformed(.cutInHeader) }
      let payload = start + header..<max(start + header, min(start + total, bytes.count))
      return .fragment(
        IPFragment(
          source: source, destination: destination, protocolNumber: bytes[start + 9], identification: UInt32(fields.half(start + 4)),
          offset: Int(fragment & 0x1FFF) * 8, isLast: fragment & 0x2000 == 0, payload: payload, isCut: start + total > bytes.count,
          network: start))
    }
    var (next, position) = (bytes[start + 9], start + header)
    // RFC 4302 §2: authentication, between IP and what it protects.
    if next == 51, has(8, at: position) { (next, position) = (bytes[position], position + (Int(bytes[position + 1]) + 2) * 4) }
    return transport(next, start, at: position, end: start + total, source, destination)
  }

  private mutating func ipv6(at start: Int) -> FrameContent {
    guard has(40, at: start) else { return .malformed(.cutInHeader) }
    func address(_ at: Int) -> IPAddress { IPAddress(high: fields.long(at), low: fields.long(at + 8)) }
    let (source, destination) = (address(start + 8), address(start + 24))
    let length = Int(fields.half(start + 4))
    let end = length == 0 ? bytes.count : start + 40 + length
    var next = bytes[start + 6]
    var position = start + 40
    // Hop-by-hop, routing, fragment, destination options, authentication, mobility (RFC 8200 §4, RFC 4302 §2, RFC 6275 §6.1).
    while [0, 43, 44, 60, 51, 135].contains(next) {
      guard has(8, at: position) else { return .malformed(.cutInHeader) }
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
    return transport(next, start, at: position, end: end, source, destination)
  }

  /// What an IP packet carries: UDP or TCP, or another packet.
  mutating func transport(
    _ protocolNumber: UInt8, _ network: Int, at start: Int, end: Int, _ source: IPAddress, _ destination: IPAddress
  ) -> FrameContent {
    guard protocolNumber == 17 || protocolNumber == 6 else {
      guard !isQuoted else { return .otherProtocol(protocolNumber, source: source, destination: destination) }
      switch protocolNumber {
      case 132:
        if let packet = SCTPPacket(fields, at: start, end: end, source, destination) { return .sctp(packet) }
      case 1, 58:
        if let error = ICMPError(fields, at: start, isIPv6: protocolNumber == 58, from: source) { return .unreachable(error) }
      default: break
      }
      if Self.carriers.contains(protocolNumber), has(1, at: start), mayEnter() {
        enclosing.append(.ip, network)
        if let inner = carried(by: protocolNumber, at: start), inner.isSomething { return inner }
      }
      return .otherProtocol(protocolNumber, source: source, destination: destination)
    }
    if isQuoted { return quoted(protocolNumber, at: start, source, destination) }
    let smallest = protocolNumber == 17 ? 8 : 20
    guard end - start >= smallest else { return .malformed(.length) }
    guard has(smallest, at: start) else { return .malformed(.cutInHeader) }
    let header = protocolNumber == 17 ? 8 : Int(bytes[start + 12] >> 4) * 4
    var payloadEnd = end
    if protocolNumber == 17, fields.half(start + 4) != 0 { payloadEnd = start + Int(fields.half(start + 4)) }
    guard header >= smallest, payloadEnd >= start + header, payloadEnd <= end else { return .malformed(.length) }
    guard has(header, at: start) else { return .malformed(.cutInHeader) }
    if protocolNumber == 17, Self.isTunnelPort(fields.half(start + 2)), let inner = tunnel(fields.half(start + 2), network, at: start) {
      return inner
    }
    var found = DecodedPacket(
      carrier: protocolNumber == 17 ? .udp : .tcp(segment(at: start)),
      source: TransportAddress(source, port: fields.half(start)),
      destination: TransportAddress(destination, port: fields.half(start + 2)),
      payload: start + header..<min(payloadEnd, bytes.count), wholePayload: payloadEnd - start - header)
    (found.network, found.header, found.isTunnelled) = (network, start, !enclosing.isEmpty)
    if has(2, at: network), start > network { found.marking = UInt8(truncatingIfNeeded: marking(network)) }
    return .transport(found)
  }

  private func marking(_ network: Int) -> UInt16 {
    bytes[network] >> 4 == 6 ? fields.half(network) >> 6 & 63 : fields.half(network) >> 2 & 63
  }

  /// The ports, and what the quotation has behind the header.
  private func quoted(_ protocolNumber: UInt8, at start: Int, _ source: IPAddress, _ destination: IPAddress) -> FrameContent {
    guard has(8, at: start) else { return .malformed(.cutInHeader) }
    let header = protocolNumber == 17 ? 8 : has(20, at: start) ? max(Int(bytes[start + 12] >> 4) * 4, 20) : bytes.count - start
    let none = TCPSegment(sequence: fields.word(start + 4), acknowledgement: 0, flags: [], window: 0)
    return .transport(
      DecodedPacket(
        carrier: protocolNumber == 17 ? .udp : .tcp(none), source: TransportAddress(source, port: fields.half(start)),
        destination: TransportAddress(destination, port: fields.half(start + 2)),
        payload: min(start + header, bytes.count)..<bytes.count))
  }

  private func segment(at start: Int) -> TCPSegment {
    TCPSegment(
      sequence: fields.word(start + 4), acknowledgement: fields.word(start + 8),
      flags: TCPSegment.Flags(rawValue: bytes[start + 13]), window: fields.half(start + 14))
  }
}
