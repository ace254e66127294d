import SansIO

/// One IP packet as a router reads it (RFC 791, RFC 8200): addresses, ports and payload of UDP and TCP, ICMP as far as a NAT needs it.
///
/// Addresses with ports are those of UDP and TCP; of ICMP echo the identifier stands for the port of who asks (RFC 5508 §3.1).
struct IPPacket {
  enum Kind: Hashable {
    case udp
    case tcp(TCPSegment)
    /// A question, or the answer to one.
    case echo(isReply: Bool)
    /// Something about another packet, which follows.
    case error
    /// What is passed on by its addresses alone.
    case other
  }

  /// Why a packet is not read.
  enum Flaw: Error, Hashable {
    case cut
    case version
    /// Only the first fragment has ports: nobody can translate the others.
    case fragment
    case header
  }

  private enum Number {
    static let (icmp, tcp, udp, icmp6): (UInt8, UInt8, UInt8, UInt8) = (1, 6, 17, 58)
  }

  private(set) var kind: Kind
  private(set) var source: TransportAddress
  private(set) var destination: TransportAddress
  let hops: UInt8
  /// IP header without options, and what follows it.
  private let header: ArraySlice<UInt8>
  private let `protocol`: UInt8
  private(set) var body: ArraySlice<UInt8>

  // MARK: - Reading

  init(_ bytes: Bytes) throws(Flaw) {
    let all = bytes.array[...]
    guard let first = all.first else { throw .cut }
    switch first >> 4 {
    case 4: try self.init(v4: all)
    case 6: try self.init(v6: all)
    default: throw .version
    }
    try readPorts()
  }

  private init(v4 all: ArraySlice<UInt8>) throws(Flaw) {
    guard all.count >= 20 else { throw .cut }
    let (length, total) = (Int(all[0] & 15) * 4, Int(all.word(2)))
    guard length >= 20, total >= length else { throw .header }
    guard total <= all.count else { throw .cut }
    guard all.word(6) & 0x3FFF == 0 else { throw .fragment }
    (kind, hops, `protocol`) = (.other, all[8], all[9])
    header = all[0..<20]
    body = all[length..<total]
    source = TransportAddress(IPAddress(v4: all.long(12)), port: 0)
    destination = TransportAddress(IPAddress(v4: all.long(16)), port: 0)
  }

  private init(v6 all: ArraySlice<UInt8>) throws(Flaw) {
    guard all.count >= 40 else { throw .cut }
    let length = Int(all.word(4))
    guard all.count >= 40 + length else { throw .cut }
    // Extension headers are not walked: a fragment is one of them.
    guard all[6] != 44 else { throw .fragment }
    (kind, hops, `protocol`) = (.other, all[7], all[6])
    header = all[0..<40]
    body = all[40..<(40 + length)]
    func address(_ offset: Int) -> IPAddress {
      IPAddress(
        high: UInt64(all.long(offset)) << 32 | UInt64(all.long(offset + 4)),
        low: UInt64(all.long(offset + 8)) << 32 | UInt64(all.long(offset + 12)))
    }
    source = TransportAddress(address(8), port: 0)
    destination = TransportAddress(address(24), port: 0)
  }

  private mutating func readPorts() throws(Flaw) {
    let start = body.startIndex
    switch `protocol` {
    case Number.udp:
      guard body.count >= 8 else { throw .cut }
      let length = Int(body.word(start + 4))
      guard length >= 8, length <= body.count else { throw .header }
      kind = .udp
      body = body.prefix(length)
    case Number.tcp:
      guard body.count >= 20 else { throw .cut }
      let offset = Int(body[start + 12] >> 4) * 4
      guard offset >= 20, offset <= body.count else { throw .header }
      kind = .tcp(
        TCPSegment(
          sequence: body.long(start + 4), acknowledgement: body.long(start + 8), flags: TCPSegment.Flags(rawValue: body[start + 13] & 0x1F),
          window: body.word(start + 14)))
    case Number.icmp, Number.icmp6:
      guard body.count >= 8 else { throw .cut }
      kind = Self.kind(ofICMP: body[start], isV6: `protocol` == Number.icmp6)
      if case .echo(let isReply) = kind {
        if isReply { destination.port = body.word(start + 4) } else { source.port = body.word(start + 4) }
      }
      return
    default: return
    }
    source.port = body.word(start)
    destination.port = body.word(start + 2)
  }

