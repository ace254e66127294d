import SansIO

/// One packet record as the frame that tcpdump would have seen: [Ethernet,] IPv4 or IPv6, UDP or TCP, payload.
struct IPFrame {
  static let hopLimit: UInt8 = 64
  static let ethernetHeader = 14
  /// Ethernet, IPv6, TCP with one option.
  static let largestHeaders = 14 + 40 + 24

  let isEthernet: Bool
  let isIPv6: Bool
  let transportHeader: Int
  /// What of the payload fits into an IP packet.
  let payload: Int
  let wholePayload: Int

  @inline(__always)
  init(_ record: PacketRecord, linkType: LinkType) {
    isEthernet = linkType == .ethernet
    isIPv6 = record.source.address.isIPv6 || record.destination.address.isIPv6
    switch record.carrier {
    case .udp: transportHeader = 8
    case .tcp(let segment): transportHeader = segment.flags.contains(.syn) ? 24 : 20
    }
    wholePayload = record.payload.count
    // The length fields count the IPv4 header but not the IPv6 one.
    payload = min(wholePayload, 65_535 - transportHeader - (isIPv6 ? 0 : 20))
  }

  var isCut: Bool { payload < wholePayload }
  var headers: Int { (isEthernet ? Self.ethernetHeader : 0) + (isIPv6 ? 40 : 20) + transportHeader }
  var capturedLength: Int { headers + payload }
  var originalLength: Int { headers + wholePayload }

  @inline(__always)
  func write(_ record: PacketRecord, to cursor: inout ByteCursor) {
    if isEthernet { writeEthernet(record, to: &cursor) }
    var pseudoHeader = InternetChecksum()
    if isIPv6 { writeIPv6(record, &pseudoHeader, to: &cursor) } else { writeIPv4(record, &pseudoHeader, to: &cursor) }
    pseudoHeader.add(UInt16(record.protocolNumber))
    pseudoHeader.add(UInt16(transportHeader + payload))
    switch record.carrier {
    case .udp: writeUDP(record, pseudoHeader, to: &cursor)
    case .tcp(let segment): writeTCP(segment, record, pseudoHeader, to: &cursor)
    }
  }

  /// Locally administered addresses made of the last four bytes of the IP ones.
  private func writeEthernet(_ record: PacketRecord, to cursor: inout ByteCursor) {
    cursor.network(UInt16(0x0200))
    cursor.network(UInt32(truncatingIfNeeded: record.destination.address.low))
    cursor.network(UInt16(0x0200))
    cursor.network(UInt32(truncatingIfNeeded: record.source.address.low))
    cursor.network(UInt16(isIPv6 ? 0x86DD : 0x0800))
  }

  /// RFC 791 §3.1: no options, Don't Fragment, the identification counts the frames.
  @inline(__always)
  private func writeIPv4(_ record: PacketRecord, _ pseudoHeader: inout InternetChecksum, to cursor: inout ByteCursor) {
    let start = cursor.position
    cursor.network(UInt16(0x4500))
    cursor.network(UInt16(20 + transportHeader + payload))
    cursor.network(UInt16(truncatingIfNeeded: record.frame))
    cursor.network(UInt16(0x4000))
    cursor.byte(Self.hopLimit)
    cursor.byte(record.protocolNumber)
    cursor.network(UInt16(0))
    cursor.network(UInt32(truncatingIfNeeded: record.source.address.low))
    cursor.network(UInt32(truncatingIfNeeded: record.destination.address.low))
    var checksum = InternetChecksum()
    checksum.add(start, count: 20)
    start.storeBytes(of: checksum.stored, toByteOffset: 10, as: UInt16.self)
    pseudoHeader.add(start + 12, count: 8)
  }

  /// RFC 8200 §3; the pseudo header is that of §8.1.
  private func writeIPv6(_ record: PacketRecord, _ pseudoHeader: inout InternetChecksum, to cursor: inout ByteCursor) {
    let start = cursor.position
    cursor.network(UInt32(0x6000_0000))
    cursor.network(UInt16(transportHeader + payload))
    cursor.byte(record.protocolNumber)
    cursor.byte(Self.hopLimit)
    writeIPv6(record.source.address, to: &cursor)
    writeIPv6(record.destination.address, to: &cursor)
    pseudoHeader.add(start + 8, count: 32)
  }

  /// An IPv4 address beside an IPv6 one is written in its mapped form (RFC 4291 §2.5.5.2).
  private func writeIPv6(_ address: IPAddress, to cursor: inout ByteCursor) {
    cursor.network(address.high)
    cursor.network(address.isIPv6 ? address.low : address.low | 0xFFFF_0000_0000)
  }

  /// RFC 768: a sum of zero is sent as all ones, since zero says "no checksum".
  @inline(__always)
  private func writeUDP(_ record: PacketRecord, _ pseudoHeader: InternetChecksum, to cursor: inout ByteCursor) {
    let start = cursor.position
    cursor.network(record.source.port)
    cursor.network(record.destination.port)
    cursor.network(UInt16(8 + payload))
    cursor.network(UInt16(0))
    writePayload(record, to: &cursor)
    var checksum = pseudoHeader
    checksum.add(start, count: 8 + payload)
    let stored = checksum.stored
    start.storeBytes(of: stored == 0 ? 0xFFFF : stored, toByteOffset: 6, as: UInt16.self)
  }

  /// RFC 9293 §3.1; a SYN carries the maximum segment size (§3.7.1).
  private func writeTCP(
    _ segment: TCPSegment, _ record: PacketRecord, _ pseudoHeader: InternetChecksum, to cursor: inout ByteCursor
  ) {
    let start = cursor.position
    cursor.network(record.source.port)
    cursor.network(record.destination.port)
    cursor.network(segment.sequence)
    cursor.network(segment.acknowledgement)
    cursor.byte(UInt8(transportHeader / 4) << 4)
    cursor.byte(segment.flags.rawValue)
    cursor.network(segment.window)
    cursor.network(UInt32(0))
    if transportHeader > 20 { cursor.network(UInt32(0x0204_0000 | (isIPv6 ? 1440 : 1460))) }
    writePayload(record, to: &cursor)
    var checksum = pseudoHeader
    checksum.add(start, count: transportHeader + payload)
    start.storeBytes(of: checksum.stored, toByteOffset: 16, as: UInt16.self)
  }

  @inline(__always)
  private func writePayload(_ record: PacketRecord, to cursor: inout ByteCursor) {
    record.payload.withUnsafeBytes { cursor.bytes(UnsafeRawBufferPointer(rebasing: $0[0..<payload])) }
  }
}

extension PacketRecord {
  /// The IP protocol number.
  @inline(__always)
  var protocolNumber: UInt8 {
    switch carrier {
    case .udp: 17
    case .tcp: 6
    }
  }
}
