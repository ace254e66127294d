import Codecs

/// Packets of the peer's whose payload could not be heard, by cause. None of them ends anything.
public struct PayloadFaults: Hashable, Sendable {
  /// Of a payload type that no description names.
  public var unknownTypes: UInt32 = 0
  /// Nothing in them.
  public var empty: UInt32 = 0
  /// Cut off, or never of the codec.
  public var malformed: UInt32 = 0
  /// Longer than a packet of the codec may be (RFC 3551 §4.2, RFC 6716 §3.4).
  public var tooLong: UInt32 = 0

  public init() {}

  public var total: UInt32 { unknownTypes &+ empty &+ malformed &+ tooLong }

  mutating func count(_ fault: PayloadFault?) {
    switch fault {
    case nil: break
    case .empty: empty &+= 1
    case .malformed: malformed &+= 1
    case .tooLong: tooLong &+= 1
    }
  }
}
