import CallControl
import Personas
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import ScenarioModel

/// Where the members of a cast are reached on a stage: what turns a command of the language into one of a user agent.
public struct CastDirectory {
  let scenario: Scenario

  public init(_ scenario: Scenario) { self.scenario = scenario }

  /// Where a wire member's bytes go: the other's port of the same transport, or this one.
  func wireTarget(from: String, to: String, port: UInt16?) throws(StageFailure) -> TransportAddress {
    let (sender, receiver) = (try member(from), try member(to))
    return TransportAddress(scenario.address(of: receiver, seenBy: from), port: port ?? receiver.port(sender.transport))
  }

  public func call(from name: String, to destination: StageCommand.Destination, as alias: String) throws(StageFailure) -> CallRequest {
    let caller = try member(name)
    switch destination {
    case .session(let id):
      return CallRequest(name: alias, uri: SIPURI(host: Cast.domain, user: id), hop: try trunk(from: caller))
    case .account(let account):
      throw .void("\(name) is not the endpoint, which alone knows where the account \(account) registered")
    case .uri(let text):
      let uri: SIPURI
      do { uri = try SIPURI(parsing: text) } catch { throw .couldNotRun("'\(text)' cannot be called: \(error)") }
      guard !scenario.knows(uri.host) else { return CallRequest(name: alias, uri: uri, hop: .name(uri)) }
      var target = target(of: try trunk(of: caller), over: caller.transport, from: name)
      // The domain of the URI is what a certificate has to prove (RFC 5922 §4).
      if target.serverName != nil, uri.host.address == nil { target.serverName = uri.host.text }
      return CallRequest(name: alias, uri: uri, hop: NextHop(target))
    case .member(let callee):
      let member = try member(callee)
      let transport =
        switch member.role {
        case .endpoint, .proxy: caller.transport
        case .persona, .wire: member.transport
        }
      let target = target(of: member, over: transport, from: name)
      let host = SIPHost.address(target.address.address)
      let uri = SIPURI(host: host, user: callee, port: member.port.map { _ in target.address.port })
      return CallRequest(name: alias, uri: uri, target: target)
    }
  }

  func options(from name: String) throws(StageFailure) -> CallAgentCommand {
    .options(to: try trunk(from: try member(name)), uri: SIPURI(host: Cast.domain))
  }

  public func registration(of name: String, expires: Int) throws(StageFailure) -> RegisterRequest {
    let member = try member(name)
    let username = scenario.accounts.first { $0.name == member.account }?.username ?? name
    return RegisterRequest(
      registrar: SIPURI(host: Cast.domain), hop: try trunk(from: member),
      aor: NameAddress(uri: SIPURI(host: Cast.domain, user: username)), expires: expires)
  }

  private func member(_ name: String) throws(StageFailure) -> Scenario.Member {
    guard let member = scenario.member(name) else { throw .void("nobody on stage is called \(name)") }
    return member
  }

  /// The servers of the trunk: a member's outbound proxy, those that the run's names tell, or the member at its other end.
  private func trunk(from member: Scenario.Member) throws(StageFailure) -> NextHop {
    if member.outboundProxy == nil, scenario.knows(.name(Cast.domain)) { return .name(SIPURI(host: Cast.domain)) }
    return NextHop(target(of: try trunk(of: member), over: member.transport, from: member.name))
  }

  /// Where a member sends what is for the endpoint: its outbound proxy, the endpoint, or a wire member that plays one.
  private func trunk(of caller: Scenario.Member) throws(StageFailure) -> Scenario.Member {
    if let proxy = caller.outboundProxy { return try member(proxy) }
    let trunk = scenario.endpoint ?? scenario.cast.first { if case .wire = $0.role { true } else { false } }
    guard let trunk else { throw .couldNotRun("the cast has neither an endpoint nor a wire member to play one") }
    return trunk
  }

  /// Where a proxy sends requests.
  func routing(of proxy: Scenario.Member, branches: [String]) throws(StageFailure) -> ProxyRouting {
    let forked = try branches.map { name throws(StageFailure) in
      let callee = try member(name)
      let target = target(of: callee, over: callee.transport, from: proxy.name)
      let suffix = callee.transport == .udp ? "" : ";transport=\(callee.transport.rawValue)"
      return ProxyRouting.Branch(uri: "sip:\(name)@\(target.address)\(suffix)", target: target)
    }
    let endpoint = scenario.endpoint.map { [(name: Cast.domain, target: target(of: $0, over: proxy.transport, from: proxy.name))] }
    return ProxyRouting(branches: forked, domains: endpoint ?? [], serverName: Cast.domain)
  }

  private func target(of member: Scenario.Member, over transport: SIPTransportProtocol, from viewer: String) -> SIPTarget {
    let address = TransportAddress(scenario.address(of: member, seenBy: viewer), port: member.port(transport))
    guard transport == .tls, scenario.member(viewer)?.namesNobody != true else { return SIPTarget(transport: transport, address: address) }
    // A PBX has no domain here: it has to prove the address by which it is called.
    var isTrunk = scenario.member(viewer).flatMap { try? trunk(of: $0).name } == member.name
    if case .proxy = member.role { isTrunk = true }
    return SIPTarget(transport: transport, address: address, serverName: isTrunk ? Cast.domain : member.address.description)
  }
}
