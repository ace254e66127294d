import SansIO

/// Writes one pcapng section (draft-ietf-opsawg-pcapng): little endian, nanoseconds since 1970.
///
/// It keeps no packet and checks no order: blocks leave as they are asked for, through the output's buffer.
public struct PcapngWriter {
  public let output: ByteOutput
  private var interfaces: UInt32 = 0

  /// Writes the section header.
  /// - Parameter comment: on the whole section; empty = none.
  public init(_ output: ByteOutput, origin: CaptureOrigin = .virtual, comment: String = "") {
    self.output = output
    var options = [
      (Pcapng.Option.hardware, Array(origin.hardware.utf8)),
      (Pcapng.Option.operatingSystem, Array(origin.operatingSystem.utf8)),
      (Pcapng.Option.application, Array(origin.application.utf8)),
    ]
    if !comment.isEmpty { options.append((Pcapng.Option.comment, Self.commentBytes(comment))) }
    Self.block(Pcapng.BlockType.section, to: output, body: 16, options: options) { cursor in
      cursor.little(Pcapng.byteOrderMagic)
      cursor.little(UInt16(1))
      cursor.little(UInt16(0))
      // The section's length is not known while it streams.
      cursor.little(UInt64.max)
    }
  }

  /// Declares an interface with nanosecond resolution and returns its number. Packets that name it come later in the file.
  public mutating func addInterface(named name: String, linkType: LinkType = .rawIP, description: String = "") -> UInt32 {
    var options = [(Pcapng.Option.interfaceName, Array(name.utf8))]
    if !description.isEmpty { options.append((Pcapng.Option.interfaceDescription, Array(description.utf8))) }
    options.append((Pcapng.Option.resolution, [9]))
    Self.block(Pcapng.BlockType.interface, to: output, body: 8, options: options) { cursor in
      cursor.little(linkType.rawValue)
      cursor.little(UInt16(0))
      cursor.little(UInt32(0))
    }
    interfaces += 1
    return interfaces - 1
  }

  /// A Decryption Secrets Block: readers use it for what stands behind it.
  public func writeSecrets(_ line: KeyLogLine) {
    var text = Array(line.line.utf8)
    if text.last != UInt8(ascii: "\n") { text.append(UInt8(ascii: "\n")) }
    writeSecrets(type: Pcapng.tlsKeyLog, Bytes(text))
  }

  func writeSecrets(type: UInt32, _ secrets: Bytes) {
    let room = secrets.count + 3
    Self.block(Pcapng.BlockType.secrets, to: output, body: 8 + room, options: []) { cursor in
      cursor.little(type)
      cursor.little(UInt32(clamping: secrets.count))
      let start = cursor.position
      secrets.withUnsafeBytes { cursor.bytes($0) }
      cursor.pad(from: start)
    }
  }

  /// Interface Statistics: first and last packet in nanoseconds since 1970, and how many there were.
  public func writeStatistics(interface: UInt32, at time: UInt64, from first: UInt64, to last: UInt64, packets: UInt64) {
    Self.block(
      Pcapng.BlockType.statistics, to: output, body: 12,
      options: [
        (Pcapng.Option.startTime, Self.timestampBytes(first)),
        (Pcapng.Option.endTime, Self.timestampBytes(last)),
        (Pcapng.Option.received, Self.littleBytes(packets)),
      ]
    ) { cursor in
      cursor.little(interface)
      Self.timestamp(time, to: &cursor)
    }
  }

  /// What happened without a packet, as a comment at its time: in a statistics block, which belongs to no frame.
  public func writeNote(_ text: String, interface: UInt32, at time: UInt64) {
    Self.block(Pcapng.BlockType.statistics, to: output, body: 12, options: [(Pcapng.Option.comment, Array(text.utf8))]) { cursor in
      cursor.little(interface)
      Self.timestamp(time, to: &cursor)
    }
  }

  /// A packet with the bytes as they are, for files made from other files.
  public func writePacket(_ packet: CapturedPacket, interface: UInt32) {
    var options = [(UInt16, [UInt8])]()
    if let direction = packet.direction {
      options.append((Pcapng.Option.packetFlags, Self.littleBytes(direction.packetFlags)))
    }
    for comment in packet.comments { options.append((Pcapng.Option.comment, Array(comment.utf8))) }
    Self.block(Pcapng.BlockType.enhancedPacket, to: output, body: 23 + packet.bytes.count, options: options) { cursor in
      cursor.little(interface)
      Self.timestamp(UInt64(max(packet.timestamp, 0)), to: &cursor)
      cursor.little(UInt32(clamping: packet.bytes.count))
      cursor.little(UInt32(clamping: packet.originalLength))
      let start = cursor.position
      packet.bytes.withUnsafeBytes { cursor.bytes($0) }
      cursor.pad(from: start)
    }
  }

  /// A record without a packet that readers number as a frame: an empty Custom Block of the number for examples (RFC 5612).
  public func writeRecord() {
    Self.block(Pcapng.BlockType.custom, to: output, body: 4, options: []) { $0.little(UInt32(32_473)) }
  }

