import SansIO

/// One block of a telephone-event payload (RFC 4733 §2.3).
///
/// ```
///   event (8) │ E │ R │ volume (6) │ duration (16)
/// ```
public struct TelephoneEvent: Hashable, Sendable {
  /// 0–15 are the digits, 16 is flash; others are tones and signals of lines (RFC 4733 §3.2, RFC 4734).
  public var code: UInt8
  /// The event is over, and this is its whole duration, or that of its last segment.
  public var isEnd: Bool
  /// Reserved: sent as 0, not looked at when received.
  public var reserved: Bool
  /// In dB below 1 mW, without its sign: 0–63.
  public var volume: UInt8
  /// In ticks of the stream's clock since the packet's timestamp.
  public var duration: UInt16

  /// Octets of a block.
  public static let size = 4
  /// What one segment can last at most; longer events have several (RFC 4733 §2.5.1.3).
  public static let longestSegment: UInt32 = 0xFFFF

  public init(code: UInt8, isEnd: Bool = false, volume: UInt8 = 10, duration: UInt16) {
    (self.code, self.isEnd, self.volume, self.duration) = (code, isEnd, min(volume, 63), duration)
    reserved = false
  }

  /// The first block of a payload.
  ///
  /// - Throws: where there is no whole one.
  public init(_ payload: Bytes) throws(TelephoneEventError) { try self.init(payload, at: 0) }

  private init(_ payload: Bytes, at offset: Int) throws(TelephoneEventError) {
    guard payload.count >= offset + Self.size else { throw .length(payload.count) }
    (code, duration) = (payload[offset], UInt16(payload[offset + 2]) << 8 | UInt16(payload[offset + 3]))
    let flags = payload[offset + 1]
    (isEnd, reserved, volume) = (flags & 0x80 != 0, flags & 0x40 != 0, flags & 0x3F)
  }

  /// All blocks of a payload: events that follow each other without a gap may share a packet (RFC 4733 §2.5.1.5).
  ///
  /// - Throws: where the payload is empty, or not of whole blocks.
  public static func blocks(_ payload: Bytes) throws(TelephoneEventError) -> [TelephoneEvent] {
    guard !payload.isEmpty, payload.count % size == 0 else { throw .length(payload.count) }
    var events: [TelephoneEvent] = []
    for offset in stride(from: 0, to: payload.count, by: size) { events.append(try TelephoneEvent(payload, at: offset)) }
    return events
  }

  /// Appends the four octets.
  public func append(to bytes: inout [UInt8]) {
    bytes.append(code)
    bytes.append((isEnd ? 0x80 : 0) | (reserved ? 0x40 : 0) | volume & 0x3F)
    bytes.append(UInt8(duration >> 8))
    bytes.append(UInt8(truncatingIfNeeded: duration))
  }
}

/// Why a payload is no telephone-event.
public enum TelephoneEventError: Error, Hashable, Sendable {
  case length(Int)
}

extension TelephoneEventError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .length(let count):
      "a payload of \(CountText.of(count, "byte")) is not made of whole telephone-event blocks of 4 bytes (RFC 4733 §2.3)"
    }
  }
}
