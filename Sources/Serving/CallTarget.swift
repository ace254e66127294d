import LiveNetwork
import SIPMessage
import SIPTransport
import SansIO

/// Whom a person at the command line wants to call: the URI and its next hops.
public struct CallTarget: Sendable {
  public var uri: SIPURI
  /// Tried first.
  public var target: SIPTarget
  /// The other servers of its domain, in their order (RFC 3263 §4.3).
  public var others: [SIPTarget]

  /// Reads the URI; its next hop is the address in it, or a server of its domain (RFC 3263 §4). Blocks while it resolves: never on a loop.
  ///
  /// - Parameters:
  ///   - transport: where the URI names none.
  ///   - resolve: the name service.
  public init(
    _ text: String, transport: SIPTransportProtocol? = nil, resolve: (NameQuestion) -> NameAnswer = SystemResolver.answer
  ) throws(LiveFailure) {
    do { uri = try SIPURI(parsing: text) } catch { throw LiveFailure("\(error)") }
    if case .other(let scheme) = uri.scheme { throw LiveFailure("a '\(scheme):' URI cannot be called; expected sip:user@host") }
    var wanted = uri
    if let named = try Self.transport(uri, transport), !uri.parameters.contains("transport") {
      wanted.parameters["transport"] = named.rawValue
    }
    let targets = try Self.locate(wanted, resolve)
    (target, others) = (targets[0], Array(targets.dropFirst()))
  }

  private static func transport(_ uri: SIPURI, _ preferred: SIPTransportProtocol?) throws(LiveFailure) -> SIPTransportProtocol? {
    if uri.scheme == .sips {
      // A sips URI is called over TLS and nothing else (RFC 3261 §26.2.2); its transport=tcp is TLS over TCP.
      guard preferred == nil || preferred == .tls, uri.transport == .tls else { throw LiveFailure("a sips URI is called over TLS only") }
      return .tls
    }
    guard let text = uri.parameters["transport"] else { return preferred }
    guard let transport = SIPTransportProtocol(rawValue: text.lowercased()), [.udp, .tcp, .tls].contains(transport) else {
      throw LiveFailure("transport '\(text)' is not one of udp, tcp, tls")
    }
    return transport
  }

  /// The same procedure as everywhere, with answers that are waited for.
  private static func locate(_ uri: SIPURI, _ resolve: (NameQuestion) -> NameAnswer) throws(LiveFailure) -> [SIPTarget] {
    let means = ServerSearch.Means(transports: [.udp, .tcp, .tls], hasIPv4: true, hasIPv6: true)
    var entropy = Entropy.system
    var (search, outputs) = ServerSearch.begin(uri, means)
    while !outputs.isEmpty {
      switch outputs.removeFirst() {
      case .ask(let question): outputs += search.receive(resolve(question), to: question, using: &entropy)
      case .found(let targets): return targets
      case .failed(let reason): throw LiveFailure(reason)
      }
    }
    throw LiveFailure("no server was found for \(uri.host.text)")
  }
}