  private static func kind(ofICMP type: UInt8, isV6: Bool) -> Kind {
    switch (type, isV6) {
    case (8, false), (128, true): .echo(isReply: false)
    case (0, false), (129, true): .echo(isReply: true)
    case (3, false), (11, false), (12, false), (1...4, true): .error
    default: .other
    }
  }

  /// Where the payload begins in ``body``.
  private var payloadStart: Int {
    switch kind {
    case .udp: body.startIndex + 8
    case .tcp: body.startIndex + Int(body[body.startIndex + 12] >> 4) * 4
    case .echo, .error: body.startIndex + 8
    case .other: body.startIndex
    }
  }

  var payload: Bytes { Bytes(Array(body[payloadStart...])) }

  /// Of an error: the packet that it is about, as far as it is there: addresses and the first 8 bytes behind its header.
  var quoted: (source: TransportAddress, destination: TransportAddress, isStream: Bool)? {
    guard kind == .error, !source.address.isIPv6 else { return nil }
    let inner = body[payloadStart...]
    let start = inner.startIndex
    guard inner.count >= 28, inner[start] >> 4 == 4 else { return nil }
    let length = Int(inner[start] & 15) * 4
    let number = inner[start + 9]
    guard length >= 20, inner.count >= length + 8, number == Number.udp || number == Number.tcp else { return nil }
    let ports = start + length
    return (
      TransportAddress(IPAddress(v4: inner.long(start + 12)), port: inner.word(ports)),
      TransportAddress(IPAddress(v4: inner.long(start + 16)), port: inner.word(ports + 2)), number == Number.tcp
    )
  }

  // MARK: - Writing

  /// The packet with other addresses and ports, one hop further.
  ///
  /// - Parameters:
  ///   - segment: other numbers of TCP.
  ///   - payload: other bytes of UDP or TCP.
  /// - Returns: nil when it has no hop left, or has no form in the family of the addresses.
  func routed(
    from source: TransportAddress, to destination: TransportAddress, segment: TCPSegment? = nil, payload: Bytes? = nil
  ) -> Bytes? {
    guard hops > 1, source.address.isIPv6 == destination.address.isIPv6 else { return nil }
    let isChanged = source.address.isIPv6 != self.source.address.isIPv6
    switch kind {
    case .udp, .tcp: break
    case .echo, .error, .other: if isChanged { return nil }
    }
    var content = Array(body[..<payloadStart]) + (payload?.array ?? Array(body[payloadStart...]))
    put(source.port, destination.port, segment, into: &content)
    var packet = isChanged ? Self.header(isV6: source.address.isIPv6, `protocol`) : Array(header)
    if source.address.isIPv6 {
      packet.put(UInt16(content.count), at: 4)
      packet[7] = hops - 1
      packet.replaceSubrange(8..<40, with: source.address.networkBytes + destination.address.networkBytes)
    } else {
      packet[0] = 0x45
      packet.put(UInt16(20 + content.count), at: 2)
      packet[8] = hops - 1
      packet.replaceSubrange(12..<20, with: source.address.networkBytes + destination.address.networkBytes)
      packet.put(0, at: 10)
      packet.put(~Checksum.of(packet), at: 10)
    }
    Self.check(&content, kind, `protocol`, source.address, destination.address)
    return Bytes(packet + content)
  }

