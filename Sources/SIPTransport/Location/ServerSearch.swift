import SIPMessage
import SansIO

/// Finds the servers that a URI names (RFC 3263 §4): a machine that asks the name service and is told its answers.
///
/// ```
///   begin ── no transport, no port / NAPTR ──► pointers ── services we speak / SRV ──┐
///     │                                            └── none / SRV of each transport ─┤
///     ├── a transport, no port / SRV ──────────────────────────────────────────► services
///     │                                                     servers / A, AAAA ──────┤
///     │                                            none / A, AAAA of the domain ────┤
///     ├── a port / A, AAAA ────────────────────────────────────────────────────► addresses
///     │                                                                              │ all are answered
///     └── an address ───────────────────────────────────────────────────────────► over: found, or failed
/// ```
/// A sips URI is looked up for TLS alone (§4.1). Transports that nothing here speaks are left out. Where the domain offers several that are
/// equal, TLS comes before TCP and TCP before UDP, which §4.1 leaves to the client. The certificate has to name the domain of the URI, not
/// the host that SRV leads to (RFC 5922 §4).
public struct ServerSearch: Sendable {
  public enum Output: Hashable, Sendable {
    case ask(NameQuestion)
    /// In the order in which they are tried; never empty.
    case found([SIPTarget])
    /// Why there is none, as a sentence without its end.
    case failed(String)
  }

  /// What this side can do.
  public struct Means: Hashable, Sendable {
    public var transports: Set<SIPTransportProtocol>
    public var hasIPv4: Bool
    public var hasIPv6: Bool

    public init(transports: Set<SIPTransportProtocol>, hasIPv4: Bool, hasIPv6: Bool) {
      (self.transports, self.hasIPv4, self.hasIPv6) = (transports, hasIPv4, hasIPv6)
    }

    public init(_ listeners: [TransportListener]) {
      self.init(
        transports: Set(listeners.map(\.transport)), hasIPv4: listeners.contains { !$0.address.address.isIPv6 },
        hasIPv6: listeners.contains { $0.address.address.isIPv6 })
    }
  }

  /// What a zone may make us ask and try; more is a mistake or an attack.
  static let mostServers = 32

  private struct Service: Hashable {
    let transport: SIPTransportProtocol
    let name: String
    var answer: NameAnswer?
  }

  private struct Server: Hashable {
    let transport: SIPTransportProtocol
    let host: String
    let port: UInt16
  }

  private struct Lookup: Hashable {
    let question: NameQuestion
    var answer: NameAnswer?
  }

  private enum State {
    case pointers
    case services([Service])
    case addresses([Server], [Lookup])
    case over
  }

  private let uri: SIPURI
  private let means: Means
  private var state = State.over

  private init(_ uri: SIPURI, _ means: Means) { (self.uri, self.means) = (uri, means) }

  /// Begins a search, and what it asks first.
  public static func begin(_ uri: SIPURI, _ means: Means) -> (ServerSearch, [Output]) {
    var search = ServerSearch(uri, means)
    let outputs = search.begin()
    return (search, outputs)
  }

  private mutating func begin() -> [Output] {
    let (next, outputs) = first()
    state = next
    return outputs
  }

  /// The name service answered one of the questions.
  ///
  /// - Parameter entropy: draws among servers of one priority.
  public mutating func receive(_ answer: NameAnswer, to question: NameQuestion, using entropy: inout Entropy) -> [Output] {
    let next: State
    let outputs: [Output]
    switch state {
    case .pointers: (next, outputs) = takePointers(answer)
    case .services(var services):
      for index in services.indices where services[index].name == question.name { services[index].answer = answer }
      (next, outputs) = services.contains { $0.answer == nil } ? (.services(services), []) : takeServices(services, using: &entropy)
    case .addresses(let servers, var lookups):
      for index in lookups.indices where lookups[index].question == question { lookups[index].answer = answer }
      (next, outputs) = lookups.contains { $0.answer == nil } ? (.addresses(servers, lookups), []) : takeAddresses(servers, lookups)
    case .over: (next, outputs) = (.over, [])
    }
    state = next
    return outputs
  }

  // MARK: - What is asked first

  private func first() -> (State, [Output]) {
    if let named = uri.parameters["transport"], SIPTransportProtocol(rawValue: named.lowercased()) == nil {
      return fail("its transport '\(named.prefix(16))' is not spoken here")
    }
    let named = namedTransport
    if let named, !means.transports.contains(named) { return fail("it needs \(named.viaToken), which is not configured here") }
    if let address = uri.host.address {
      let transport = named ?? fallback
      let target = SIPTarget(transport: transport, address: TransportAddress(address, port: uri.port ?? transport.defaultPort))
      return (.over, [.found([certified(target)])])
    }
    if let port = uri.port { return lookUp([Server(transport: named ?? fallback, host: domain, port: port)]) }
    if let named { return ask([Self.service(of: named, domain)]) }
    return (.pointers, [.ask(NameQuestion(domain, .naptr))])
  }

  private var domain: String { uri.host.text.lowercased() }

  /// That the URI itself names; a sips URI is TLS whatever its parameter says (RFC 3261 §26.2.2).
  private var namedTransport: SIPTransportProtocol? {
    uri.scheme == .sips || uri.parameters.contains("transport") ? uri.transport : nil
  }

  /// Where nothing names one: UDP (RFC 3263 §4.1), or what is spoken here instead.
  private var fallback: SIPTransportProtocol {
    means.transports.contains(.udp) ? .udp : Self.preference.first(where: means.transports.contains) ?? .udp
  }

  private static let preference: [SIPTransportProtocol] = [.tls, .tcp, .udp]

