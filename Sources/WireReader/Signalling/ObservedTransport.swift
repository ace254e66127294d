/// How a message travelled, as a capture shows it.
public enum ObservedTransport: String, Hashable, Sendable, Comparable {
  case udp, tcp, tls
  /// RFC 7118 §5.
  case ws, wss
  /// RFC 4168.
  case sctp

  public static func < (left: ObservedTransport, right: ObservedTransport) -> Bool { left.rawValue < right.rawValue }

  /// Nobody on the way reads it.
  public var isSecure: Bool { self == .tls || self == .wss }

  /// Of a message that a capture agent passed on, which says TCP of all that goes over it: what the topmost Via says, which is right for
  /// requests and responses (RFC 3261 §18.2.2).
  init(relayedBy protocolNumber: UInt8, via: String) {
    let said = ObservedTransport(rawValue: via.lowercased())
    switch (protocolNumber, said) {
    case (6, .tls?), (6, .ws?), (6, .wss?): self = said ?? .tcp
    case (6, _): self = .tcp
    case (132, _): self = .sctp
    default: self = .udp
    }
  }
}
