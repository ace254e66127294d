import SansIO

/// Which host has an address, by a small table in front of the dictionary.
struct RouteCache {
  private struct Entry {
    var address: IPAddress
    var host: Int32
  }

  private var entries = ContiguousArray(repeating: Entry(address: .anyV4, host: -1), count: 256)

  mutating func forget() { entries = ContiguousArray(repeating: Entry(address: .anyV4, host: -1), count: 256) }

  @inline(__always)
  mutating func host(of address: IPAddress, _ table: [IPAddress: Int]) -> Int {
    let slot = Int(truncatingIfNeeded: (address.low ^ address.low >> 8 ^ address.high) & 255)
    if entries[slot].host >= 0, entries[slot].address == address { return Int(entries[slot].host) }
    guard let found = table[address] else { return -1 }
    entries[slot] = Entry(address: address, host: Int32(found))
    return found
  }
}

/// Which socket a transport address belongs to, in front of the dictionary; forgotten when the socket closes.
struct SocketCache {
  private struct Entry {
    var address: TransportAddress
    var host: Int32
    var port: PortID
  }

  private static let empty = Entry(address: TransportAddress(.anyV4, port: 0), host: -1, port: PortID(0))
  private var entries = ContiguousArray(repeating: empty, count: 256)

  /// Only what was found is kept, so a socket that opens has nothing to be forgotten.
  mutating func forget(_ address: TransportAddress) { entries[Self.slot(address)].host = -1 }

  @inline(__always)
  private static func slot(_ address: TransportAddress) -> Int {
    Int(truncatingIfNeeded: (address.address.low ^ UInt64(address.port)) & 255)
  }

  @inline(__always)
  mutating func socket(_ address: TransportAddress, _ table: [TransportAddress: (host: Int, port: PortID)]) -> PortID? {
    let slot = Self.slot(address)
    if entries[slot].host >= 0, entries[slot].address == address { return entries[slot].port }
    guard let found = table[address] else { return nil }
    entries[slot] = Entry(address: address, host: Int32(found.host), port: found.port)
    return found.port
  }
}

// UDP: binding, sending, arriving.
extension Simulation {
  // MARK: - Ports

  func bind(_ index: Int, _ port: PortID, _ wanted: TransportAddress, _ kind: PortKind) {
    let addresses = hosts[index].addresses.filter {
      $0.isIPv6 == wanted.address.isIPv6 && (wanted.address.isUnspecified || $0 == wanted.address)
    }
    guard let first = addresses.first else {
      return reportBind(index, port, wanted, kind, .addressNotAvailable)
    }
    let number = wanted.port == 0 ? freePort(index, addresses, kind) : wanted.port
    let all = addresses.map { TransportAddress($0, port: number) }
    let isTaken = hosts[index].sockets[port] != nil || all.contains { kind == .datagram ? datagramPorts[$0] != nil : listeners[$0] != nil }
    guard !isTaken else { return reportBind(index, port, wanted, kind, .addressInUse) }
    for address in all {
      if kind == .datagram { datagramPorts[address] = (index, port) } else { listeners[address] = (index, port) }
    }
    hosts[index].sockets[port] = Socket(addresses: all, kind: kind, source: TransportAddress(first, port: number))
    reportBind(index, port, TransportAddress(wanted.address, port: number), kind, nil)
  }

  private func reportBind(_ index: Int, _ port: PortID, _ address: TransportAddress, _ kind: PortKind, _ failure: BindFailure?) {
    let body: JournalRecord.Body = failure.map { .bindFailed(address, $0) } ?? .bound(address, kind)
    for sink in sinks { sink.record(JournalRecord(at: now, host: HostID(UInt16(index)), body)) }
    if let failure {
      queue.push(.bindFailed(host: index, port, address, failure), at: now.nanoseconds)
    } else {
      queue.push(.bound(host: index, port, address), at: now.nanoseconds)
    }
  }

  func freePort(_ index: Int, _ addresses: [IPAddress], _ kind: PortKind) -> UInt16 {
    for _ in 0..<16_384 {
      let candidate = hosts[index].nextEphemeralPort
      hosts[index].nextEphemeralPort = candidate == .max ? 49_152 : candidate + 1
      let isTaken = addresses.contains { address in
        let full = TransportAddress(address, port: candidate)
        return kind == .datagram ? datagramPorts[full] != nil : listeners[full] != nil
      }
      if !isTaken { return candidate }
    }
    return hosts[index].nextEphemeralPort
  }

  func unbind(_ index: Int, _ port: PortID) {
    guard let socket = hosts[index].sockets.removeValue(forKey: port) else { return }
    hosts[index].lastSender = nil
    for address in socket.addresses {
      socketCache.forget(address)
      if socket.kind == .datagram { datagramPorts[address] = nil } else { listeners[address] = nil }
    }
    for sink in sinks { sink.record(JournalRecord(at: now, host: HostID(UInt16(index)), .unbound(socket.source, socket.kind))) }
  }

  // MARK: - Packets

