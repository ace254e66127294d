import Kallglot
import KallglotPolicy
import CallControl
import Defects
import Inspection
import Media
import Personas
import SIPMessage
import SDP
import SIPTransport
import SIPUserAgent
import SansIO
import ScenarioModel
import SecureTransport

/// The members of a scenario as hosts, ready for either stage.
public struct Cast {
  public struct Member {
    public let name: String
    /// Its place in the cast.
    public internal(set) var number = HostID(0)
    public let host: any NetworkHost
    public let addresses: [IPAddress]
    /// Gives the user agent a command; nil at a wire member, which has none.
    public let perform: ((CallAgentCommand, Instant, inout Outbox) -> Void)?
    /// Gives the endpoint a command of its portal or API; nil where there is neither.
    public let administer: ((Administration, Instant, inout Outbox) -> Void)?
    /// Gives a wire member a command, and returns why it cannot be done; nil at all others.
    public let wire: ((WireHost.Command, Instant, inout Outbox) -> String?)?
    /// Changes what a persona answers challenges with; nil at all others, and where it has no account.
    public let setPassword: ((Secret) -> Void)?
    public let isEndpoint: Bool
    /// Its wall clock.
    public internal(set) var clock = WallClockSetting()

    init(
      name: String, host: any NetworkHost, addresses: [IPAddress], isEndpoint: Bool = false,
      perform: ((CallAgentCommand, Instant, inout Outbox) -> Void)? = nil,
      administer: ((Administration, Instant, inout Outbox) -> Void)? = nil,
      wire: ((WireHost.Command, Instant, inout Outbox) -> String?)? = nil,
      setPassword: ((Secret) -> Void)? = nil
    ) {
      self.name = name
      self.host = host
      self.addresses = addresses
      self.isEndpoint = isEndpoint
      self.perform = perform
      self.administer = administer
      self.wire = wire
      self.setPassword = setPassword
    }
  }

  public static let domain = "sip.kallglot.com"

  public let members: [Member]
  /// Where they are reached.
  public let directory: CastDirectory
  /// What observers know of its policy and its secrets.
  public let ledger: PolicyLedger
  private let scenario: Scenario
  private let builder: HostBuilder

  /// Builds the hosts.
  ///
  /// - Parameters:
  ///   - entropy: seeded on the virtual stage, the system's on a live one.
  ///   - others: members that somebody else plays.
  public init(_ scenario: Scenario, entropy: Entropy, epoch: Epoch, without others: Set<String> = []) throws {
    directory = CastDirectory(scenario)
    var passwords: [String: Secret] = [:]
    for account in scenario.accounts {
      var source = entropy.fork("password \(account.name)")
      passwords[account.name] = Secret(account.password ?? source.hex(20))
    }
    let tls = try scenario.usesTLS ? CastTLS(scenario, entropy: entropy, epoch: epoch) : nil
    ledger = PolicyLedger(scenario, passwords: passwords, realm: Self.domain, anchors: tls?.anchors)
    let builder = HostBuilder(scenario: scenario, passwords: passwords, tls: tls, entropy: entropy, epoch: epoch)
    members = try scenario.cast.enumerated().compactMap { index, given in
      others.contains(given.name) ? nil : try builder.whole(given, number: index, WallClockSetting())
    }
    (self.scenario, self.builder) = (scenario, builder)
  }

  /// The same member as a program that has just been started, for the n-th time after the first: with its configuration, its certificate
  /// and its machine's clock.
  func restarted(_ member: Member, round: Int) throws(StageFailure) -> Member {
    let index = Int(member.number.rawValue)
    guard scenario.cast.indices.contains(index) else { throw .void("nobody on stage is called \(member.name)") }
    var again = builder
    again.entropy = builder.entropy.fork("restart \(round)")
    return try again.whole(scenario.cast[index], number: index, member.clock)
  }

  /// The number of a member, in the order of the cast.
  func number(_ name: String) throws(StageFailure) -> HostID {
    guard let member = members.first(where: { $0.name == name }) else { throw .void("nobody on stage is called \(name)") }
    return member.number
  }
}