  private static func service(of transport: SIPTransportProtocol, _ domain: String) -> Service {
    switch transport {
    case .tls: Service(transport: transport, name: "_sips._tcp.\(domain)")
    case .tcp: Service(transport: transport, name: "_sip._tcp.\(domain)")
    case .udp, .ws, .wss: Service(transport: transport, name: "_sip._udp.\(domain)")
    }
  }

  private func ask(_ services: [Service]) -> (State, [Output]) {
    (.services(services), services.map { .ask(NameQuestion($0.name, .srv)) })
  }

  private func fail(_ reason: String) -> (State, [Output]) { (.over, [.failed("no server was found for \(uri.host.text): \(reason)")]) }

  /// With the name that its certificate has to have.
  private func certified(_ target: SIPTarget) -> SIPTarget {
    var target = target
    if target.transport == .tls { target.serverName = uri.host.text }
    return target
  }

  // MARK: - NAPTR

  /// Services that are spoken here, in the order of the records; where there are none, SRV is asked for each transport (RFC 3263 §4.1).
  private func takePointers(_ answer: NameAnswer) -> (State, [Output]) {
    var pointers: [(order: UInt16, preference: UInt16, service: Service)] = []
    if case .records(let records) = answer {
      for record in records.prefix(Self.mostServers) {
        guard case .naptr(let order, let preference, let flags, let service, let replacement) = record.value, flags.lowercased() == "s",
          let transport = Self.transport(ofService: service), means.transports.contains(transport)
        else { continue }
        pointers.append((order, preference, Service(transport: transport, name: replacement.lowercased())))
      }
    }
    let services = pointers.enumerated().sorted {
      ($0.element.order, $0.element.preference, $0.offset) < ($1.element.order, $1.element.preference, $1.offset)
    }
    var asked: [Service] = []
    for service in services.map(\.element.service) where !asked.contains(where: { $0.name == service.name }) { asked.append(service) }
    if asked.isEmpty { asked = Self.preference.filter(means.transports.contains).map { Self.service(of: $0, domain) } }
    return ask(asked)
  }

  /// The service field of a NAPTR record (RFC 3263 §4.1).
  private static func transport(ofService text: String) -> SIPTransportProtocol? {
    switch text.uppercased() {
    case "SIPS+D2T": .tls
    case "SIP+D2T": .tcp
    case "SIP+D2U": .udp
    default: nil
    }
  }

  // MARK: - SRV

  private func takeServices(_ services: [Service], using entropy: inout Entropy) -> (State, [Output]) {
    var servers: [Server] = []
    var isRefused = false
    for service in services {
      guard case .records(let records)? = service.answer else { continue }
      let usable = records.compactMap(ServiceRecord.init)
      isRefused = isRefused || usable.isEmpty && !records.isEmpty
      servers += usable.ordered(using: &entropy).map {
        Server(transport: service.transport, host: $0.target.lowercased(), port: $0.port)
      }
    }
    if servers.isEmpty, isRefused { return fail("its SRV record says that the service is not offered (RFC 2782)") }
    if servers.isEmpty {
      let transport = namedTransport ?? fallback
      servers = [Server(transport: transport, host: domain, port: transport.defaultPort)]
    }
    return lookUp(Array(servers.prefix(Self.mostServers)))
  }

  // MARK: - A and AAAA

  private func lookUp(_ servers: [Server]) -> (State, [Output]) {
    var lookups: [Lookup] = []
    for host in servers.map(\.host) where IPAddress(host) == nil {
      for kind in kinds where !lookups.contains(where: { $0.question == NameQuestion(host, kind) }) {
        lookups.append(Lookup(question: NameQuestion(host, kind)))
      }
    }
    if lookups.isEmpty { return takeAddresses(servers, lookups) }
    return (.addresses(servers, lookups), lookups.map { .ask($0.question) })
  }

  private var kinds: [NameQuestion.Kind] { (means.hasIPv4 ? [.a] : []) + (means.hasIPv6 ? [.aaaa] : []) }

  private func takeAddresses(_ servers: [Server], _ lookups: [Lookup]) -> (State, [Output]) {
    var targets: [SIPTarget] = []
    for server in servers {
      for address in addresses(of: server.host, lookups) where targets.count < Self.mostServers {
        let target = certified(SIPTarget(transport: server.transport, address: TransportAddress(address, port: server.port)))
        if server.port != 0, !targets.contains(target) { targets.append(target) }
      }
    }
    if targets.isEmpty { return fail(Self.reason(lookups)) }
    return (.over, [.found(targets)])
  }

  private func addresses(of host: String, _ lookups: [Lookup]) -> [IPAddress] {
    if let literal = IPAddress(host) { return [literal] }
    return lookups.filter { $0.question.name == host }.flatMap { lookup in
      guard case .records(let records)? = lookup.answer else { return [IPAddress]() }
      return records.compactMap { if case .address(let address) = $0.value { address } else { nil } }
    }
  }

  /// `a.example.com has no A record, b.example.com does not exist`.
  private static func reason(_ lookups: [Lookup]) -> String {
    let parts = lookups.map { lookup in
      let name = lookup.question.name
      return switch lookup.answer {
      case .noSuchName: "\(name) does not exist"
      case .records: "\(name) has no \(lookup.question.kind.rawValue.uppercased()) record"
      case .noAnswer, nil: "the name service did not answer for \(name)"
      }
    }
    var seen: [String] = []
    for part in parts where !seen.contains(part) { seen.append(part) }
    return seen.isEmpty ? "no address of a family that is used here" : seen.joined(separator: ", ")
  }
}
