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

extension Flow: CustomStringConvertible {
  public var description: String { "\(transport.viaToken) \(remote)" }
}