  /// The frame of a record, built in place: the hot path.
  ///
  /// - Parameter remark: what the comment says besides.
  @inline(__always)
  func write(_ record: PacketRecord, at time: UInt64, interface: UInt32, linkType: LinkType, remark: StaticString? = nil) {
    let frame = IPFrame(record, linkType: linkType)
    let isSilent = remark == nil && PacketComment.isSilent(record, isCut: frame.isCut)
    let words = isSilent ? 0 : ByteCursor.labelRoom + 96 + (remark?.utf8CodeUnitCount ?? 0)
    let room = 28 + IPFrame.largestHeaders + frame.payload + 32 + words
    output.append(atMost: room) { cursor in
      let start = cursor.position
      cursor.little(Pcapng.BlockType.enhancedPacket)
      cursor.little(UInt32(0))
      cursor.little(interface)
      Self.timestamp(time, to: &cursor)
      cursor.little(UInt32(frame.capturedLength))
      cursor.little(UInt32(frame.originalLength))
      frame.write(record, to: &cursor)
      cursor.pad(from: start)
      cursor.little(Pcapng.Option.packetFlags)
      cursor.little(UInt16(4))
      cursor.little(record.direction.packetFlags)
      if !isSilent { Self.comment(record, frame, remark, to: &cursor) }
      Self.close(start, to: &cursor)
    }
  }

  private static func comment(_ record: PacketRecord, _ frame: IPFrame, _ remark: StaticString?, to cursor: inout ByteCursor) {
    cursor.little(Pcapng.Option.comment)
    let length = cursor.position
    cursor.little(UInt16(0))
    let start = cursor.position
    PacketComment.write(record, frame: frame, to: &cursor)
    if let remark {
      if cursor.position > start { cursor.text("; ") }
      cursor.text(remark)
    }
    length.storeBytes(of: UInt16(cursor.position - start).littleEndian, as: UInt16.self)
    cursor.pad(from: start)
  }
}

extension PcapngWriter {
  /// The comment's bytes, cut between two code points where they are too many.
  static func commentBytes(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    guard bytes.count > Pcapng.longestComment else { return bytes }
    let ellipsis = Array("…".utf8)
    var end = Pcapng.longestComment - ellipsis.count
    while bytes[end] & 0xC0 == 0x80 { end -= 1 }
    return bytes[..<end] + ellipsis
  }

  /// Writes a block around `content`, which fills at most `body` bytes and ends on a multiple of four.
  private static func block(
    _ type: UInt32, to output: ByteOutput, body: Int, options: [(code: UInt16, value: [UInt8])], _ content: (inout ByteCursor) -> Void
  ) {
    let room = 24 + body + options.reduce(0) { $0 + 8 + $1.value.count }
    output.append(atMost: room) { cursor in
      let start = cursor.position
      cursor.little(type)
      cursor.little(UInt32(0))
      content(&cursor)
      for option in options {
        cursor.little(option.code)
        cursor.little(UInt16(clamping: option.value.count))
        let value = cursor.position
        option.value.withUnsafeBytes { cursor.bytes(UnsafeRawBufferPointer(rebasing: $0.prefix(Int(UInt16.max)))) }
        cursor.pad(from: value)
      }
      if options.isEmpty { Self.closeBare(start, to: &cursor) } else { Self.close(start, to: &cursor) }
    }
  }

  /// Ends the options and the block, whose length stands at both ends.
  @inline(__always)
  private static func close(_ start: UnsafeMutableRawPointer, to cursor: inout ByteCursor) {
    cursor.little(UInt32(0))
    closeBare(start, to: &cursor)
  }

  @inline(__always)
  private static func closeBare(_ start: UnsafeMutableRawPointer, to cursor: inout ByteCursor) {
    let length = UInt32(cursor.position - start + 4)
    cursor.little(length)
    start.storeBytes(of: length.littleEndian, toByteOffset: 4, as: UInt32.self)
  }

  /// Timestamps are two words, the upper first, each in the file's byte order.
  @inline(__always)
  private static func timestamp(_ time: UInt64, to cursor: inout ByteCursor) {
    cursor.little(UInt32(truncatingIfNeeded: time >> 32))
    cursor.little(UInt32(truncatingIfNeeded: time))
  }

  private static func timestampBytes(_ time: UInt64) -> [UInt8] {
    littleBytes(UInt32(truncatingIfNeeded: time >> 32)) + littleBytes(UInt32(truncatingIfNeeded: time))
  }

  private static func littleBytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}

extension PacketRecord.Direction {
  /// Bits 0 and 1 of `epb_flags`.
  @inline(__always)
  var packetFlags: UInt32 {
    switch self {
    case .received: 1
    case .sent: 2
    }
  }

  init?(packetFlags: UInt32) {
    switch packetFlags & 3 {
    case 1: self = .received
    case 2: self = .sent
    default: return nil
    }
  }
}
