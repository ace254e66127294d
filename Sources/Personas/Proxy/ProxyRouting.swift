import SIPMessage
import SIPTransport
import SansIO

/// Where a proxy sends requests: the targets that it forks to, and what it knows of domains.
public struct ProxyRouting: Sendable {
  /// Who is called when the proxy itself is.
  public struct Branch: Sendable, Hashable {
    /// Takes the place of the Request-URI; nil = it stays.
    public var uri: String?
    public var target: SIPTarget

    public init(uri: String?, target: SIPTarget) { (self.uri, self.target) = (uri, target) }
  }

  /// In parallel, in this order.
  public var branches: [Branch]
  /// The names of domains, and where their requests go.
  public var domains: [(name: String, target: SIPTarget)]

  /// What certificates of hosts that are named by their address have to name.
  public var serverName: String?

  public init(branches: [Branch], domains: [(name: String, target: SIPTarget)] = [], serverName: String? = nil) {
    (self.branches, self.domains, self.serverName) = (branches, domains, serverName)
  }

  /// Where a request goes.
  enum Way {
    /// Empty = nobody knows.
    case branches([Branch])
    /// The servers of a name, which have to be looked up first (RFC 3263 §4).
    case name(SIPURI)
  }

  /// The way of a request whose own Route is gone (RFC 3261 §16.5).
  func way(_ request: SIPMessage, route: String?, own: (SIPURI) -> Bool) -> Way {
    if let route { return Self.uri(of: route).map(way) ?? .branches([]) }
    do {
      let uri = try request.requestURI()
      return own(uri) ? .branches(branches) : way(to: uri)
    } catch { return .branches([]) }
  }

  /// By the address, the port and the transport of a URI; a name is a domain that is known, or is looked up.
  private func way(to uri: SIPURI) -> Way {
    switch uri.host {
    case .name(let name):
      return domains.first { $0.name == name.lowercased() }.map { .branches([Branch(uri: nil, target: $0.target)]) } ?? .name(uri)
    case .address(let address):
      let named = (uri.parameters["transport"]?.lowercased()).flatMap { SIPTransportProtocol(rawValue: $0) }
      let transport = named ?? (uri.scheme == .sips ? .tls : .udp)
      let place = TransportAddress(address, port: uri.port ?? transport.defaultPort)
      let target = SIPTarget(transport: transport, address: place, serverName: transport == .tls ? serverName : nil)
      return .branches([Branch(uri: nil, target: target)])
    }
  }

  /// The URI of an entry of Route; nil where it cannot be read.
  static func uri(of route: String) -> SIPURI? {
    do { return try NameAddress(parsing: route).uri } catch { return nil }
  }
}
