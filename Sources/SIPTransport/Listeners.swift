import SansIO

/// Where a host takes SIP, by the numbers of its ports.
struct Listeners {
  private(set) var all: [TransportListener]
  /// They are numbered from here, in their order.
  private let firstPort: UInt32

  init(_ listeners: [TransportListener], firstPort: PortID) {
    all = listeners
    self.firstPort = firstPort.rawValue
  }

  func port(_ index: Int) -> PortID { PortID(firstPort + UInt32(index)) }

  @inline(__always)
  private func index(of port: PortID) -> Int? {
    let index = Int(port.rawValue) - Int(firstPort)
    return index >= 0 && index < all.count ? index : nil
  }

  @inline(__always)
  subscript(port: PortID) -> TransportListener? { index(of: port).map { all[$0] } }

  /// A port is open; `address` is the real one where number 0 was asked for.
  mutating func opened(_ port: PortID, at address: TransportAddress) -> TransportListener? {
    guard let index = index(of: port) else { return nil }
    all[index].address = address
    return all[index]
  }

  /// The listener of this transport and address family.
  private func index(_ transport: SIPTransportProtocol, near remote: IPAddress) -> Int? {
    all.firstIndex { $0.transport == transport && $0.address.address.isIPv6 == remote.isIPv6 }
  }

  /// The UDP flow to an address; one whose port is nobody's where no socket of its family is open.
  func datagramFlow(to remote: TransportAddress) -> Flow {
    let index = index(.udp, near: remote.address)
    let local = index.map { all[$0].address } ?? TransportAddress(remote.address.isIPv6 ? .anyV6 : .anyV4, port: 0)
    return Flow(transport: .udp, local: local, remote: remote, path: .port(port(index ?? Int(UInt16.max))))
  }

  /// Where connections to a target leave from: the address our other sockets of that family have, so that a peer's allowlist sees one
  /// address of us. Nil = any.
  func source(for target: SIPTarget) -> IPAddress? {
    let remote = target.address.address
    let index = index(target.transport, near: remote) ?? all.firstIndex { $0.address.address.isIPv6 == remote.isIPv6 }
    let address = index.map { all[$0].address.address }
    return address?.isUnspecified == true ? nil : address
  }

  /// Where responses to what leaves on a flow can reach us (RFC 3261 §18.1.1): the listener rather than a connection's passing port.
  func sentBy(for flow: Flow) -> TransportAddress {
    all.first { $0.transport == flow.transport && $0.address.address == flow.local.address }?.address ?? flow.local
  }
}
