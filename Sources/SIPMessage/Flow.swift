import SansIO

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

/// The way between two transport addresses that a message took, and by which an answer goes back (RFC 5626's word, used for UDP too).
public struct Flow: Hashable, Sendable {
  public enum Path: Hashable, Sendable {
    /// A UDP socket of this host.
    case port(PortID)
    case connection(ConnectionID)
  }

  public var transport: SIPTransportProtocol
  public var local: TransportAddress
  public var remote: TransportAddress
  public var path: Path

  public init(transport: SIPTransportProtocol, local: TransportAddress, remote: TransportAddress, path: Path) {
    self.transport = transport
    self.local = local
    self.remote = remote
    self.path = path
  }
}

extension Flow {
  /// The way of a response to a request that came on this flow: a connection answers on itself; UDP to the source address, and to the
  /// source port where the peer asked for it, else to the Via's (RFC 3261 §18.2.2, RFC 3581 §4). Port 0 in a Via names none: the source
  /// port again (contract 8.7).
  ///
  /// A `maddr` that names the source address is honoured: the port is that of sent-by then, whatever rport says. One that names another
  /// host is not, although §18.2.2 says so: it was made for multicast (§18.1.1), and would let anybody turn our answers, repetitions and
  /// all, on a third party (a decision of the Lab). ``isTurnedAway(by:)`` tells so.
  public func reply(to via: Via) -> Flow {
    guard transport == .udp, via.port != 0, !via.hasResponsePort || leads(toMulticastAddressOf: via) else { return self }
    var reply = self
    reply.remote.port = via.port ?? transport.defaultPort
    return reply
  }

  /// Whether a `maddr` of Via would have our answers go to a host that did not ask for them.
  public func isTurnedAway(by via: Via) -> Bool {
    transport == .udp && via.parameters.contains("maddr") && !leads(toMulticastAddressOf: via)
  }

  private func leads(toMulticastAddressOf via: Via) -> Bool {
    guard let text = via.parameters["maddr"], case .address(let address) = SIPHost(text) else { return false }
    return address.unmapped == remote.address.unmapped
  }

  public func reply(to request: SIPMessage) -> Flow { (try? request.via()).map { reply(to: $0) } ?? self }
}

extension Flow: CustomStringConvertible {
  public var description: String { "\(transport.viaToken) \(remote)" }
}

/// Why nothing can be sent on a flow any more.
public enum FlowFailure: Hashable, Sendable {
  case refused(ConnectFailure)
  case closed(Closure)
  /// ICMP reported that what was sent did not arrive (RFC 3261 §18.4).
  case unreachable
  /// This machine did not send it (RFC 3261 §18.4).
  case notSent(SystemError)
  /// The TLS layer's verdict, in words.
  case tls(String)
  /// We closed it: what came is no SIP message, and nobody knows where the next one begins (RFC 3261 §18.3).
  case unreadable(String)
  /// We closed it: no whole message came in time.
  case silent(seconds: Int)
}

extension FlowFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .refused(.refused): "connection refused"
    case .refused(.unreachable): "network unreachable"
    case .refused(.timedOut): "the connection attempt timed out"
    case .refused(.other(let reason)): reason
    case .closed(.orderly): "closed by the peer"
    case .closed(.reset): "reset by the peer"
    case .closed(.timedOut): "connection timed out"
    case .unreachable: "unreachable (ICMP)"
    case .notSent(let error): "not sent: \(error)"
    case .tls(let reason): reason
    case .unreadable(let rule): "closed by us: \(rule)"
    case .silent(let seconds): "closed by us: no complete message was received within \(seconds) s (a limit of the Lab)"
    }
  }
}
