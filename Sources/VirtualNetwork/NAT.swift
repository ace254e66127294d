import SansIO

/// A network address and port translator: hosts with private addresses share one outside address (RFC 4787 for UDP, RFC 5382 for TCP).
///
/// It stands next to its hosts: what they send is rewritten as it leaves, what comes from outside as it arrives. Outside it has IPv4,
/// inside too, or IPv6 where ``prefix`` is set (NAT64, RFC 6146). ICMP errors find their way back in and end no binding (RFC 4787 §8).
public struct NAT: Hashable, Sendable {
  /// What a binding, or the right to answer over it, depends on (RFC 4787 §4.1 and §5 use the same three words).
  public enum Behaviour: UInt8, Hashable, Sendable, CaseIterable {
    case endpointIndependent
    case addressDependent
    case addressAndPortDependent

    /// Destinations that this behaviour does not tell apart have the same scope.
    func scope(_ remote: TransportAddress) -> TransportAddress {
      switch self {
      case .endpointIndependent: TransportAddress(.anyV4, port: 0)
      case .addressDependent: TransportAddress(remote.address, port: 0)
      case .addressAndPortDependent: remote
      }
    }
  }

  /// Which outside port stands for an inside one (RFC 4787 §4.2).
  public enum Ports: UInt8, Hashable, Sendable, CaseIterable {
    /// The same where it is free, else the next of its parity (REQ-3 a, REQ-4).
    case preserve
    /// Another one, even for even and odd for odd (REQ-4).
    case parity
    /// As `parity`, and the port after an even one stands for the port after it: RTCP beside RTP (§4.2.3).
    case contiguous
    /// Any one.
    case random
    /// Always the same: hosts inside share it as long as their destinations differ ("port overloading", §4.2.1). Every destination has a
    /// session of its own then, whatever the mapping says.
    case overload
  }

  /// Which packets keep a UDP binding (RFC 4787 §4.3).
  public enum Refresh: UInt8, Hashable, Sendable, CaseIterable {
    /// Those from inside alone (REQ-6 demands that these do).
    case outbound
    /// Those from outside alone.
    case inbound
    case both
  }

  /// A port of the outside address that is always the same one inside ("port forwarding"), for UDP and TCP.
  public struct Forward: Hashable, Sendable {
    public var port: UInt16
    public var inside: TransportAddress

    public init(port: UInt16, inside: TransportAddress) { (self.port, self.inside) = (port, inside) }
  }

  /// The address that everybody outside sees.
  public var outside: IPAddress
  /// Which destinations share a binding. RFC 4787 REQ-1 wants it independent of them.
  public var mapping: Behaviour
  /// Who may answer over a binding (RFC 4787 REQ-8).
  public var filtering: Behaviour
  /// A UDP binding lives so long after the last packet that refreshes it (RFC 4787 REQ-5).
  public var lifetime: Duration
  /// A TCP binding that carries nothing in either direction lives so long (RFC 5382 REQ-5).
  public var streamLifetime: Duration
  /// Whether hosts inside reach each other by the outside address (RFC 4787 REQ-9, RFC 5382 REQ-8).
  public var hairpin: Bool
  public var ports = Ports.preserve
  public var refresh = Refresh.outbound
  public var forwards: [Forward] = []
  /// What it does to the SIP that passes it.
  public var alg: SIPALG?
  /// Where hosts inside see IPv4: below this /96 prefix (RFC 6052 §2.1); nil = they have IPv4 themselves.
  public var prefix: IPAddress?
  /// Broken on purpose: hosts inside that send from the same port share a binding, and what comes in goes to the one that made it.
  public var confusesInside = false

  /// RFC 4787 REQ-5 recommends five minutes; many boxes have 30 s.
  public static let recommendedLifetime: Duration = .seconds(300)
  /// RFC 5382 REQ-5: 2 hours 4 minutes.
  public static let recommendedStreamLifetime: Duration = .seconds(7_440)

  public init(
    outside: IPAddress, mapping: Behaviour = .endpointIndependent, filtering: Behaviour = .addressAndPortDependent,
    lifetime: Duration = NAT.recommendedLifetime, streamLifetime: Duration = NAT.recommendedStreamLifetime, hairpin: Bool = true
  ) {
    self.outside = outside
    self.mapping = mapping
    self.filtering = filtering
    self.lifetime = lifetime
    self.streamLifetime = streamLifetime
    self.hairpin = hairpin
  }
}
