import SansIO

/// What somebody else took off the wire and passes on with its addresses: a HEP3 packet of a capture agent, or a PDU that Wireshark
/// exported.
public struct RelayedPacket: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    /// SIP, RTP, RTCP, or what nobody named.
    case packet
    /// Reports about calls and streams, logs, the agent's own life signs.
    case report
    /// Not to be told without unpacking.
    case compressed
  }

  public var source: TransportAddress
  public var destination: TransportAddress
  /// Of IP: 17 = UDP, 6 = TCP, which may have carried TLS; 132 = SCTP.
  public var protocolNumber: UInt8
  public var content: Content
  /// Where it stands in what it came in.
  public var payload: Range<Int>
}

extension RelayedPacket {
  /// The length of a HEP3 packet that begins here; nil where none does, and where six octets are not there.
  public static func hepLength(_ bytes: Bytes) -> Int? {
    guard bytes.count >= 6, bytes[0] == 0x48, bytes[1] == 0x45, bytes[2] == 0x50, bytes[3] == 0x33 else { return nil }
    return Int(bytes[4]) << 8 | Int(bytes[5])
  }

  /// The chunks of a HEP3 packet (HEP3 network protocol specification, sipcapture.org): a vendor, a type, a length that counts its own six
  /// octets, and a value.
  ///
  /// - Returns: nil where a chunk does not fit, or addresses and payload are not all there.
  public static func hep(_ bytes: Bytes) -> RelayedPacket? {
    guard let length = hepLength(bytes), length >= 6, length <= bytes.count else { return nil }
    let fields = EndianBytes(bytes: bytes, isBigEndian: true)
    var chunks = Chunks()
    var position = 6
    while position < length {
      guard position + 6 <= length else { return nil }
      let size = Int(fields.half(position + 4))
      guard size >= 6, position + size <= length else { return nil }
      // Chunks of a vendor have numbers of the vendor's own.
      if fields.half(position) == 0 { chunks.take(fields.half(position + 2), position + 6..<position + size, fields) }
      position += size
    }
    return chunks.packet
  }

  /// Where the authentication key of a HEP3 packet stands; nil where it has none.
  public static func hepKey(_ bytes: Bytes) -> Range<Int>? {
    guard let length = hepLength(bytes) else { return nil }
    let fields = EndianBytes(bytes: bytes, isBigEndian: true)
    var position = 6
    while position + 6 <= min(length, bytes.count) {
      let size = Int(fields.half(position + 4))
      guard size >= 6 else { return nil }
      if fields.word(position) == 14 { return position + 6..<min(position + size, bytes.count) }
      position += size
    }
    return nil
  }

  private struct Chunks {
    private var addresses: (IPAddress?, IPAddress?)
    private var ports: (UInt16, UInt16) = (0, 0)
    private var protocolNumber: UInt8 = 17
    private var kind: UInt8 = 0
    private var payload: Range<Int>?
    private var isCompressed = false

    mutating func take(_ type: UInt16, _ value: Range<Int>, _ fields: EndianBytes) {
      let at = value.lowerBound
      switch (type, value.count) {
      case (2, 1): protocolNumber = fields.bytes[at]
      case (3, 4): addresses.0 = IPAddress(v4: fields.word(at))
      case (4, 4): addresses.1 = IPAddress(v4: fields.word(at))
      case (5, 16): addresses.0 = IPAddress(high: fields.long(at), low: fields.long(at + 8))
      case (6, 16): addresses.1 = IPAddress(high: fields.long(at), low: fields.long(at + 8))
      case (7, 2): ports.0 = fields.half(at)
      case (8, 2): ports.1 = fields.half(at)
      case (11, 1): kind = fields.bytes[at]
      case (15, _): payload = value
      case (16, _): (payload, isCompressed) = (value, true)
      default: break
      }
    }

    var packet: RelayedPacket? {
      guard let source = addresses.0, let destination = addresses.1, let payload else { return nil }
      // 1 SIP, 3 SDP, 4 RTP, 5 RTCP, which agents send as JSON too.
      let isPacket = [0, 1, 3, 4, 5].contains(kind)
      return RelayedPacket(
        source: TransportAddress(source, port: ports.0), destination: TransportAddress(destination, port: ports.1),
        protocolNumber: protocolNumber, content: !isPacket ? .report : isCompressed ? .compressed : .packet, payload: payload)
    }
  }
}

extension RelayedPacket {
  /// What Wireshark exports (LINKTYPE_WIRESHARK_UPPER_PDU): tags with the dissector's name, addresses and ports, and then the PDU.
  ///
  /// - Returns: nil where a tag does not fit, addresses are not there, or it is neither SIP, RTP nor RTCP.
  static func exported(_ bytes: Bytes) -> RelayedPacket? {
    let fields = EndianBytes(bytes: bytes, isBigEndian: true)
    var (source, destination): (IPAddress?, IPAddress?)
    var (ports, carrier, name): ((UInt16, UInt16), UInt8, String) = ((0, 0), 17, "")
    var position = 0
    while position + 4 <= bytes.count {
      let (tag, size) = (fields.half(position), Int(fields.half(position + 2)))
      position += 4
      guard position + size <= bytes.count else { return nil }
      switch (tag, size) {
      case (0, _):
        guard let source, let destination, ["sip", "rtp", "rtcp"].contains(name) else { return nil }
        return RelayedPacket(
          source: TransportAddress(source, port: ports.0), destination: TransportAddress(destination, port: ports.1),
          protocolNumber: carrier, content: .packet, payload: position..<bytes.count)
      case (12, _): name = bytes[position..<position + size].prefix { $0 != 0 }.text
      case (20, 4): source = IPAddress(v4: fields.word(position))
      case (21, 4): destination = IPAddress(v4: fields.word(position))
      case (22, 16): source = IPAddress(high: fields.long(position), low: fields.long(position + 8))
      case (23, 16): destination = IPAddress(high: fields.long(position), low: fields.long(position + 8))
      // The kinds of port have numbers of Wireshark's own.
      case (24, 4): carrier = [1: 132, 2: 6][fields.word(position)] ?? 17
      case (25, 4): ports.0 = UInt16(truncatingIfNeeded: fields.word(position))
      case (26, 4): ports.1 = UInt16(truncatingIfNeeded: fields.word(position))
      default: break
      }
      position += size
    }
    return nil
  }
}
