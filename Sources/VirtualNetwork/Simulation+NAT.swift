import SansIO

/// A NAT in use.
struct NATBox {
  let nat: NAT
  /// Its number among the hosts: it has a capture of its own, of what passes outside.
  let host: Int
  /// The hosts behind it, the first one first.
  let inside: [Int]
  var table: NATTable

  func outside(_ port: UInt16) -> TransportAddress { TransportAddress(nat.outside, port: port) }
}

/// What stands for a NAT among the hosts: an address and a capture, no stack.
private final class Translator: NetworkHost {
  func start(at now: Instant, _ out: inout Outbox) {}
  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {}
  func wake(at now: Instant, _ out: inout Outbox) {}
  var nextDeadline: Instant? { nil }
}

// NATs: who stands behind which, and what becomes of datagrams that cross one. Streams stand in `Simulation+NATStreams`.
extension Simulation {
  /// Puts hosts behind a NAT; from outside they are reached only through its bindings, and their own addresses are nobody's.
  ///
  /// Links stay those between the hosts: a NAT adds no time and loses nothing but what it filters.
  ///
  /// Precondition: its address is no host's, and no host is behind two NATs.
  /// - Returns: the number of the NAT's own capture.
  @discardableResult
  public func add(_ nat: NAT, name: String, inside: [HostID]) -> HostID {
    precondition(!nat.outside.isIPv6 && !inside.isEmpty, "a NAT translates IPv4 and has somebody behind it")
    let number = add(Translator(), name: name, addresses: [nat.outside])
    let members = inside.map { Int($0.rawValue) }
    for member in members {
      precondition(hosts[member].nat < 0, "\(hosts[member].name) is behind two NATs")
      hosts[member].nat = Int32(nats.count)
    }
    hosts[Int(number.rawValue)].ownNAT = Int32(nats.count)
    nats.append(NATBox(nat: nat, host: Int(number.rawValue), inside: members, table: NATTable(nat)))
    return number
  }

  /// How the way from one host to an address crosses NATs.
  struct Crossing {
    /// The NAT that the sender stands behind.
    var out: Int?
    /// The NAT that has the destination address.
    var into: Int?
    /// Nobody outside can reach the address.
    var isUnroutable = false
  }

  /// nil when no NAT is on the way.
  func crossing(from index: Int, to target: Int) -> Crossing? {
    let own = hosts[index].nat
    guard target >= 0 else { return own < 0 ? nil : Crossing(out: Int(own), isUnroutable: true) }
    let (other, box) = (hosts[target].nat, hosts[target].ownNAT)
    if own < 0, other < 0, box < 0 { return nil }
    if own == other, box < 0 { return nil }
    return Crossing(out: own < 0 ? nil : Int(own), into: box < 0 ? nil : Int(box), isUnroutable: other >= 0)
  }

  // MARK: - Datagrams

  func sendTranslated(
    _ index: Int, _ source: TransportAddress, _ destination: TransportAddress, _ target: Int, _ crossing: Crossing, _ bytes: Bytes,
    _ label: Label
  ) {
    guard !crossing.isUnroutable else { return drop(index, source, destination, bytes, label, .unroutable) }
    var seen = source
    if let number = crossing.out {
      if crossing.into == number, !nats[number].nat.hairpin {
        tell(number, .dropped(.noHairpin, source: source, destination: destination))
        return drop(index, source, destination, bytes, label, .filtered(.noHairpin))
      }
      switch nats[number].table.passOut(source, to: destination, at: now) {
      case .outbound(let port, let isNew):
        seen = nats[number].outside(port)
        if isNew { tell(number, .mapped(inside: source, outside: seen, isStream: false)) }
      case .filtered(let reason):
        tell(number, .dropped(reason, source: source, destination: destination))
        return drop(index, source, destination, bytes, label, .filtered(reason))
      case .inbound: preconditionFailure("what leaves does not come in")
      }
    }
    let passage = pass(index, crossing.into.map { receiver(behind: $0, destination) } ?? target, bytes, label)
    let fate = passage.fate
    if !sinks.isEmpty {
      tap(index, .sent, .udp, source, destination, bytes, label, fate == .delivered && seen != source ? .translated(port: seen.port) : fate)
      if let number = crossing.out { tap(nats[number].host, .sent, .udp, seen, destination, bytes, label, fate) }
    }
    if passage.first == nil { statistics.packetsLost += 1 }
    for delay in [passage.first, passage.second] {
      guard let delay else { continue }
      if let number = crossing.into {
        queue.push(.atNAT(nat: number, from: seen, to: destination, passage.bytes, passage.label), at: now.nanoseconds + delay)
      } else {
        queue.push(.datagram(host: target, from: seen, to: destination, passage.bytes, passage.label), at: now.nanoseconds + delay)
      }
    }
  }

  private func drop(_ index: Int, _ source: TransportAddress, _ destination: TransportAddress, _ bytes: Bytes, _ label: Label, _ fate: Fate)
  {
    statistics.packetsLost += 1
    if !sinks.isEmpty { tap(index, .sent, .udp, source, destination, bytes, label, fate) }
  }

  /// Whose link a packet to a NAT takes: that of the host it is for, as far as the sender's side can tell.
  private func receiver(behind number: Int, _ destination: TransportAddress) -> Int {
    let inside = nats[number].table.inside(of: destination.port)
    return inside.flatMap { hostsByAddress[$0.address] } ?? nats[number].inside[0]
  }

  /// A datagram from outside is at the NAT.
  func enterNAT(_ number: Int, _ source: TransportAddress, _ destination: TransportAddress, _ bytes: Bytes, _ label: Label) {
    let box = nats[number].host
    switch nats[number].table.passIn(port: destination.port, from: source, at: now) {
    case .inbound(let inside):
      guard let host = hostsByAddress[inside.address] else { return }
      statistics.packetsDelivered += 1
      let fate = Fate.translated(port: destination.port)
      if !sinks.isEmpty {
        tap(box, .received, .udp, source, destination, bytes, label, fate)
        tap(host, .received, .udp, source, inside, bytes, label, fate)
      }
      hand(host, source, inside, bytes, unreachable: destination)
    case .filtered(let reason):
      statistics.packetsLost += 1
      if !sinks.isEmpty { tap(box, .received, .udp, source, destination, bytes, label, .filtered(reason)) }
      tell(number, .dropped(reason, source: source, destination: destination))
    case .outbound: preconditionFailure("what comes in does not leave")
    }
  }

  /// The socket that an ICMP error for a datagram from this source concerns, through a NAT where there is one (RFC 4787 §8).
  func socketBehindNAT(_ source: TransportAddress) -> (host: Int, port: PortID)? {
    guard let host = hostsByAddress[source.address], hosts[host].ownNAT >= 0,
      let inside = nats[Int(hosts[host].ownNAT)].table.inside(of: source.port)
    else { return nil }
    return datagramPorts[inside]
  }

  // MARK: - News

  func tell(_ number: Int, _ event: NATEvent) {
    let host = HostID(UInt16(nats[number].host))
    for sink in sinks { sink.record(JournalRecord(at: now, host: host, .event(event))) }
    if onEvent != nil { pendingEvents.append((host, event)) }
  }
}
