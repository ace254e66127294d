import LiveNetwork
import SIPMessage
import SIPTransport
import SansIO

/// Whom a person at the command line wants to call: the URI and its next hop.
public struct CallTarget: Sendable {
  public var uri: SIPURI
  public var target: SIPTarget

  /// Reads the URI; its next hop is the address in it, or the first that its name resolves to. Blocks while it resolves: never on a loop.
  ///
  /// - Parameter transport: where the URI names none.
  public init(_ text: String, transport: SIPTransportProtocol? = nil) throws(LiveFailure) {
    do { uri = try SIPURI(parsing: text) } catch { throw LiveFailure("\(error)") }
    if case .other(let scheme) = uri.scheme { throw LiveFailure("a '\(scheme):' URI cannot be called; expected sip:user@host") }
    let transport = try Self.transport(uri, transport)
    let address = if let address = uri.host.address { address } else { try Self.resolve(uri.host.text) }
    let name: String? = transport == .tls ? uri.host.text : nil
    target = SIPTarget(transport: transport, address: TransportAddress(address, port: uri.port ?? transport.defaultPort), serverName: name)
  }

  private static func transport(_ uri: SIPURI, _ preferred: SIPTransportProtocol?) throws(LiveFailure) -> SIPTransportProtocol {
    if uri.scheme == .sips {
      // A sips URI is called over TLS and nothing else (RFC 3261 §26.2.2); its transport=tcp is TLS over TCP.
      guard preferred == nil || preferred == .tls, uri.transport == .tls else { throw LiveFailure("a sips URI is called over TLS only") }
      return .tls
    }
    guard let text = uri.parameters["transport"] else { return preferred ?? .udp }
    guard let transport = SIPTransportProtocol(rawValue: text.lowercased()), [.udp, .tcp, .tls].contains(transport) else {
      throw LiveFailure("transport '\(text)' is not one of udp, tcp, tls")
    }
    return transport
  }

  private static func resolve(_ name: String) throws(LiveFailure) -> IPAddress {
    for kind in [NameQuestion.Kind.a, .aaaa] {
      guard case .records(let records) = SystemResolver.addresses(NameQuestion(name, kind)) else { continue }
      for record in records { if case .address(let address) = record.value { return address } }
    }
    throw LiveFailure("the name '\(name)' does not resolve to an address")
  }
}
