import SIPMessage

/// The transports of RFC 3261 §18, RFC 5630 and RFC 7118.
public enum SIPTransportProtocol: String, Hashable, Sendable, Codable, CaseIterable {
  case udp, tcp, tls, ws, wss

  /// As Via spells it.
  public var viaToken: String { rawValue.uppercased() }
  /// Whether the transport itself repeats what was lost: timers A, E, G, I, K and J depend on it.
  public var isReliable: Bool { self != .udp }
  public var defaultPort: UInt16 {
    switch self {
    case .udp, .tcp: 5060
    case .tls: 5061
    case .ws: 80
    case .wss: 443
    }
  }
}

extension SIPURI {
  /// The transport that a request for this URI takes where its host is an address (RFC 3263 §4.1): TLS for a sips URI, whatever its
  /// `transport` says (`tcp` is TLS over TCP there, RFC 3261 §26.2.2); else the `transport` parameter; else UDP. Nil for one that is not
  /// known here, such as `sctp`.
  public var transport: SIPTransportProtocol? {
    let named = parameters["transport"].map { SIPTransportProtocol(rawValue: $0.lowercased()) }
    if scheme == .sips { return named == .ws || named == .wss ? .wss : .tls }
    return named ?? .udp
  }
}
