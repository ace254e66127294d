import KallglotPolicy
import SIPMessage
import SIPTransport
import SansIO

/// How a call gets to a registered contact.
struct BindingWay: CustomStringConvertible {
  var hop: NextHop
  /// The flow of its REGISTER; nil = a way to the hop of its own.
  var flow: Flow?

  var description: String {
    if let flow { return "over the flow of its REGISTER from \(flow.remote)" }
    return switch hop {
    case .servers(let first, others: _): "at \(first.address)"
    case .name(let uri): "at the servers of \(uri.host.text)"
    }
  }
}

extension Registrar.Binding {
  /// The contact's own place, or the flow of its REGISTER when that came from another address or over another transport: only the flow
  /// leads back to a peer behind a NAT (RFC 5626 §5.3). A connection is used in any case: whoever registers over one is reached over it,
  /// and need not listen, nor have a certificate of its own. With `natContact: contact` it is the contact. A contact that is a name is
  /// looked up (RFC 3263 §4).
  func way(_ natContact: Policy.NATContact, isUsable: (Flow) -> Bool) -> BindingWay {
    let stated = stated
    guard let flow, isUsable(flow) else { return BindingWay(hop: stated) }
    let isThere = stated.first?.address.address.unmapped == flow.remote.address.unmapped && stated.first?.transport == flow.transport
    if isThere && !flow.transport.isReliable || natContact == .contact { return BindingWay(hop: stated) }
    return BindingWay(hop: NextHop(SIPTarget(transport: flow.transport, address: flow.remote)), flow: flow)
  }

  private var stated: NextHop {
    guard let address = contact.host.address else { return .name(contact) }
    let transport = contact.transport ?? .udp
    let place = TransportAddress(address, port: contact.port ?? transport.defaultPort)
    return NextHop(SIPTarget(transport: transport, address: place, serverName: transport == .tls ? contact.host.text : nil))
  }
}
