import KallglotPolicy
import Legs
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

// Calls that the endpoint places itself.
extension KallglotEndpoint {
  /// Calls an account where it registered: the Request-URI is its whole Contact, parameters included (RFC 3261 §16.5), since some products
  /// know their trunk by one (Asterisk's `line`).
  func callAccount(_ account: String, name: String?, at now: Instant, _ out: inout Outbox) {
    guard let binding = registrar.latestBinding(of: account, at: now) else {
      return out.event(EndpointEvent.notCalled(account: account, reason: "it has no registered contact"))
    }
    let natContact = accounts[account]?.policy.natContact ?? configuration.listener.natContact
    guard let (target, flow) = way(to: binding, natContact) else {
      return out.event(
        EndpointEvent.notCalled(account: account, reason: "its contact \(binding.contact) has no address that can be called"))
    }
    let way = flow.map { "over the flow of its REGISTER from \($0.remote)" } ?? "at \(target.address)"
    let decision = PolicyDecision(
      .registration, setting: "natContact", .passed, detail: "\(account) is called \(way); its Contact is \(binding.contact)")
    out.event(EndpointEvent.decision(nil, decision, JudgedRequest(method: "INVITE", peer: target.address, isOurs: true)))
    var request = CallRequest(name: name, uri: binding.contact, target: target, flow: flow)
    request.prefersFlow = natContact == .flow
    handle(party.perform(.call(request), at: now, &out), at: now, &out)
  }

  /// The contact's own place, or the flow of its REGISTER when that came from another address or over another transport: only the flow leads
  /// back to a peer behind a NAT (RFC 5626 §5.3). With `natContact: contact` it is the contact, unless that is a name.
  private func way(to binding: Registrar.Binding, _ natContact: Policy.NATContact) -> (SIPTarget, Flow?)? {
    let contact = binding.contact
    let transport = contact.transport ?? .udp
    let stated = contact.host.address.map {
      SIPTarget(
        transport: transport, address: TransportAddress($0, port: contact.port ?? transport.defaultPort),
        serverName: transport == .tls ? contact.host.text : nil)
    }
    guard let flow = binding.flow, party.userAgent.isUsable(flow) else { return stated.map { ($0, nil) } }
    let isThere = stated?.address.address.unmapped == flow.remote.address.unmapped && stated?.transport == flow.transport
    if let stated, isThere || natContact == .contact { return (stated, nil) }
    return (SIPTarget(transport: flow.transport, address: flow.remote), flow)
  }
}
