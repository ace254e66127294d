import Kallglot
import KallglotPolicy
import CallControl
import Media
import Personas
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import ScenarioModel
import SecureTransport

/// The members of a scenario as hosts, ready for either stage.
public struct Cast {
  public struct Member {
    public let name: String
    public let host: any NetworkHost
    public let addresses: [IPAddress]
    /// Gives the host a command.
    public let perform: (CallAgentCommand, Instant, inout Outbox) -> Void
    /// Gives the endpoint a command of its portal or API; nothing happens at a persona.
    public let administer: (Administration, Instant, inout Outbox) -> Void
    /// Sends bytes as they are; nothing happens but at a wire member.
    public let send: (Bytes, TransportAddress, Instant, inout Outbox) -> Void
    public let isEndpoint: Bool

    init(
      name: String, host: any NetworkHost, addresses: [IPAddress], isEndpoint: Bool = false,
      perform: @escaping (CallAgentCommand, Instant, inout Outbox) -> Void = { _, _, _ in },
      administer: @escaping (Administration, Instant, inout Outbox) -> Void = { _, _, _ in },
      send: @escaping (Bytes, TransportAddress, Instant, inout Outbox) -> Void = { _, _, _, _ in }
    ) {
      self.name = name
      self.host = host
      self.addresses = addresses
      self.isEndpoint = isEndpoint
      self.perform = perform
      self.administer = administer
      self.send = send
    }
  }

  public static let domain = "sip.kallglot.com"

  public let members: [Member]
  private let scenario: Scenario
  private let passwords: [String: Secret]
  private let address: (IPAddress) -> IPAddress

  /// Builds the hosts.
  ///
  /// - Parameters:
  ///   - address: what a scenario's address is on this stage; the identity on the virtual one.
  ///   - entropy: seeded on the virtual stage, the system's on a live one.
  public init(_ scenario: Scenario, entropy: Entropy, epoch: Epoch, address: @escaping (IPAddress) -> IPAddress = { $0 }) throws {
    self.scenario = scenario
    self.address = address
    var passwords: [String: Secret] = [:]
    for account in scenario.accounts {
      var source = entropy.fork("password \(account.name)")
      passwords[account.name] = Secret(account.password ?? source.hex(20))
    }
    self.passwords = passwords
    let tls = try scenario.usesTLS ? CastTLS(scenario, entropy: entropy, epoch: epoch, address: address) : nil
    let builder = HostBuilder(scenario: scenario, passwords: passwords, tls: tls, entropy: entropy, epoch: epoch, address: address)
    members = scenario.cast.map(builder.build)
  }

  /// The number of a member, in the order of the cast.
  public func number(_ name: String) -> HostID? { members.firstIndex { $0.name == name }.map { HostID(UInt16($0)) } }

  public func member(_ name: String) -> Member? { members.first { $0.name == name } }

  /// The party command that carries out a stage command at a member; nil for what is no member's business.
  public func partyCommand(_ command: StageCommand) -> (member: String, CallAgentCommand)? {
    switch command {
    case .call(let from, let to, let name): call(from: from, to: to, name: name).map { (from, $0) }
    case .party(let member, let command): (member, command)
    case .register(let member, let expires): register(member, expires: expires).map { (member, $0) }
    case .options(let member): options(member).map { (member, $0) }
    case .fault, .note, .finding, .hangUpAll, .administer, .send, .inject: nil
    }
  }

  /// Where a wire member's bytes go: the other's port of the same transport, or this one.
  public func wireTarget(from: String, to: String, port: UInt16? = nil) -> TransportAddress? {
    guard let sender = scenario.member(from), let receiver = scenario.member(to) else { return nil }
    return TransportAddress(address(scenario.address(of: receiver, seenBy: from)), port: port ?? sender.transport.defaultPort)
  }

  // MARK: - Commands

  /// Who stands at the other end of the trunk: the endpoint, or a wire member that plays one.
  private var trunk: Scenario.Member? {
    scenario.endpoint ?? scenario.cast.first { if case .wire = $0.role { true } else { false } }
  }

  private func call(from name: String, to destination: StageCommand.Destination, name alias: String) -> CallAgentCommand? {
    guard let caller = scenario.member(name) else { return nil }
    switch destination {
    case .session(let id):
      guard let target = target(of: trunk, over: caller.transport, from: name) else { return nil }
      return .call(CallRequest(name: alias, uri: SIPURI(host: Self.domain, user: id), target: target))
    // The endpoint does that itself: it knows the contact.
    case .account: return nil
    case .uri(let text):
      guard let uri = try? SIPURI(parsing: text), let target = target(of: trunk, over: caller.transport, from: name) else { return nil }
      return .call(CallRequest(name: alias, uri: uri, target: target))
    case .member(let callee):
      let member = scenario.member(callee)
      let transport = if case .endpoint = member?.role { caller.transport } else { member?.transport ?? .udp }
      guard let target = target(of: member, over: transport, from: name) else { return nil }
      return .call(CallRequest(name: alias, uri: SIPURI(host: target.address.address.description, user: callee), target: target))
    }
  }

  private func target(of member: Scenario.Member?, over transport: SIPTransportProtocol, from viewer: String) -> SIPTarget? {
    guard let member else { return nil }
    return SIPTarget(
      transport: transport, address: TransportAddress(address(scenario.address(of: member, seenBy: viewer)), port: transport.defaultPort),
      serverName: transport == .tls ? Self.domain : nil)
  }

