/// The DSCP of a stream's packets (RFC 2474 §3).
public struct Markings {
  public struct Change {
    public let from: UInt8
    public let to: UInt8
    public let stamp: FrameStamp
  }

  /// Of its first packet; nil where no IP header showed one.
  public private(set) var first: UInt8?
  public private(set) var last: UInt8?
  /// The first time that it was another one.
  public private(set) var change: Change?
  public private(set) var changes = 0

  mutating func take(_ marking: UInt8, _ stamp: FrameStamp) {
    guard marking != last else { return }
    if let last {
      changes += 1
      if change == nil { change = Change(from: last, to: marking, stamp: stamp) }
    } else {
      first = marking
    }
    last = marking
  }

  /// `EF`, or the number where it has no name (RFC 3246, RFC 2597, RFC 2474 §4.2.2, RFC 5865).
  public static func name(_ marking: UInt8) -> String {
    switch marking {
    case 46: "46 (EF)"
    case 44: "44 (voice admit)"
    case 0: "0 (best effort)"
    case _ where marking & 7 == 0: "\(marking) (CS\(marking >> 3))"
    case 10...38 where marking & 1 == 0 && marking >> 1 & 3 > 0: "\(marking) (AF\(marking >> 3)\(marking >> 1 & 3))"
    default: "\(marking)"
    }
  }
}
