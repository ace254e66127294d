import SansIO

/// A UDP datagram.
struct Datagram {
  var source: TransportAddress
  var destination: TransportAddress
  var bytes: Bytes
  var label: Label

  /// Of the IP packet: 20 octets of IPv4 (RFC 791) or 40 of IPv6 (RFC 8200), and 8 of UDP.
  var octets: Int { bytes.count + (destination.address.isIPv6 ? 48 : 28) }
}

extension Simulation {
  public struct Statistics: Hashable, Sendable {
    public var events = 0
    public var packetsSent = 0
    public var packetsDelivered = 0
    /// By impairment, fault or for want of a receiver.
    public var packetsLost = 0
  }
}