  private func options(_ name: String) -> CallAgentCommand? {
    guard let member = scenario.member(name), let target = target(of: trunk, over: member.transport, from: name) else { return nil }
    return .options(to: target, uri: SIPURI(host: Self.domain))
  }

  private func register(_ name: String, expires: Int) -> CallAgentCommand? {
    guard let member = scenario.member(name), let target = target(of: trunk, over: member.transport, from: name) else { return nil }
    let username = scenario.accounts.first { $0.name == member.account }?.username ?? name
    return .register(
      RegisterRequest(
        registrar: SIPURI(host: Self.domain), target: target, aor: NameAddress(uri: SIPURI(host: Self.domain, user: username)),
        expires: expires))
  }
}

extension Scenario {
  var usesTLS: Bool { cast.contains { $0.transport == .tls } || policy.requireTLS }
}

/// Certificates and contexts of a cast: one authority, a leaf for the endpoint's domain, one for everybody else.
struct CastTLS {
  let server: TLSContext
  let client: TLSContext

  init(_ scenario: Scenario, entropy: Entropy, epoch: Epoch, address: (IPAddress) -> IPAddress) throws(TLSError) {
    let made = try LabCertificates.make(
      names: [Cast.domain], addresses: scenario.cast.map { address($0.address) }, entropy: entropy.fork("certificates"), epoch: epoch)
    server = try TLSContext(TLSConfiguration(role: .server, certificateChain: made.certificate, privateKey: made.privateKey))
    client = try TLSContext(TLSConfiguration(role: .client, trustAnchors: made.authority, verification: .peer))
  }
}

/// Makes the hosts of a cast.
private struct HostBuilder {
  let scenario: Scenario
  let passwords: [String: Secret]
  let tls: CastTLS?
  let entropy: Entropy
  let epoch: Epoch
  let address: (IPAddress) -> IPAddress

  func build(_ member: Scenario.Member) -> Cast.Member {
    switch member.role {
    case .endpoint: endpoint(member)
    case .persona(let profile): persona(member, profile)
    case .wire: wire(member)
    }
  }

  private func wire(_ member: Scenario.Member) -> Cast.Member {
    let own = TransportAddress(address(member.address), port: member.transport.defaultPort)
    let host = WireHost(address: own, transport: member.transport)
    return Cast.Member(
      name: member.name, host: host, addresses: [own.address],
      send: { bytes, remote, now, out in host.send(bytes, to: remote, at: now, &out) })
  }

  private func listeners(_ member: Scenario.Member, _ transports: [SIPTransportProtocol]) -> [TransportListener] {
    transports.map { TransportListener($0, TransportAddress(address(member.address), port: $0.defaultPort)) }
  }

  private func endpoint(_ member: Scenario.Member) -> Cast.Member {
    let accounts = scenario.accounts.map {
      Account(name: $0.name, username: $0.username, password: passwords[$0.name] ?? Secret(""), policy: policy)
    }
    var configuration = KallglotEndpoint.Configuration(
      domain: Cast.domain, accounts: accounts,
      sessions: scenario.sessions.map { Session(id: $0.id, account: $0.account, state: $0.state, isReusable: $0.isReusable) },
      listener: policy, listeners: listeners(member, tls == nil ? [.udp, .tcp] : [.udp, .tcp, .tls]), mediaAddress: address(member.address))
    configuration.answerDelay = member.answerDelay
    let host = KallglotEndpoint(
      configuration, tls: tls?.server, clientTLS: tls?.client, entropy: entropy.fork("host \(member.name)"), epoch: epoch)
    return Cast.Member(
      name: member.name, host: host, addresses: [address(member.address)], isEndpoint: true,
      perform: { command, now, out in host.perform(.party(command), at: now, &out) },
      administer: { change, now, out in host.perform(.administer(change), at: now, &out) })
  }

  /// Allowlists name scenario addresses; on a live stage single ones are mapped like everything else.
  private var policy: Policy {
    var policy = scenario.policy
    policy.allow = policy.allow.map { range in
      AddressRange("\(address(range.address))/\(range.prefixLength)") ?? range
    }
    return policy
  }

  private func persona(_ member: Scenario.Member, _ profile: PersonaProfile) -> Cast.Member {
    let account = scenario.accounts.first { $0.name == member.account }
    let credentials = account.map { account in
      Credentials(username: account.username, password: member.password.map { Secret($0) } ?? passwords[account.name] ?? Secret(""))
    }
    let user = account?.username ?? member.name
    var configuration = Persona.Configuration(
      profile: profile, listeners: listeners(member, member.transport == .tls && tls == nil ? [.udp] : [member.transport]),
      mediaAddress: address(member.address),
      aor: NameAddress(uri: SIPURI(host: address(member.address).description, user: user)), credentials: credentials,
      answerDelay: member.answerDelay, rejectsWith: member.rejectsWith)
    configuration.hasEarlyMedia = member.hasEarlyMedia
    let own = address(member.address)
    configuration.mediaAddress = member.media.map(address) ?? own
    configuration.musicAddress = member.music.map(address)
    configuration.directMedia = member.directMedia.map { TransportAddress(address($0), port: 4_000) }
    var addresses = [own]
    for more in [member.media, member.music].compactMap({ $0.map(address) }) where !addresses.contains(more) { addresses.append(more) }
    let host = Persona(
      configuration, serverTLS: tls?.server, clientTLS: tls?.client, entropy: entropy.fork("host \(member.name)"), epoch: epoch)
    return Cast.Member(
      name: member.name, host: host, addresses: addresses,
      perform: { command, now, out in host.perform(command, at: now, &out) })
  }
}
