import SansIO

/// Reads a capture of either format, told apart by its first bytes.
public struct CaptureReader {
  // One of them is there; each is read where it lies.
  private var pcapng: PcapngReader?
  private var pcap: PcapReader?

  public init(_ input: ByteInput) throws(CaptureReadError) {
    let head = try input.peek(4)
    if head.count == 4, EndianBytes(bytes: head, isBigEndian: false).word(0) == Pcapng.BlockType.section {
      pcapng = PcapngReader(input)
    } else if PcapReader.recognises(head) {
      pcap = PcapReader(input)
    } else {
      throw CaptureReadError(ForeignFormat.of(try input.peek(ForeignFormat.headLength)).map { .foreign($0) } ?? .notACapture, at: 0)
    }
  }

  public init(path: String) throws(CaptureReadError) { try self.init(ByteInput(path: path)) }
  public init(_ bytes: Bytes) throws(CaptureReadError) { try self.init(ByteInput(bytes)) }

  /// The next item; nil at the file's end. Classic pcap has packets only.
  public mutating func next() throws(CaptureReadError) -> CaptureItem? {
    guard pcapng == nil else { return try pcapng?.next() }
    return try pcap?.next().map(CaptureItem.packet)
  }

  /// The next packet; what stands before it is skipped.
  public mutating func nextPacket() throws(CaptureReadError) -> CapturedPacket? {
    while let item = try next() {
      if case .packet(let packet) = item { return packet }
    }
    return nil
  }
}
