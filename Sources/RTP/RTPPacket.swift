import SansIO

/// An RTP packet (RFC 3550 §5.1).
public struct RTPPacket: Hashable, Sendable {
  public var payloadType: UInt8
  public var marker: Bool
  public var sequenceNumber: UInt16
  public var timestamp: UInt32
  /// Synchronization source.
  public var ssrc: UInt32
  public var payload: Bytes

  public init(payloadType: UInt8, marker: Bool, sequenceNumber: UInt16, timestamp: UInt32, ssrc: UInt32, payload: Bytes) {
    self.payloadType = payloadType
    self.marker = marker
    self.sequenceNumber = sequenceNumber
    self.timestamp = timestamp
    self.ssrc = ssrc
    self.payload = payload
  }

  /// Bytes of the fixed header.
  public static let headerSize = 12

  /// Reads a packet; contributing sources, header extension and padding are passed over.
  public static func parse(_ bytes: Bytes) throws(RTPError) -> RTPPacket {
    guard bytes.count >= headerSize else { throw .short(bytes.count) }
    // The fixed header in two loads: it is read for every packet of every capture.
    let (head, ssrc) = bytes.withUnsafeBytes { bytes in
      (UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)), UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
    }
    let first = UInt8(truncatingIfNeeded: head >> 56)
    guard first >> 6 == 2 else { throw .version(first >> 6) }
    var offset = headerSize + Int(first & 15) * 4
    var end = bytes.count
    if first & 0x20 != 0 {
      let padding = Int(bytes[end - 1])
      guard padding > 0, padding <= end - headerSize else { throw .padding(padding) }
      end -= padding
    }
    if first & 0x10 != 0 {
      guard offset + 4 <= end else { throw .header }
      offset += 4 + (Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])) * 4
    }
    guard offset <= end else { throw .header }
    let second = UInt8(truncatingIfNeeded: head >> 48)
    return RTPPacket(
      payloadType: second & 0x7F, marker: second & 0x80 != 0, sequenceNumber: UInt16(truncatingIfNeeded: head >> 32),
      timestamp: UInt32(truncatingIfNeeded: head), ssrc: ssrc, payload: bytes[offset..<end])
  }

  public func serialized() -> Bytes {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.headerSize + payload.count)
    Self.appendHeader(
      to: &bytes, payloadType: payloadType, marker: marker, sequenceNumber: sequenceNumber, timestamp: timestamp, ssrc: ssrc)
    bytes += payload
    return Bytes(bytes)
  }

  /// Writes the fixed header alone, for senders that write the payload behind it themselves.
  public static func appendHeader(
    to bytes: inout [UInt8], payloadType: UInt8, marker: Bool, sequenceNumber: UInt16, timestamp: UInt32, ssrc: UInt32
  ) {
    bytes.append(0x80)
    bytes.append(payloadType | (marker ? 0x80 : 0))
    BigEndian.append(UInt32(sequenceNumber), 2, to: &bytes)
    BigEndian.append(timestamp, 4, to: &bytes)
    BigEndian.append(ssrc, 4, to: &bytes)
  }
}

/// Why bytes are no RTP or RTCP packet.
public enum RTPError: Error, Hashable, Sendable {
  case short(Int)
  case version(UInt8)
  case padding(Int)
  case header
  /// A compound packet has to begin with a report (RFC 3550 §6.1).
  case firstPacket(UInt8)
  case length
  /// A block of an XR packet.
  case extendedBlock
}

extension RTPError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .short(let count): "\(CountText.of(count, "byte")) \(count == 1 ? "is" : "are") too short for RTP (RFC 3550 §5.1)"
    case .version(let version): "RTP version is \(version), not 2 (RFC 3550 §5.1)"
    case .padding(let count): "RTP padding of \(CountText.of(count, "byte")) does not fit (RFC 3550 §5.1)"
    case .header: "RTP header is longer than the packet (RFC 3550 §5.1)"
    case .firstPacket(let type): "an RTCP compound begins with type \(type), not with SR or RR (RFC 3550 §6.1)"
    case .extendedBlock: "lengths of the blocks of an RTCP XR do not add up to the packet (RFC 3611 §3)"
    case .length: "RTCP length fields do not add up to the datagram (RFC 3550 §6.4.1)"
    }
  }
}

enum BigEndian {
  @inline(__always)
  static func read(_ bytes: Bytes, _ offset: Int, _ count: Int) -> UInt32 {
    var value: UInt32 = 0
    for index in 0..<count { value = value << 8 | UInt32(bytes[offset + index]) }
    return value
  }

  @inline(__always)
  static func append(_ value: UInt32, _ count: Int, to bytes: inout [UInt8]) {
    for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(index * 8))) }
  }
}
