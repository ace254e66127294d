import SansIO

/// A packet as a capture file holds it.
public struct CapturedPacket: Hashable, Sendable {
  /// Nanoseconds since 1970; 0 in Simple Packet Blocks, which have none.
  public var timestamp: Int64
  /// The interface's number, counted over the whole file.
  public var interface: Int
  public var linkType: LinkType
  /// How long the packet was on the wire; more than `bytes` holds when the capture cut it.
  public var originalLength: Int
  public var bytes: Bytes
  public var comments: [String]
  /// Nil where the file does not say.
  public var direction: PacketRecord.Direction?

  public init(
    timestamp: Int64, interface: Int = 0, linkType: LinkType, originalLength: Int, bytes: Bytes, comments: [String] = [],
    direction: PacketRecord.Direction? = nil
  ) {
    self.timestamp = timestamp
    self.interface = interface
    self.linkType = linkType
    self.originalLength = originalLength
    self.bytes = bytes
    self.comments = comments
    self.direction = direction
  }
}

/// An interface that a capture describes.
public struct CaptureInterface: Hashable, Sendable {
  public var name: String
  public var description: String
  public var linkType: LinkType
  /// 0 = packets are not cut.
  public var snapLength: UInt32
  /// Ticks of a timestamp in a second.
  public var ticksPerSecond: UInt64
  /// Seconds to add to timestamps.
  public var offsetSeconds: Int64

  public init(
    name: String, description: String, linkType: LinkType, snapLength: UInt32, ticksPerSecond: UInt64, offsetSeconds: Int64
  ) {
    self.name = name
    self.description = description
    self.linkType = linkType
    self.snapLength = snapLength
    self.ticksPerSecond = ticksPerSecond
    self.offsetSeconds = offsetSeconds
  }

  /// How the name of an interface ends whose packets show what TLS carried, in TCP segments of their own.
  public static let decryptedSuffix = " (decrypted TLS)"
  public var isDecrypted: Bool { name.hasSuffix(Self.decryptedSuffix) }
}

/// The contents of a Decryption Secrets Block. Its description never shows them.
public struct CaptureSecrets: Hashable, Sendable, CustomStringConvertible {
  public var type: UInt32
  public var data: Bytes

  public var isTLSKeyLog: Bool { type == Pcapng.tlsKeyLog }
  public var description: String { "\(CountText.of(data.count, "byte")) of secrets" }
}

/// What a capture file is made of, in file order.
public enum CaptureItem: Sendable {
  case interface(CaptureInterface)
  case packet(CapturedPacket)
  case secrets(CaptureSecrets)
  /// The statistics of an interface, with their time in nanoseconds since 1970: until then it was watched.
  case statistics(at: Int64)
  /// A block that carries no packet and no secret, by its type.
  case other(UInt32)

  /// A block that is not a packet, and that Wireshark gives the number of a frame all the same.
  public var isNumberedRecord: Bool {
    if case .other(let type) = self { Pcapng.BlockType.numberedRecords.contains(type) } else { false }
  }
}
