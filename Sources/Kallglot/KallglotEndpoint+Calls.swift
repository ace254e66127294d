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
      return out.event(EndpointEvent.notCalled(account: account, reason: "no contact of it is registered"))
    }
    guard let target = target(of: binding) else {
      return out.event(
        EndpointEvent.notCalled(account: account, reason: "its contact \(binding.contact) names no address that can be called"))
    }
    // A peer that is not where its Contact says stands behind a NAT: only the flow of its REGISTER leads back to it (RFC 5626 §5.3).
    let flow = target.address.address == binding.contact.host.address ? nil : binding.flow
    let way = flow.map { "over the flow of its REGISTER from \($0.remote)" } ?? "at \(target.address)"
    let decision = PolicyDecision(
      .registration, setting: "natContact", .passed, detail: "\(account) is called \(way); its Contact is \(binding.contact)")
    out.event(EndpointEvent.decision(nil, decision, method: "INVITE", source: target.address))
    handle(party.perform(.call(CallRequest(name: name, uri: binding.contact, target: target, flow: flow)), at: now, &out), at: now, &out)
  }

  /// The contact's own address, or where its REGISTER came from when that is another one: a contact behind a NAT, or a name.
  private func target(of binding: Registrar.Binding) -> SIPTarget? {
    let contact = binding.contact
    let named = contact.parameters["transport"].flatMap { SIPTransportProtocol(rawValue: $0.lowercased()) }
    let transport = named ?? (contact.scheme == .sips ? .tls : .udp)
    let stated = contact.host.address.map { TransportAddress($0, port: contact.port ?? transport.defaultPort) }
    let isReached = stated?.address == binding.flow?.remote.address || configuration.listener.natContact == .contact
    guard let address = isReached ? stated ?? binding.flow?.remote : binding.flow?.remote ?? stated else { return nil }
    return SIPTarget(transport: transport, address: address, serverName: transport == .tls ? contact.host.text : nil)
  }
}
