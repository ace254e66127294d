import SansIO

/// What is done to packets between a stream and its ports: nothing (RTP/AVP), and in time SRTP (RFC 3711).
///
/// Verify, then commit: ``unprotect(_:_:)`` changes nothing for a packet that it refuses, and a stream looks into none before.
public enum PacketProtection: Hashable, Sendable {
  case none

  /// The two kinds of packet, which have keys and counters of their own (RFC 3711 §3.2).
  enum Kind: Hashable, Sendable { case rtp, rtcp }

  /// Turns a packet that is about to leave into what goes on the wire.
  mutating func protect(_ packet: inout [UInt8], _ kind: Kind) {
    switch self {
    case .none: break
    }
  }

  /// The packet inside of what came; nil where it cannot be verified.
  mutating func unprotect(_ packet: Bytes, _ kind: Kind) -> Bytes? {
    switch self {
    case .none: packet
    }
  }

  /// Bytes that ``protect(_:_:)`` adds to an RTP packet.
  var overhead: Int {
    switch self {
    case .none: 0
    }
  }
}
