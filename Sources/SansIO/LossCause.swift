/// Why a link lost a packet.
public enum LossCause: UInt8, Hashable, Sendable, CaseIterable {
  /// A draw that knows nothing of other packets.
  case random
  /// A state in which the link loses packets one after another.
  case burst
  /// The queue before the bottleneck had no room: tail drop.
  case queueFull
  /// The link was down.
  case outage
  /// Bits were flipped on the way, and the receiver's checksum found it (RFC 768, RFC 9293 §3.1).
  case corrupted
  /// A list says so, packet by packet.
  case listed

  /// As files and the journal write it: `queue-full`.
  public var word: StaticString {
    switch self {
    case .random: "random"
    case .burst: "burst"
    case .queueFull: "queue-full"
    case .outage: "outage"
    case .corrupted: "corrupted"
    case .listed: "listed"
    }
  }

  /// What a capture's comment and a finding say.
  public var sentence: StaticString {
    switch self {
    case .random: "lost on the link"
    case .burst: "lost on the link, in a burst"
    case .queueFull: "lost on the link: its queue was full"
    case .outage: "lost on the link: it was down"
    case .corrupted: "lost on the link: corrupted, and its checksum shows it"
    case .listed: "lost on the link, as listed"
    }
  }
}

extension LossCause: CustomStringConvertible {
  public var description: String { "\(word)" }
}
