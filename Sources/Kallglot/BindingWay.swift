import KallglotPolicy
import SIPMessage
import SIPTransport
import SansIO

/// How a call gets to a registered contact.
struct BindingWay: CustomStringConvertible {
  var target: SIPTarget
  /// The flow of its REGISTER; nil = a way to the target of its own.
  var flow: Flow?

  var description: String { flow.map { "over the flow of its REGISTER from \($0.remote)" } ?? "at \(target.address)" }
}

extension Registrar.Binding {
  /// The contact's own place, or the flow of its REGISTER when that came from another address or over another transport: only the flow
  /// leads back to a peer behind a NAT (RFC 5626 §5.3). A connection is used in any case: whoever registers over one is reached over it,
  /// and need not listen, nor have a certificate of its own. With `natContact: contact` it is the contact, unless that is a name.
  func way(_ natContact: Policy.NATContact, isUsable: (Flow) -> Bool) -> BindingWay? {
    let transport = contact.transport ?? .udp
    let stated = contact.host.address.map {
      SIPTarget(
        transport: transport, address: TransportAddress($0, port: contact.port ?? transport.defaultPort),
        serverName: transport == .tls ? contact.host.text : nil)
    }
    guard let flow, isUsable(flow) else { return stated.map { BindingWay(target: $0) } }
    let isThere = stated?.address.address.unmapped == flow.remote.address.unmapped && stated?.transport == flow.transport
    if let stated, isThere && !flow.transport.isReliable || natContact == .contact { return BindingWay(target: stated) }
    return BindingWay(target: SIPTarget(transport: flow.transport, address: flow.remote), flow: flow)
  }
}
