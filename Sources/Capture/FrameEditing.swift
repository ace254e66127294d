import SansIO

/// Frames with another payload: lengths and checksums are made anew, what is below and beside them stays as it was.
public enum FrameEditing {
  /// Bytes of payload that the packet can hold, as its headers are (RFC 791 §3.1, RFC 8200 §3).
  public static func room(in packet: CapturedPacket, _ found: DecodedPacket) -> Int {
    var network = found.network
    if found.isTunnelled, let outer = PacketDecoder.enclosing(packet).first(where: { $0.kind == .ip }) { network = outer.place }
    let isIPv6 = packet.bytes[network] >> 4 == 6
    return 65_535 - (found.payload.lowerBound - network - (isIPv6 ? 40 : 0))
  }

  /// The frame of a datagram or segment with this payload; what stood behind it (padding of Ethernet) goes.
  ///
  /// - Parameter numbers: the sequence and acknowledgement numbers of a segment; nil = as they are.
  public static func replacing(
    payloadOf packet: CapturedPacket, _ found: DecodedPacket, with payload: Bytes,
    numbers: (sequence: UInt32, acknowledgement: UInt32)? = nil
  ) -> Bytes {
    var bytes = packet.bytes[0..<found.payload.lowerBound].array + payload.array
    if let numbers {
      bytes.store(numbers.sequence, at: found.header + 4)
      bytes.store(numbers.acknowledgement, at: found.header + 8)
    }
    finish(&bytes, network: found.network, header: found.header, isUDP: found.carrier == .udp)
    if found.isTunnelled { finish(&bytes, PacketDecoder.enclosing(packet)) }
    return Bytes(bytes)
  }

  /// The last fragment's frame with the whole datagram.
  ///
  /// - Parameter header: of UDP, eight bytes.
  public static func joining(_ packet: CapturedPacket, _ fragment: IPFragment, header: Bytes, payload: Bytes) -> Bytes {
    var bytes = bare(packet.bytes, fragment, protocolNumber: 17)
    let start = bytes.count
    bytes += header.prefix(8).array + payload.array
    finish(&bytes, network: fragment.network, header: start, isUDP: true)
    finish(&bytes, PacketDecoder.enclosing(packet))
    return Bytes(bytes)
  }

  /// A fragment's frame without its part of the datagram: a packet of a protocol that nobody has (RFC 3692 §2.1, RFC 8200 §4.7).
  public static func emptying(_ packet: CapturedPacket, _ fragment: IPFragment) -> Bytes {
    var bytes = bare(packet.bytes, fragment, protocolNumber: fragment.source.isIPv6 ? 59 : 253)
    finishNetwork(&bytes, fragment.network)
    finish(&bytes, PacketDecoder.enclosing(packet))
    return Bytes(bytes)
  }

  /// Link and IP headers alone, without options, extension headers and what says that it is a fragment.
  private static func bare(_ frame: Bytes, _ fragment: IPFragment, protocolNumber: UInt8) -> [UInt8] {
    let isIPv6 = frame[fragment.network] >> 4 == 6
    var bytes = frame[0..<fragment.network + (isIPv6 ? 40 : 20)].array
    if isIPv6 {
      bytes[fragment.network + 6] = protocolNumber
    } else {
      bytes[fragment.network] = 0x45
      bytes.store(UInt16(0), at: fragment.network + 6)
      bytes[fragment.network + 9] = protocolNumber
    }
    return bytes
  }

  /// Headers around the packet count it as it is now, the inner ones first: a checksum covers what is in it.
  private static func finish(_ bytes: inout [UInt8], _ list: [EnclosingHeader]) {
    for (index, header) in list.enumerated().reversed() {
      let (place, rest) = (header.place, UInt16(truncatingIfNeeded: bytes.count - header.place))
      switch header.kind {
      case .ip: finishNetwork(&bytes, place)
      case .udp: if index > 0 { finish(&bytes, network: list[index - 1].place, header: place, isUDP: true) }
      case .pppoe: bytes.store(rest &- 6, at: place + 4)
      case .gtp: bytes.store(rest &- 8, at: place + 2)
      case .l2tp: bytes.store(rest, at: place + 2)
      case .nflogLittle: bytes.store(rest.byteSwapped, at: place)
      case .nflogBig: bytes.store(rest, at: place)
      case .length: bytes.store(rest &- 2, at: place)
      }
    }
  }

  private static func finish(_ bytes: inout [UInt8], network: Int, header: Int, isUDP: Bool) {
    finishNetwork(&bytes, network)
    let length = bytes.count - header
    if isUDP { bytes.store(UInt16(truncatingIfNeeded: length), at: header + 4) }
    let place = header + (isUDP ? 6 : 16)
    bytes.store(UInt16(0), at: place)
    let addresses = bytes[network] >> 4 == 6 ? network + 8..<network + 40 : network + 12..<network + 20
    bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      var checksum = InternetChecksum()
      checksum.add(base + addresses.lowerBound, count: addresses.count)
      checksum.add(isUDP ? 17 : 6)
      checksum.add(UInt16(truncatingIfNeeded: length))
      checksum.add(base + header, count: length)
      // RFC 768: a sum of zero is sent as all ones.
      let stored = checksum.stored
      buffer.storeBytes(of: isUDP && stored == 0 ? 0xFFFF : stored, toByteOffset: place, as: UInt16.self)
    }
  }

  private static func finishNetwork(_ bytes: inout [UInt8], _ network: Int) {
    guard bytes[network] >> 4 == 4 else {
      return bytes.store(UInt16(truncatingIfNeeded: bytes.count - network - 40), at: network + 4)
    }
    bytes.store(UInt16(truncatingIfNeeded: bytes.count - network), at: network + 2)
    bytes.store(UInt16(0), at: network + 10)
    let count = Int(bytes[network] & 15) * 4
    bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      var checksum = InternetChecksum()
      checksum.add(base + network, count: count)
      buffer.storeBytes(of: checksum.stored, toByteOffset: network + 10, as: UInt16.self)
    }
  }
}

extension [UInt8] {
  /// Writes a number in network byte order.
  fileprivate mutating func store(_ value: some FixedWidthInteger, at position: Int) {
    Swift.withUnsafeBytes(of: value.bigEndian) { replaceSubrange(position..<position + $0.count, with: $0) }
  }
}
