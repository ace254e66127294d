import SansIO

/// Why a capture cannot be read on, and at which byte of the file.
public struct CaptureReadError: Error, Hashable, Sendable {
  public enum Rule: Hashable, Sendable {
    /// The file begins neither as pcapng nor as pcap.
    case notACapture
    /// It is a file of another kind.
    case foreign(ForeignFormat)
    /// What gzip packed ends too early, or is damaged.
    case packing(isCut: Bool)
    /// Only a file as it is can be changed in its place.
    case packed
    /// The file ends inside a header, block or packet that needs so many bytes.
    case cut(needed: Int)
    case byteOrderMagic(UInt32)
    case version(major: UInt16, minor: UInt16)
    /// A block's length is below 12, no multiple of 4, too small for its type, or absurd.
    case blockLength(UInt32)
    /// The length at a block's end differs from that at its start.
    case trailingLength(UInt32)
    case unknownInterface(UInt32)
    /// A packet says it is longer than what holds it.
    case packetLength(UInt32)
    /// An option reaches beyond its block.
    case optionLength(UInt16)
    case secretsLength(UInt32)
    case timestamp
    case unreadable(CaptureFailure)
    /// What libpcap says.
    case libpcap(String)
  }

  public var rule: Rule
  /// Bytes from the file's start to the block or record that is wrong.
  public var offset: Int

  public init(_ rule: Rule, at offset: Int) {
    self.rule = rule
    self.offset = offset
  }
}

extension CaptureReadError: CustomStringConvertible {
  public var description: String {
    let what =
      switch rule {
      case .notACapture: "neither pcapng nor pcap"
      case .foreign(let format): "neither pcapng nor pcap; \(format)"
      case .packing(let isCut): isCut ? "the gzip data end before their end" : "the gzip data are damaged"
      case .packed: "it is compressed: gunzip it first"
      case .cut(let needed): "the file ends where \(CountText.of(needed, "byte")) \(needed == 1 ? "is" : "are") needed"
      case .byteOrderMagic(let magic): "byte-order magic 0x\(String(magic, radix: 16)) is unknown"
      case .version(let major, let minor): "version \(major).\(minor) is unknown"
      case .blockLength(let length): "a block cannot be \(CountText.of(length, "byte")) long"
      case .trailingLength(let length): "the block's length at its end, \(length), differs from that at its start"
      case .unknownInterface(let number): "interface \(number) was not described"
      case .packetLength(let length): "a packet of \(CountText.of(length, "byte")) does not fit at its position"
      case .optionLength(let length): "an option of \(CountText.of(length, "byte")) reaches beyond its block"
      case .secretsLength(let length): "secrets of \(CountText.of(length, "byte")) reach beyond their block"
      case .timestamp: "the timestamp is out of range"
      case .unreadable(let failure): failure.description
      case .libpcap(let text): text
      }
    return "byte \(offset): \(what)"
  }
}
