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