extension Scenario {
  var usesTLS: Bool { cast.contains { $0.transport == .tls } || policy.requireTLS }
}

extension MediaSecurity {
  fileprivate init(_ member: Scenario.Member) {
    self.init(member.srtp)
    (setup, multiplexesRTCP) = (member.setup, member.rtcpMux)
  }
}

/// Makes the hosts of a cast.
private struct HostBuilder {
  let scenario: Scenario
  let passwords: [String: Secret]
  let tls: CastTLS?
  var entropy: Entropy
  var epoch: Epoch

  /// A member with its place, its defects and its clock.
  func whole(_ given: Scenario.Member, number: Int, _ clock: WallClockSetting) throws(StageFailure) -> Cast.Member {
    var own = self
    own.epoch = epoch.set(by: clock)
    var member = try own.build(given).planted(given.defects, own.secrets(given))
    (member.number, member.clock) = (HostID(UInt16(number)), clock)
    return member
  }

  func build(_ member: Scenario.Member) throws(StageFailure) -> Cast.Member {
    switch member.role {
    case .endpoint: return try endpoint(member)
    case .persona(let known):
      guard let profile = PersonaProfile.named(known.id) else { throw .couldNotRun("there is no persona '\(known.id)'") }
      return try persona(member, profile)
    case .wire: return try wire(member)
    case .proxy(let branches): return try proxy(member, branches)
    }
  }

  /// What a leak may show; nil where the member has no account.
  func secrets(_ member: Scenario.Member) -> Defect.Secrets? {
    guard let account = scenario.accounts.first(where: { $0.name == member.account }), let password = passwords[account.name] else {
      return nil
    }
    return Defect.Secrets(username: account.username, password: password, realm: Cast.domain)
  }

  private func proxy(_ member: Scenario.Member, _ branches: [String]) throws(StageFailure) -> Cast.Member {
    let versions = TLSVersion.tls12...TLSVersion.tls13
    let contexts = try Self.checked { () throws(TLSError) in
      (server: try tls?.server(member, versions), client: try tls?.client(member, versions))
    }
    let host = ForkingProxy(
      address: member.address, listeners: listeners(member, tls == nil ? [.udp, .tcp] : [.udp, .tcp, .tls]),
      routing: try CastDirectory(scenario).routing(of: member, branches: branches), serverTLS: contexts.server, clientTLS: contexts.client,
      entropy: entropy.fork("host \(member.name)"), epoch: epoch)
    return Cast.Member(name: member.name, host: host, addresses: [member.address])
  }

  private func wire(_ member: Scenario.Member) throws(StageFailure) -> Cast.Member {
    let own = TransportAddress(member.address, port: member.port(member.transport))
    let secure = try Self.checked { () throws(TLSError) in
      member.transport == .tls ? try tls?.wire(member, entropy: entropy.fork("host \(member.name)"), epoch: epoch) : nil
    }
    let host = WireHost(
      address: own, transport: member.transport, media: member.mediaPort, tls: secure, entropy: entropy.fork("host \(member.name)"),
      epoch: epoch)
    return Cast.Member(
      name: member.name, host: host, addresses: [own.address], wire: { command, now, out in host.perform(command, at: now, &out) })
  }

  private func listeners(_ member: Scenario.Member, _ transports: [SIPTransportProtocol]) -> [TransportListener] {
    member.addresses.flatMap { address in
      transports.map { TransportListener($0, TransportAddress(address, port: member.port($0))) }
    }
  }

  /// TLS that cannot be made is nobody's fault on stage.
  private static func checked<Value>(_ make: () throws(TLSError) -> Value) throws(StageFailure) -> Value {
    do throws(TLSError) { return try make() } catch { throw .couldNotRun("the TLS of the cast cannot be made: \(error)") }
  }

  private func listening(_ member: Scenario.Member) -> AudioListening {
    AudioListening(hearsMarks: scenario.listensForMarks, tape: scenario.recordings?.tape(of: member.name))
  }