  /// An error with other addresses, about a packet with other addresses.
  func routed(
    from source: IPAddress, to destination: IPAddress, quoting inner: (source: TransportAddress, destination: TransportAddress)
  ) -> Bytes? {
    guard kind == .error, quoted != nil, !source.isIPv6, !destination.isIPv6 else { return nil }
    var content = Array(body)
    let length = Int(content[8] & 15) * 4
    content.replaceSubrange(20..<28, with: inner.source.address.networkBytes + inner.destination.address.networkBytes)
    content.put(inner.source.port, at: 8 + length)
    content.put(inner.destination.port, at: 8 + length + 2)
    content.put(0, at: 18)
    content.put(~Checksum.of(Array(content[8..<(8 + length)])), at: 18)
    var copy = self
    copy.body = content[...]
    return copy.routed(from: TransportAddress(source, port: 0), to: TransportAddress(destination, port: 0))
  }

  private func put(_ from: UInt16, _ to: UInt16, _ segment: TCPSegment?, into content: inout [UInt8]) {
    switch kind {
    case .udp:
      content.put(from, at: 0)
      content.put(to, at: 2)
      content.put(UInt16(content.count), at: 4)
    case .tcp:
      content.put(from, at: 0)
      content.put(to, at: 2)
      guard let segment else { return }
      content.put(UInt16(segment.sequence >> 16), at: 4)
      content.put(UInt16(truncatingIfNeeded: segment.sequence), at: 6)
      content.put(UInt16(segment.acknowledgement >> 16), at: 8)
      content.put(UInt16(truncatingIfNeeded: segment.acknowledgement), at: 10)
    case .echo(let isReply): content.put(isReply ? to : from, at: 4)
    case .error, .other: break
    }
  }

  private static func header(isV6: Bool, _ number: UInt8) -> [UInt8] {
    isV6
      ? [0x60, 0, 0, 0, 0, 0, number, 0] + [UInt8](repeating: 0, count: 32)
      // Don't fragment, as RFC 7915 §5.1 wants it for what is longer than 1,260 bytes.
      : [0x45, 0, 0, 0, 0, 0, 0x40, 0, 0, number] + [UInt8](repeating: 0, count: 10)
  }

  /// Writes the checksum of what follows the IP header.
  private static func check(_ content: inout [UInt8], _ kind: Kind, _ number: UInt8, _ source: IPAddress, _ destination: IPAddress) {
    let place: Int
    switch kind {
    case .udp: place = 6
    case .tcp: place = 16
    case .echo, .error: place = 2
    case .other: return
    }
    content.put(0, at: place)
    let pseudo = source.networkBytes + destination.networkBytes
    let needsPseudo = number != Number.icmp
    let sum = Checksum.of(
      (needsPseudo ? pseudo + [0, number] + [UInt8(content.count >> 8), UInt8(truncatingIfNeeded: content.count)] : []) + content)
    // 0 stands for "none" in UDP (RFC 768).
    content.put(number == Number.udp && ~sum == 0 ? 0xFFFF : ~sum, at: place)
  }
}

/// The one's complement sum of RFC 1071.
enum Checksum {
  static func of(_ bytes: [UInt8]) -> UInt16 {
    var (sum, index): (UInt32, Int) = (0, 0)
    while index + 1 < bytes.count {
      sum += UInt32(bytes[index]) << 8 | UInt32(bytes[index + 1])
      index += 2
    }
    if index < bytes.count { sum += UInt32(bytes[index]) << 8 }
    while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
    return UInt16(sum)
  }
}

extension ArraySlice<UInt8> {
  fileprivate func word(_ index: Int) -> UInt16 { UInt16(self[index]) << 8 | UInt16(self[index + 1]) }
  fileprivate func long(_ index: Int) -> UInt32 { UInt32(word(index)) << 16 | UInt32(word(index + 2)) }
}

extension [UInt8] {
  fileprivate mutating func put(_ word: UInt16, at index: Int) {
    self[index] = UInt8(word >> 8)
    self[index + 1] = UInt8(truncatingIfNeeded: word)
  }
}
