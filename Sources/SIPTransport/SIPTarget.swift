import SIPMessage
import SansIO

/// Where a host takes SIP: one transport on one address.
public struct TransportListener: Hashable, Sendable {
  public var transport: SIPTransportProtocol
  /// An address of the host; port 0 lets the driver choose.
  public var address: TransportAddress

  public init(_ transport: SIPTransportProtocol, _ address: TransportAddress) {
    self.transport = transport
    self.address = address
  }
}

extension TransportListener: CustomStringConvertible {
  public var description: String { "\(transport.viaToken) \(address)" }
}

/// The next hop of a request, resolved (RFC 3263's result).
public struct SIPTarget: Hashable, Sendable {
  public var transport: SIPTransportProtocol
  public var address: TransportAddress
  /// The domain that a TLS certificate has to name (RFC 5922); nil where nothing is asked of it.
  public var serverName: String?

  public init(transport: SIPTransportProtocol, address: TransportAddress, serverName: String? = nil) {
    self.transport = transport
    self.address = address
    self.serverName = serverName
  }
}
