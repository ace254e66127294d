import SansIO

/// What one side reports about a source it hears (RFC 3550 §6.4.1).
public struct ReceptionReport: Hashable, Sendable {
  public var ssrc: UInt32
  /// In 1/256 since the last report.
  public var fractionLost: UInt8
  /// 24 bits, signed: duplicates can make it negative.
  public var cumulativeLost: Int32
  public var extendedHighestSequence: UInt32
  /// In timestamp units.
  public var jitter: UInt32
  /// The middle 32 bits of the NTP time of the last SR; 0 = none came.
  public var lastSenderReport: UInt32
  /// Since that SR, in 1/65536 s.
  public var delaySinceLastSenderReport: UInt32

  public init(
    ssrc: UInt32, fractionLost: UInt8, cumulativeLost: Int32, extendedHighestSequence: UInt32, jitter: UInt32, lastSenderReport: UInt32,
    delaySinceLastSenderReport: UInt32
  ) {
    self.ssrc = ssrc
    self.fractionLost = fractionLost
    self.cumulativeLost = cumulativeLost
    self.extendedHighestSequence = extendedHighestSequence
    self.jitter = jitter
    self.lastSenderReport = lastSenderReport
    self.delaySinceLastSenderReport = delaySinceLastSenderReport
  }
}

/// The packets of an RTCP compound that the Lab reads and writes (RFC 3550 §6).
public enum RTCPPacket: Hashable, Sendable {
  public struct SenderInformation: Hashable, Sendable {
    /// Seconds since 1900 and their fraction (RFC 3550 §4).
    public var ntpTime: UInt64
    public var rtpTimestamp: UInt32
    public var packetCount: UInt32
    public var octetCount: UInt32

    public init(ntpTime: UInt64, rtpTimestamp: UInt32, packetCount: UInt32, octetCount: UInt32) {
      self.ntpTime = ntpTime
      self.rtpTimestamp = rtpTimestamp
      self.packetCount = packetCount
      self.octetCount = octetCount
    }
  }

  case senderReport(ssrc: UInt32, SenderInformation, [ReceptionReport])
  case receiverReport(ssrc: UInt32, [ReceptionReport])
  /// SDES with the canonical name alone.
  case cname(ssrc: UInt32, String)
  case bye([UInt32], reason: String?)
  /// XR (RFC 3611 §2).
  case extended(ssrc: UInt32, [ExtendedBlock])
  /// Any other type, with its bytes.
  case other(type: UInt8, Bytes)

  // MARK: - Reading

  /// Reads a compound packet. It begins with a report, and its lengths add up (RFC 3550 §A.2).
  public static func parse(_ bytes: Bytes) throws(RTPError) -> [RTCPPacket] {
    guard bytes.count >= 8 else { throw .short(bytes.count) }
    guard bytes[1] == 200 || bytes[1] == 201 else { throw .firstPacket(bytes[1]) }
    var packets: [RTCPPacket] = []
    var offset = 0
    while offset < bytes.count {
      guard offset + 4 <= bytes.count else { throw .length }
      guard bytes[offset] >> 6 == 2 else { throw .version(bytes[offset] >> 6) }
      let size = (Int(BigEndian.read(bytes, offset + 2, 2)) + 1) * 4
      guard offset + size <= bytes.count else { throw .length }
      packets.append(try parseOne(bytes[offset..<offset + size]))
      offset += size
    }
    return packets
  }

  private static func parseOne(_ bytes: Bytes) throws(RTPError) -> RTCPPacket {
    let count = Int(bytes[0] & 31)
    switch bytes[1] {
    case 200:
      guard bytes.count >= 28 + count * 24 else { throw .length }
      let sender = SenderInformation(
        ntpTime: UInt64(BigEndian.read(bytes, 8, 4)) << 32 | UInt64(BigEndian.read(bytes, 12, 4)),
        rtpTimestamp: BigEndian.read(bytes, 16, 4), packetCount: BigEndian.read(bytes, 20, 4), octetCount: BigEndian.read(bytes, 24, 4))
      return .senderReport(ssrc: BigEndian.read(bytes, 4, 4), sender, reports(bytes, 28, count))
    case 201:
      guard bytes.count >= 8 + count * 24 else { throw .length }
      return .receiverReport(ssrc: BigEndian.read(bytes, 4, 4), reports(bytes, 8, count))
    case 203:
      guard bytes.count >= 4 + count * 4 else { throw .length }
      return .bye((0..<count).map { BigEndian.read(bytes, 4 + $0 * 4, 4) }, reason: text(bytes, at: 4 + count * 4))
    case 207:
      guard bytes.count >= 8 else { throw .length }
      return .extended(ssrc: BigEndian.read(bytes, 4, 4), try ExtendedBlock.parse(bytes))
    case 202 where count == 1 && bytes.count >= 10 && bytes[8] == 1:
      return .cname(ssrc: BigEndian.read(bytes, 4, 4), text(bytes, at: 9) ?? "")
    default: return .other(type: bytes[1], bytes)
    }
  }