  private func endpoint(_ member: Scenario.Member) throws(StageFailure) -> Cast.Member {
    let accounts = scenario.accounts.map {
      Account(name: $0.name, username: $0.username, password: passwords[$0.name] ?? Secret(""), policy: scenario.policyOfEndpoint)
    }
    var configuration = KallglotEndpoint.Configuration(
      domain: Cast.domain, accounts: accounts,
      sessions: scenario.sessions.map { Session(id: $0.id, account: $0.account, state: $0.state, isReusable: $0.isReusable) },
      listener: scenario.policyOfEndpoint, listeners: listeners(member, tls == nil ? [.udp, .tcp] : [.udp, .tcp, .tls]),
      mediaAddress: member.address)
    configuration.otherMediaAddress = member.otherAddress
    (configuration.answerDelay, configuration.firstSequence) = (member.answerDelay, member.firstSequence)
    configuration.listening = listening(member)
    configuration.hearsTonesAsDigits = scenario.toneListeners.contains(member.name)
    configuration.audio = KallglotEndpoint.LegAudio(member.audio.hearing)
    let host = try Self.checked {
      () throws(TLSError) in
      try KallglotEndpoint(
        configuration, identity: tls?.endpoint(member), entropy: entropy.fork("host \(member.name)"), epoch: epoch)
    }
    return Cast.Member(
      name: member.name, host: host, addresses: member.addresses, isEndpoint: true,
      perform: { command, now, out in host.perform(.party(command), at: now, &out) },
      administer: { change, now, out in host.perform(.administer(change), at: now, &out) })
  }

  private func persona(_ member: Scenario.Member, _ profile: PersonaProfile) throws(StageFailure) -> Cast.Member {
    let account = scenario.accounts.first { $0.name == member.account }
    let credentials = account.map { account in
      Credentials(
        username: member.username ?? account.username,
        password: member.plantedPassword ?? member.password.map { Secret($0) } ?? passwords[account.name] ?? Secret(""))
    }
    let user = account?.username ?? member.name
    var configuration = Persona.Configuration(
      profile: profile, listeners: listeners(member, member.transport == .tls && tls == nil ? [.udp] : [member.transport]),
      mediaAddress: member.address,
      aor: NameAddress(uri: SIPURI(host: member.address.description, user: user)), credentials: credentials,
      answerDelay: member.answerDelay, rejectsWith: member.rejectsWith)
    configuration.hasEarlyMedia = member.hasEarlyMedia
    configuration.hearsTonesAsDigits = scenario.toneListeners.contains(member.name)
    configuration.security = MediaSecurity(member)
    configuration.rekey = member.rekey == .keepROC ? .keepROC : .restartROC
    (configuration.firstSequence, configuration.listening) = (member.firstSequence, listening(member))
    configuration.reception = ReceptionSettings(member.jitterBuffer, voipMetrics: member.voipMetrics)
    configuration.keepAlive = member.keepAlive
    configuration.audio = AudioSettings(member.audio)
    let own = member.address
    configuration.mediaAddress = member.media ?? own
    (configuration.musicAddress, configuration.otherMediaAddress) = (member.music, member.otherAddress)
    configuration.directMedia = member.directMedia.map { TransportAddress($0, port: 4_000) }
    var addresses = [own]
    let others = [member.otherAddress, member.media, member.music].compactMap(\.self)
    for more in others where !addresses.contains(more) { addresses.append(more) }
    let contexts = try Self.checked { () throws(TLSError) in
      (server: try tls?.server(member, profile.habits.tlsVersions), client: try tls?.client(member, profile.habits.tlsVersions))
    }
    let host = Persona(
      configuration, serverTLS: contexts.server, clientTLS: contexts.client, entropy: entropy.fork("host \(member.name)"), epoch: epoch)
    return Cast.Member(
      name: member.name, host: host, addresses: addresses,
      perform: { command, now, out in host.perform(command, at: now, &out) }, setPassword: credentials.map { _ in { host.setPassword($0) } }
    )
  }
}
