/// Where the fields of a packet are: checked before anything is handed to libsrtp2 (RFC 3711 §3.1, §3.4, RFC 7714 §8.2, §9.2).
///
/// ```
///                SRTP                                      SRTCP
/// counter mode   header · payload · MKI · tag              header · reports · E and index · MKI · tag
/// GCM            header · payload and tag · MKI            header · reports and tag · E and index · MKI
/// ```
struct SRTPLayout {
  /// Bytes of the E flag and the SRTCP index.
  static let indexLength = 4
  /// What a UDP datagram may have.
  static let longest = 65_535

  private static let rtpHeader = 12
  /// The first packet's header with its SSRC, which stays in clear.
  private static let rtcpHeader = 8

  var kind: SRTPPacketKind
  var suite: SRTPSuite
  /// Bytes of the MKI in each packet.
  var identifierLength: Int

  init(_ kind: SRTPPacketKind, _ suite: SRTPSuite, identifierLength: Int) {
    self.kind = kind
    self.suite = suite
    self.identifierLength = identifierLength
  }

  /// Bytes that come after the MKI.
  var identifierOffsetFromEnd: Int { suite.isAEAD ? 0 : suite.tagLength(kind) }

  /// What protection adds.
  var overhead: Int { suite.tagLength(kind) + identifierLength + (kind == .rtcp ? Self.indexLength : 0) }

  /// Whether it is a packet of this kind that has room for all fields, `overhead` bytes among them.
  func holds(_ packet: UnsafeRawBufferPointer, overhead: Int) -> Bool {
    guard packet.count <= Self.longest, let length = Self.headerLength(packet, kind) else { return false }
    return length + overhead <= packet.count
  }

  /// Of the part that is never encrypted; nil where the packet does not have it, or is of another version.
  private static func headerLength(_ packet: UnsafeRawBufferPointer, _ kind: SRTPPacketKind) -> Int? {
    guard packet.count >= (kind == .rtp ? rtpHeader : rtcpHeader), packet[0] >> 6 == 2 else { return nil }
    guard kind == .rtp else { return rtcpHeader }
    var length = rtpHeader + Int(packet[0] & 15) * 4
    if packet[0] & 0x10 != 0 {
      guard length + 4 <= packet.count else { return nil }
      length += 4 + (Int(packet[length + 2]) << 8 | Int(packet[length + 3])) * 4
    }
    return length
  }

  /// Of the sender (RFC 3550 §5.1, §6.4). The packet has a whole header.
  func ssrc(_ packet: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: kind == .rtp ? 8 : 4, as: UInt32.self))
  }

  /// The RTP sequence number. The packet has a whole header.
  func sequenceNumber(_ packet: UnsafeRawBufferPointer) -> UInt16 {
    UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
  }

  /// The MKI's place. The packet holds all fields.
  func identifier(_ packet: UnsafeRawBufferPointer) -> Range<Int> {
    let end = packet.count - identifierOffsetFromEnd
    return end - identifierLength..<end
  }

  /// Whether an SRTCP packet says that it is encrypted: the E flag. The packet holds all fields.
  func isEncrypted(_ packet: UnsafeRawBufferPointer) -> Bool {
    packet[packet.count - identifierOffsetFromEnd - identifierLength - Self.indexLength] & 0x80 != 0
  }
}