  func sendDatagram(_ index: Int, _ port: PortID, _ destination: TransportAddress, _ bytes: Bytes, _ label: Label) {
    guard let source = source(index, port) else { return }
    statistics.packetsSent += 1
    let target = routes.host(of: destination.address, hostsByAddress)
    if !nats.isEmpty, let crossing = crossing(from: index, to: target) {
      return sendTranslated(index, source, destination, target, crossing, bytes, label)
    }
    guard target >= 0 else {
      statistics.packetsLost += 1
      if !sinks.isEmpty { tap(index, .sent, .udp, source, destination, bytes, label, .unroutable) }
      return
    }
    guard faults.isEmpty else { return sendPastFaults(index, source, destination, target, bytes, label) }
    // Most runs' way: nothing but the numbers of the link is looked at.
    let (first, second) = hosts[index].links[target].passDatagram()
    if !sinks.isEmpty {
      tap(index, .sent, .udp, source, destination, bytes, label, first == nil ? .lost : second == nil ? .delivered : .duplicated)
    }
    guard let first else {
      statistics.packetsLost += 1
      return
    }
    queue.push(.datagram(host: target, from: source, to: destination, bytes, label), at: now.nanoseconds + first)
    if let second { queue.push(.datagram(host: target, from: source, to: destination, bytes, label), at: now.nanoseconds + second) }
  }

  private func sendPastFaults(
    _ index: Int, _ source: TransportAddress, _ destination: TransportAddress, _ target: Int, _ bytes: Bytes, _ label: Label
  ) {
    let passage = pass(index, target, bytes, label)
    if !sinks.isEmpty { tap(index, .sent, .udp, source, destination, bytes, label, passage.fate) }
    guard let first = passage.first else {
      statistics.packetsLost += 1
      return
    }
    queue.push(.datagram(host: target, from: source, to: destination, passage.bytes, passage.label), at: now.nanoseconds + first)
    guard let second = passage.second else { return }
    queue.push(.datagram(host: target, from: source, to: destination, passage.bytes, passage.label), at: now.nanoseconds + second)
  }

  /// What becomes of a datagram on its way: when it and its copy arrive, and as what.
  struct Passage {
    var first: Int64?
    var second: Int64?
    var fate: Fate
    var bytes: Bytes
    var label: Label
  }

  /// Puts a datagram on the link between two hosts.
  func pass(_ index: Int, _ target: Int, _ bytes: Bytes, _ label: Label) -> Passage {
    let (first, second) = hosts[index].links[target].passDatagram()
    var passage = Passage(
      first: first, second: second, fate: first == nil ? .lost : second == nil ? .delivered : .duplicated, bytes: bytes, label: label)
    if !faults.isEmpty, let (number, action) = faults.match(label, bytes, from: HostID(UInt16(index))) {
      apply(action, number, first ?? hosts[index].links[target].drawDelay(), &passage)
    }
    return passage
  }

  /// Where datagrams of a port leave from; most senders use one port many times in a row.
  @inline(__always)
  private func source(_ index: Int, _ port: PortID) -> TransportAddress? {
    if let last = hosts[index].lastSender, last.port == port { return last.source }
    guard let socket = hosts[index].sockets[port] else { return nil }
    hosts[index].lastSender = (port, socket.source)
    return socket.source
  }

  private func apply(_ action: Fault.Action, _ number: UInt16, _ delay: Int64, _ passage: inout Passage) {
    switch action {
    case .drop, .reset: (passage.first, passage.second, passage.fate) = (nil, nil, .dropped(fault: number))
    case .delay(let extra): (passage.first, passage.fate) = (delay + extra.wholeNanoseconds, .delayed(fault: number))
    case .duplicate: (passage.first, passage.second, passage.fate) = (delay, delay, .duplicated)
    case .rewrite(let change):
      (passage.first, passage.fate) = (delay, .rewritten(fault: number))
      (passage.bytes, passage.label.isDeliberatelyBroken) = (change(passage.bytes), true)
    }
  }

  func deliverDatagram(_ index: Int, _ source: TransportAddress, _ destination: TransportAddress, _ bytes: Bytes, _ label: Label) {
    statistics.packetsDelivered += 1
    if !sinks.isEmpty { tap(index, .received, .udp, source, destination, bytes, label) }
    hand(index, source, destination, bytes, unreachable: destination)
  }

  /// Gives a datagram to the socket it is for; without one the sender learns that the address it used cannot be reached.
  @inline(__always)
  func hand(
    _ index: Int, _ source: TransportAddress, _ destination: TransportAddress, _ bytes: Bytes, unreachable address: TransportAddress
  ) {
    guard let port = socketCache.socket(destination, datagramPorts) else { return sayUnreachable(source, address, from: index) }
    tell(index, .datagram(port, from: source, bytes))
  }

  /// Nobody listens: ICMP says so to the sender, if it still has the socket.
  private func sayUnreachable(_ source: TransportAddress, _ destination: TransportAddress, from index: Int) {
    guard let sender = datagramPorts[source] ?? socketBehindNAT(source) else { return }
    let delay = hosts[index].links[sender.host].drawDelay()
    queue.push(.unreachable(host: sender.host, sender.port, destination), at: now.nanoseconds + delay)
  }
}