  private static func reports(_ bytes: Bytes, _ offset: Int, _ count: Int) -> [ReceptionReport] {
    (0..<count).map { index in
      let start = offset + index * 24
      let lost = BigEndian.read(bytes, start + 5, 3)
      return ReceptionReport(
        ssrc: BigEndian.read(bytes, start, 4), fractionLost: bytes[start + 4],
        cumulativeLost: Int32(bitPattern: lost << 8) >> 8, extendedHighestSequence: BigEndian.read(bytes, start + 8, 4),
        jitter: BigEndian.read(bytes, start + 12, 4), lastSenderReport: BigEndian.read(bytes, start + 16, 4),
        delaySinceLastSenderReport: BigEndian.read(bytes, start + 20, 4))
    }
  }

  /// A length octet and so many bytes of text; nil when there are none.
  private static func text(_ bytes: Bytes, at offset: Int) -> String? {
    guard offset < bytes.count, offset + 1 + Int(bytes[offset]) <= bytes.count else { return nil }
    return bytes[offset + 1..<offset + 1 + Int(bytes[offset])].text
  }

  // MARK: - Writing

  public static func serialized(_ packets: [RTCPPacket]) -> Bytes {
    var bytes: [UInt8] = []
    for packet in packets { packet.append(to: &bytes) }
    return Bytes(bytes)
  }

  private func append(to bytes: inout [UInt8]) {
    let start = bytes.count
    switch self {
    case .senderReport(let ssrc, let sender, let reports):
      bytes += [0x80 | UInt8(min(reports.count, 31)), 200, 0, 0]
      BigEndian.append(ssrc, 4, to: &bytes)
      BigEndian.append(UInt32(truncatingIfNeeded: sender.ntpTime >> 32), 4, to: &bytes)
      BigEndian.append(UInt32(truncatingIfNeeded: sender.ntpTime), 4, to: &bytes)
      for word in [sender.rtpTimestamp, sender.packetCount, sender.octetCount] { BigEndian.append(word, 4, to: &bytes) }
      for report in reports.prefix(31) { Self.append(report, to: &bytes) }
    case .receiverReport(let ssrc, let reports):
      bytes += [0x80 | UInt8(min(reports.count, 31)), 201, 0, 0]
      BigEndian.append(ssrc, 4, to: &bytes)
      for report in reports.prefix(31) { Self.append(report, to: &bytes) }
    case .cname(let ssrc, let name):
      let text = Array(name.utf8.prefix(255))
      bytes += [0x81, 202, 0, 0]
      BigEndian.append(ssrc, 4, to: &bytes)
      bytes += [1, UInt8(text.count)] + text
      // At least one zero ends the items (RFC 3550 §6.5).
      repeat { bytes.append(0) } while (bytes.count - start) % 4 != 0
    case .bye(let sources, let reason):
      bytes += [0x80 | UInt8(min(sources.count, 31)), 203, 0, 0]
      for ssrc in sources.prefix(31) { BigEndian.append(ssrc, 4, to: &bytes) }
      if let reason {
        let text = Array(reason.utf8.prefix(255))
        bytes += [UInt8(text.count)] + text
        while (bytes.count - start) % 4 != 0 { bytes.append(0) }
      }
    case .extended(let ssrc, let blocks):
      bytes += [0x80, 207, 0, 0]
      BigEndian.append(ssrc, 4, to: &bytes)
      for block in blocks { block.append(to: &bytes) }
    case .other(_, let raw): bytes += raw
    }
    let words = (bytes.count - start) / 4 - 1
    bytes[start + 2] = UInt8(truncatingIfNeeded: words >> 8)
    bytes[start + 3] = UInt8(truncatingIfNeeded: words)
  }

  private static func append(_ report: ReceptionReport, to bytes: inout [UInt8]) {
    BigEndian.append(report.ssrc, 4, to: &bytes)
    bytes.append(report.fractionLost)
    BigEndian.append(UInt32(bitPattern: report.cumulativeLost), 3, to: &bytes)
    for word in [report.extendedHighestSequence, report.jitter, report.lastSenderReport, report.delaySinceLastSenderReport] {
      BigEndian.append(word, 4, to: &bytes)
    }
  }
}

/// NTP time (RFC 3550 §4): 32 bits of seconds since 1900, 32 bits of fraction.
public enum NTPTime {
  public static func at(_ instant: Instant, epoch: Epoch) -> UInt64 {
    let unix = epoch.unixNanoseconds(at: instant)
    let seconds = UInt64(unix / 1_000_000_000) + 2_208_988_800
    let fraction = (UInt64(unix % 1_000_000_000) << 32) / 1_000_000_000
    return seconds << 32 | fraction
  }

  /// The middle 32 bits, as reports carry it.
  public static func middle(_ time: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: time >> 16) }
}
