import SansIO
import ScenarioModel
import VirtualNetwork

// What a file says of its network, as the network has it.

extension NAT {
  /// A NAT as a file describes it.
  ///
  /// - Parameter scenario: has the members that ports are forwarded to.
  public init(_ given: NATGiven, _ scenario: Scenario) {
    self.init(
      outside: given.outside, mapping: Behaviour(given.mapping), filtering: Behaviour(given.filtering), lifetime: given.lifetime,
      streamLifetime: given.streamLifetime, hairpin: given.hairpin)
    confusesInside = given.confusesInside
    (ports, refresh, prefix) = (Ports(given.ports), Refresh(given.refresh), given.prefix)
    alg = SIPALG(given.gateway)
    forwards = given.forwards.compactMap { forward in
      scenario.member(forward.member).map {
        Forward(port: forward.port, inside: TransportAddress($0.address, port: forward.inside))
      }
    }
  }
}

extension Firewall {
  /// A firewall as a file describes it.
  public init(_ given: FirewallGiven) {
    self.init(idle: given.idle, streamIdle: given.streamIdle, refresh: NAT.Refresh(given.refresh), allows: given.allows)
  }
}

extension NAT.Behaviour {
  init(_ given: NATGiven.Behaviour) {
    switch given {
    case .endpointIndependent: self = .endpointIndependent
    case .address: self = .addressDependent
    case .addressAndPort: self = .addressAndPortDependent
    }
  }
}

extension NAT.Ports {
  init(_ given: NATGiven.Ports) {
    switch given {
    case .preserve: self = .preserve
    case .parity: self = .parity
    case .contiguous: self = .contiguous
    case .random: self = .random
    case .overload: self = .overload
    }
  }
}

extension NAT.Refresh {
  init(_ given: NATGiven.Refresh) {
    switch given {
    case .outbound: self = .outbound
    case .inbound: self = .inbound
    case .both: self = .both
    }
  }
}

extension SIPALG {
  /// - Returns: nil for a NAT without one.
  init?(_ given: NATGiven.Gateway) {
    guard let habit = Habit(given) else { return nil }
    self.init(habit)
  }
}

extension SIPALG.Habit {
  fileprivate init?(_ given: NATGiven.Gateway) {
    switch given {
    case .none: return nil
    case .well: self = .well
    case .keepsContentLength: self = .keepsContentLength
    case .keepsContact: self = .keepsContact
    case .connectionOnly: self = .connectionOnly
    case .keepsVia: self = .keepsVia
    case .wrongMediaPort: self = .wrongMediaPort
    case .everywhere: self = .everywhere
    }
  }
}
