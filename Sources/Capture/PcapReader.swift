import SansIO

/// Reads classic pcap files: both byte orders, microseconds and nanoseconds; and those that Alexey Kuznetzov's change to libpcap wrote, as
/// some routers still do, with eight octets more before each packet.
public struct PcapReader {
  private static let microseconds: UInt32 = 0xA1B2_C3D4
  private static let nanoseconds: UInt32 = 0xA1B2_3C4D
  private static let modified: UInt32 = 0xA1B2_CD34
  /// Longer than any link's frame: a broken length field.
  private static let longestPacket = 1 << 20

  private let input: ByteInput
  private var isBigEndian = false
  private var nanosecondsPerTick: Int64 = 1
  /// Of a packet's header: 24 with the interface, the protocol and the kind of packet, which say nothing that we ask for.
  private var headerSize = 16
  private var isStarted = false
  /// Known once the first packet was asked for.
  public private(set) var linkType = LinkType.rawIP

  public init(_ input: ByteInput) { self.input = input }
  public init(_ bytes: Bytes) { self.init(ByteInput(bytes)) }

  /// Whether a file with these first four bytes is a classic pcap.
  static func recognises(_ head: Bytes) -> Bool {
    guard head.count >= 4 else { return false }
    let magic = EndianBytes(bytes: head, isBigEndian: false).word(0)
    return [microseconds, nanoseconds, modified].contains { $0 == magic || $0.byteSwapped == magic }
  }

  /// The next packet; nil at the file's end.
  public mutating func next() throws(CaptureReadError) -> CapturedPacket? {
    if !isStarted { try readHeader() }
    guard try !input.isAtEnd else { return nil }
    let offset = input.offset
    let header = EndianBytes(bytes: try input.take(headerSize), isBigEndian: isBigEndian)
    let captured = header.word(8)
    guard captured <= Self.longestPacket else { throw CaptureReadError(.packetLength(captured), at: offset) }
    let seconds = Int64(header.word(0)) * 1_000_000_000
    return CapturedPacket(
      timestamp: seconds + Int64(header.word(4)) * nanosecondsPerTick, linkType: linkType, originalLength: Int(header.word(12)),
      bytes: try input.take(Int(captured)))
  }

  private mutating func readHeader() throws(CaptureReadError) {
    let bytes = try input.peek(24)
    guard Self.recognises(bytes) else { throw CaptureReadError(.notACapture, at: 0) }
    let magic = EndianBytes(bytes: bytes, isBigEndian: false).word(0)
    isBigEndian = ![Self.microseconds, Self.nanoseconds, Self.modified].contains(magic)
    let kind = isBigEndian ? magic.byteSwapped : magic
    nanosecondsPerTick = kind == Self.nanoseconds ? 1 : 1000
    headerSize = kind == Self.modified ? 24 : 16
    let header = EndianBytes(bytes: try input.take(24), isBigEndian: isBigEndian)
    guard header.half(4) == 2 else { throw CaptureReadError(.version(major: header.half(4), minor: header.half(6)), at: 0) }
    // The upper half of the word tells about frame check sequences, not about the link.
    linkType = LinkType(rawValue: header.half(isBigEndian ? 22 : 20))
    isStarted = true
  }
}
