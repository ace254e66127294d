import SIPMessage
import SansIO

/// The way between two transport addresses that a message took, and by which an answer goes back (RFC 5626's word, used for UDP too).
public struct Flow: Hashable, Sendable {
  public enum Path: Hashable, Sendable {
    /// A UDP socket of this host.
    case port(PortID)
    case connection(ConnectionID)
  }

  public var transport: SIPTransportProtocol
  public var local: TransportAddress
  public var remote: TransportAddress
  public var path: Path

  public init(transport: SIPTransportProtocol, local: TransportAddress, remote: TransportAddress, path: Path) {
    self.transport = transport
    self.local = local
    self.remote = remote
    self.path = path
  }
}

extension Flow {
  /// The way of a response to a request that came on this flow: a connection answers on itself; UDP to the source address, and to the
  /// source port where the peer asked for it, else to the Via's (RFC 3261 §18.2.2, RFC 3581 §4). Port 0 in a Via names none: the source
  /// port again (contract 8.7).
  ///
  /// A `maddr` that names the source address is honoured: the port is that of sent-by then, whatever rport says. One that names another
  /// host is not, although §18.2.2 says so: it was made for multicast (§18.1.1), and would let anybody turn our answers, repetitions and
  /// all, on a third party (a decision of the Lab). ``isTurnedAway(by:)`` tells so.
  public func reply(to via: Via) -> Flow {
    guard transport == .udp, via.port != 0, !via.hasResponsePort || leads(toMulticastAddressOf: via) else { return self }
    var reply = self
    reply.remote.port = via.port ?? transport.defaultPort
    return reply
  }

  /// Whether a `maddr` of Via would have our answers go to a host that did not ask for them.
  public func isTurnedAway(by via: Via) -> Bool {
    transport == .udp && via.parameters.contains("maddr") && !leads(toMulticastAddressOf: via)
  }

  private func leads(toMulticastAddressOf via: Via) -> Bool {
    guard let text = via.parameters["maddr"], case .address(let address) = SIPHost(text) else { return false }
    return address.unmapped == remote.address.unmapped
  }

  public func reply(to request: SIPMessage) -> Flow { (try? request.via()).map { reply(to: $0) } ?? self }
}

extension Flow: CustomStringConvertible {
  public var description: String { "\(transport.viaToken) \(remote)" }
}
