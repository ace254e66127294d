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

  /// The targets of a request whose own Route is gone (RFC 3261 §16.5); empty = nobody knows.
  func targets(_ request: SIPMessage, route: String?, own: (SIPURI) -> Bool) -> [Branch] {
    if let route { return target(of: route).map { [Branch(uri: nil, target: $0)] } ?? [] }
    do {
      let uri = try request.requestURI()
      if own(uri) { return branches }
      return target(of: uri).map { [Branch(uri: nil, target: $0)] } ?? []
    } catch { return [] }
  }

  private func target(of route: String) -> SIPTarget? { Self.uri(of: route).flatMap { target(of: $0) } }

  /// The URI of an entry of Route; nil where it cannot be read.
  static func uri(of route: String) -> SIPURI? {
    do { return try NameAddress(parsing: route).uri } catch { return nil }
  }

  /// By the address, the port and the transport of a URI; a name has to be a domain that is known.
  private func target(of uri: SIPURI) -> SIPTarget? {
    switch uri.host {
    case .name(let name): return domains.first { $0.name == name.lowercased() }?.target
    case .address(let address):
      let named = (uri.parameters["transport"]?.lowercased()).flatMap { SIPTransportProtocol(rawValue: $0) }
      let transport = named ?? (uri.scheme == .sips ? .tls : .udp)
      let place = TransportAddress(address, port: uri.port ?? transport.defaultPort)
      return SIPTarget(transport: transport, address: place, serverName: transport == .tls ? serverName : nil)
    }
  }
}
