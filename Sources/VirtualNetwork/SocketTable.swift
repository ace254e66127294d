import SansIO

/// The sockets of all hosts: UDP ports and TCP listeners, and whose a packet is.
struct SocketTable {
  /// Whose socket it is.
  struct Owner {
    var host: Int
    var port: PortID
  }

  /// One that is open.
  struct Socket {
    /// As it was asked for, with its number: an unspecified address stands for all of its family.
    var address: TransportAddress
    var kind: PortKind
    /// Where datagrams leave from.
    var source: TransportAddress
  }

  /// What came of opening one.
  enum Binding {
    /// With the number that was taken where port 0 was asked for.
    case bound(TransportAddress)
    case failed(BindFailure)
  }

  private struct Host {
    var addresses: [IPAddress]
    var sockets: [PortID: Socket] = [:]
    var nextEphemeralPort: UInt16 = 49_152
    /// Most senders use one port many times in a row.
    var lastSender: (port: PortID, source: TransportAddress)?
  }

  private var hosts = ContiguousArray<Host>()
  private var datagramPorts: [TransportAddress: Owner] = [:]
  private var listeners: [TransportAddress: Owner] = [:]
  private var cache = SocketCache()

  mutating func addHost(_ addresses: [IPAddress]) { hosts.append(Host(addresses: addresses)) }

  /// Where a connection leaves from; nil when the host does not have that address, or none of the destination's family.
  func source(_ host: Int, wanted: IPAddress?, to destination: IPAddress) -> IPAddress? {
    let addresses = hosts[host].addresses
    guard let wanted else { return addresses.first { $0.isIPv6 == destination.isIPv6 } }
    return addresses.contains(wanted) ? wanted : nil
  }

  // MARK: - Opening and closing

  mutating func bind(_ host: Int, _ port: PortID, _ wanted: TransportAddress, _ kind: PortKind) -> Binding {
    guard let first = hosts[host].addresses.first(where: { wanted.covers($0) }) else { return .failed(.addressNotAvailable) }
    let number = wanted.port == 0 ? freePort(host, at: wanted.address, kind) : wanted.port
    let address = TransportAddress(wanted.address, port: number)
    guard hosts[host].sockets[port] == nil, !isTaken(host, address, kind) else { return .failed(.addressInUse) }
    let owner = Owner(host: host, port: port)
    for own in hosts[host].addresses where address.covers(own) {
      let place = TransportAddress(own, port: number)
      if kind == .datagram { datagramPorts[place] = owner } else { listeners[place] = owner }
    }
    hosts[host].sockets[port] = Socket(address: address, kind: kind, source: TransportAddress(first, port: number))
    return .bound(address)
  }

  /// - Returns: what was closed.
  mutating func unbind(_ host: Int, _ port: PortID) -> Socket? {
    guard let socket = hosts[host].sockets.removeValue(forKey: port) else { return nil }
    hosts[host].lastSender = nil
    for own in hosts[host].addresses where socket.address.covers(own) {
      let place = TransportAddress(own, port: socket.address.port)
      cache.forget(place)
      if socket.kind == .datagram { datagramPorts[place] = nil } else { listeners[place] = nil }
    }
    return socket
  }

  /// - Returns: what was closed, in the order of the addresses.
  mutating func unbindAll(_ host: Int) -> [Socket] {
    hosts[host].sockets.keys.sorted { $0.rawValue < $1.rawValue }.compactMap { unbind(host, $0) }
  }

  private func isTaken(_ host: Int, _ address: TransportAddress, _ kind: PortKind) -> Bool {
    hosts[host].addresses.contains { own in
      guard address.covers(own) else { return false }
      let place = TransportAddress(own, port: address.port)
      return kind == .datagram ? datagramPorts[place] != nil : listeners[place] != nil
    }
  }

  /// The next number of the dynamic range that is free (RFC 6335 §6).
  mutating func freePort(_ host: Int, at address: IPAddress, _ kind: PortKind) -> UInt16 {
    for _ in 0..<16_384 {
      let candidate = hosts[host].nextEphemeralPort
      hosts[host].nextEphemeralPort = candidate == .max ? 49_152 : candidate + 1
      if !isTaken(host, TransportAddress(address, port: candidate), kind) { return candidate }
    }
    return hosts[host].nextEphemeralPort
  }

  // MARK: - Another address

  /// A host has another address in place of one of its own. As on any system, sockets bound to all addresses go on under the new one; those
  /// of products are, so ours count as such though they name the address.
  ///
  /// - Returns: what was open at the old address, and is at the new one.
  mutating func move(_ host: Int, from old: IPAddress, to new: IPAddress) -> [(old: Socket, new: Socket)] {
    guard let index = hosts[host].addresses.firstIndex(of: old) else { return [] }
    var moved: [(PortID, Socket)] = []
    for id in hosts[host].sockets.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
      guard let socket = hosts[host].sockets[id], socket.source.address == old else { continue }
      if let closed = unbind(host, id) { moved.append((id, closed)) }
    }
    hosts[host].addresses[index] = new
    return moved.compactMap { id, socket in
      let wanted = socket.address.address.isUnspecified ? socket.address : TransportAddress(new, port: socket.address.port)
      guard case .bound = bind(host, id, wanted, socket.kind), let opened = hosts[host].sockets[id] else { return nil }
      return (socket, opened)
    }
  }

  // MARK: - Looking up

  /// Where datagrams of a port leave from; nil when it is not open.
  @inline(__always)
  mutating func source(_ host: Int, _ port: PortID) -> TransportAddress? {
    if let last = hosts[host].lastSender, last.port == port { return last.source }
    guard let socket = hosts[host].sockets[port] else { return nil }
    hosts[host].lastSender = (port, socket.source)
    return socket.source
  }

  /// The UDP socket that a datagram is for.
  @inline(__always)
  mutating func receiver(of destination: TransportAddress) -> PortID? { cache.socket(destination, datagramPorts) }

  /// Who sends from an address.
  func owner(of source: TransportAddress) -> Owner? { datagramPorts[source] }

  func listener(at address: TransportAddress) -> PortID? { listeners[address]?.port }
}

extension TransportAddress {
  /// Whether a socket with this address takes what is sent to that one of its host's: an unspecified address takes all of its family.
  fileprivate func covers(_ own: IPAddress) -> Bool {
    own.isIPv6 == address.isIPv6 && (address.isUnspecified || own == address)
  }
}

/// A small table in front of the dictionary of UDP sockets. Only what was found is kept, and forgotten when the socket closes.
private struct SocketCache {
  private struct Entry {
    var address: TransportAddress
    var port: PortID?
  }

  private var entries = ContiguousArray(repeating: Entry(address: TransportAddress(.anyV4, port: 0), port: nil), count: 256)

  mutating func forget(_ address: TransportAddress) { entries[Self.slot(address)].port = nil }

  @inline(__always)
  private static func slot(_ address: TransportAddress) -> Int {
    Int(truncatingIfNeeded: (address.address.low ^ UInt64(address.port)) & 255)
  }

  @inline(__always)
  mutating func socket(_ address: TransportAddress, _ table: [TransportAddress: SocketTable.Owner]) -> PortID? {
    let slot = Self.slot(address)
    if let port = entries[slot].port, entries[slot].address == address { return port }
    guard let found = table[address] else { return nil }
    entries[slot] = Entry(address: address, port: found.port)
    return found.port
  }
}
