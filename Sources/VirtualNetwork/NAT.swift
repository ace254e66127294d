import SansIO

/// A network address and port translator: hosts with private addresses share one outside address (RFC 4787 for UDP, RFC 5382 for TCP).
///
/// It stands next to its hosts: what they send is rewritten as it leaves, what comes from outside as it arrives. IPv4 only; ICMP errors
/// find their way back in and end no binding (RFC 4787 §8).
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

  /// The address that everybody outside sees.
  public var outside: IPAddress
  /// Which destinations share a binding. RFC 4787 REQ-1 wants it independent of them.
  public var mapping: Behaviour
  /// Who may answer over a binding (RFC 4787 REQ-8).
  public var filtering: Behaviour
  /// A UDP binding lives so long after the last packet *from inside*; what comes in refreshes nothing (RFC 4787 REQ-5, REQ-6).
  public var lifetime: Duration
  /// A TCP binding that carries nothing in either direction lives so long (RFC 5382 REQ-5).
  public var streamLifetime: Duration
  /// Whether hosts inside reach each other by the outside address; UDP only (RFC 4787 REQ-9).
  public var hairpin: Bool
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

/// What a NAT tells the stage.
public enum NATEvent: HostEvent, Hashable {
  /// A host inside got a port of the outside address.
  case mapped(inside: TransportAddress, outside: TransportAddress, isStream: Bool)
  /// A packet went no further.
  case dropped(FilterReason, source: TransportAddress, destination: TransportAddress)

  public var journalName: String {
    switch self {
    case .mapped: "nat-mapped"
    case .dropped: "nat-dropped"
    }
  }

  public func writeFields(to json: inout JSONWriter) {
    switch self {
    case .mapped(let inside, let outside, let isStream):
      json.member("inside", inside)
      json.member("outside", outside)
      json.member("transport", isStream ? "tcp" : "udp")
    case .dropped(let reason, let source, let destination):
      json.member("why", "\(reason.word)")
      json.member("source", source)
      json.member("destination", destination)
    }
  }
}
