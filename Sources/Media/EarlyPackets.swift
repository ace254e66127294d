import RTP
import SDP
import SansIO

/// What becomes of RTP and RTCP that come before there is an agreement, or before the keys that open them (RFC 3264 §5.1, RFC 5763 §5).
public enum EarlyRTP: Hashable, Sendable {
  /// They are dropped, and counted where SRTP was agreed.
  case drop
  /// They are kept for a moment, and taken when there are keys.
  case buffer
}

/// Packets that wait for an agreement or for keys: a second of them at most, so many at most; later ones are dropped.
public struct EarlyPackets: Sendable {
  /// Audio and reports of more than a second.
  static let limit = 64
  /// What is older is of no use when keys come: nobody wants to hear it then.
  static let lifetime: Duration = .seconds(1)

  public struct Packet: Sendable {
    public var arrival: Arrival
    public var at: Instant
  }

  private var packets: [Packet] = []

  public init() {}

  /// Keeps a packet; false where there is no room.
  public mutating func keep(_ arrival: Arrival, at now: Instant) -> Bool {
    guard case .datagram(let port, from: let source, let bytes) = arrival else { return false }
    packets.removeAll { now > $0.at.advanced(by: Self.lifetime) }
    guard packets.count < Self.limit else { return false }
    // The driver's buffer is used again.
    packets.append(Packet(arrival: .datagram(port, from: source, bytes.compacted()), at: now))
    return true
  }

  /// Those that are worth something yet, in the order they came. None is left.
  public mutating func takeAll(at now: Instant) -> [Packet] {
    guard !packets.isEmpty else { return [] }
    defer { packets = [] }
    return packets.filter { now <= $0.at.advanced(by: Self.lifetime) }
  }
}
