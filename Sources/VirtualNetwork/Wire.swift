import SansIO

/// A UDP datagram.
struct Datagram {
  var source: TransportAddress
  var destination: TransportAddress
  var bytes: Bytes
  var label: Label
}

/// Everything between the hosts, and the clock: links, faults and NATs, what is on its way, and who sees it.
///
/// ```
///   sent ──► NAT of the sender ──► link, faults ──► on its way ──► NAT of the receiver ──► arrived
///                │                      │                               │
///                └── filtered           └── lost                        └── filtered
/// ```
struct Wire {
  var now = Instant.zero
  var statistics = Simulation.Statistics()
  var queue = EventQueue()
  var topology: Topology
  var faults = FaultTable()
  var nats = NATs()
  var taps = Taps()

  init(_ generator: SeededGenerator) { topology = Topology(generator) }

  mutating func schedule(_ event: SimulationEvent, after delay: Int64 = 0) { queue.push(event, at: now.nanoseconds + delay) }

  // MARK: - Datagrams that leave

  mutating func send(_ datagram: consuming Datagram, from host: Int) {
    statistics.packetsSent += 1
    let target = topology.host(of: datagram.destination.address)
    if !nats.isEmpty, let crossing = nats.crossing(from: host, to: target) {
      return sendTranslated(datagram, from: host, to: target, crossing)
    }
    guard target >= 0 else { return lose(datagram, from: host, .unroutable) }
    guard faults.isEmpty else { return sendPastFaults(datagram, from: host, to: target) }
    // Most runs' way: nothing but the numbers of the link is looked at.
    let (first, second) = topology.passDatagram(from: host, to: target)
    if !taps.isEmpty { tap(host, .sent, datagram, first == nil ? .lost : second == nil ? .delivered : .duplicated) }
    guard let first else {
      statistics.packetsLost += 1
      return
    }
    if let second {
      // The copy's number comes after the original's.
      let copy = datagram
      queue.push(Delivery(datagram: datagram, place: .host(target)), at: now.nanoseconds + first)
      return queue.push(Delivery(datagram: copy, place: .host(target)), at: now.nanoseconds + second)
    }
    queue.push(Delivery(datagram: datagram, place: .host(target)), at: now.nanoseconds + first)
  }

  private mutating func sendPastFaults(_ datagram: Datagram, from host: Int, to target: Int) {
    let passage = pass(datagram, from: host, to: target)
    if !taps.isEmpty { tap(host, .sent, datagram, passage.fate) }
    carry(passage, as: datagram.source, to: .host(target))
  }

  private mutating func lose(_ datagram: Datagram, from host: Int, _ fate: Fate) {
    statistics.packetsLost += 1
    if !taps.isEmpty { tap(host, .sent, datagram, fate) }
  }

  /// What becomes of a datagram on its way: when it and its copy arrive, and as what.
  private struct Passage {
    var first: Int64?
    var second: Int64?
    var fate: Fate
    var datagram: Datagram
  }

  /// Puts a datagram on the link between two hosts.
  private mutating func pass(_ datagram: Datagram, from host: Int, to target: Int) -> Passage {
    let (first, second) = topology.passDatagram(from: host, to: target)
    let fate: Fate = first == nil ? .lost : second == nil ? .delivered : .duplicated
    var passage = Passage(first: first, second: second, fate: fate, datagram: datagram)
    if let (number, action) = fault(datagram.label, datagram.bytes, from: host) {
      apply(action, number, first ?? topology.drawDelay(from: host, to: target), &passage)
    }
    return passage
  }

  private func apply(_ action: Fault.Action, _ number: UInt16, _ delay: Int64, _ passage: inout Passage) {
    switch action {
    case .drop, .reset: (passage.first, passage.second, passage.fate) = (nil, nil, .dropped(fault: number))
    case .delay(let extra): (passage.first, passage.fate) = (delay + extra.wholeNanoseconds, .delayed(fault: number))
    case .duplicate: (passage.first, passage.second, passage.fate) = (delay, delay, .duplicated)
    case .rewrite(let change):
      (passage.first, passage.fate) = (delay, .rewritten(fault: number))
      (passage.datagram.bytes, passage.datagram.label.isDeliberatelyBroken) = (change(passage.datagram.bytes), true)
    }
  }

  private mutating func carry(_ passage: Passage, as source: TransportAddress, to place: Delivery.Place) {
    if passage.first == nil { statistics.packetsLost += 1 }
    var datagram = passage.datagram
    datagram.source = source
    for case let delay? in [passage.first, passage.second] {
      queue.push(Delivery(datagram: datagram, place: place), at: now.nanoseconds + delay)
    }
  }

  private mutating func sendTranslated(_ datagram: Datagram, from host: Int, to target: Int, _ crossing: NATs.Crossing) {
    guard !crossing.isUnroutable else { return lose(datagram, from: host, .unroutable) }
    var seen = datagram.source
    if let number = crossing.out {
      let departure = nats.send(number, seen, datagram.destination, into: crossing.into, at: now)
      tell(number, departure.event)
      switch departure.outcome {
      case .leaves(let outside): seen = outside
      case .filtered(let reason): return lose(datagram, from: host, .filtered(reason))
      }
    }
    let passage = pass(datagram, from: host, to: crossing.into.map { receiver(behind: $0, datagram.destination) } ?? target)
    if !taps.isEmpty {
      tap(host, .sent, datagram, passage.fate == .delivered && seen != datagram.source ? .translated(port: seen.port) : passage.fate)
      if let number = crossing.out {
        var translated = datagram
        translated.source = seen
        tap(nats.host(number), .sent, translated, passage.fate)
      }
    }
    carry(passage, as: seen, to: crossing.into.map { .nat($0) } ?? .host(target))
  }

  /// Whose link a packet to a NAT takes: that of the host it is for, as far as the sender's side can tell.
  private mutating func receiver(behind number: Int, _ destination: TransportAddress) -> Int {
    guard let inside = nats.inside(number, of: destination.port) else { return nats.firstInside(number) }
    let host = topology.host(of: inside.address)
    return host < 0 ? nats.firstInside(number) : host
  }

  // MARK: - Datagrams that arrive

  /// A datagram is at a host.
  @inline(__always)
  mutating func arrive(_ datagram: Datagram, at host: Int) {
    statistics.packetsDelivered += 1
    if !taps.isEmpty { tap(host, .received, datagram, .delivered) }
  }

  /// A datagram is at a NAT.
  ///
  /// - Returns: the host that it is for, with its address inside; nil when it goes no further.
  mutating func enter(_ number: Int, _ datagram: Datagram) -> (host: Int, datagram: Datagram)? {
    let box = nats.host(number)
    switch nats.receive(number, datagram.source, port: datagram.destination.port, at: now) {
    case .enters(let inside):
      let host = topology.host(of: inside.address)
      guard host >= 0 else { return nil }
      statistics.packetsDelivered += 1
      var translated = datagram
      translated.destination = inside
      if !taps.isEmpty {
        tap(box, .received, datagram, .translated(port: datagram.destination.port))
        tap(host, .received, translated, .translated(port: datagram.destination.port))
      }
      return (host, translated)
    case .filtered(let reason):
      statistics.packetsLost += 1
      if !taps.isEmpty { tap(box, .received, datagram, .filtered(reason)) }
      tell(number, .dropped(reason, source: datagram.source, destination: datagram.destination))
      return nil
    }
  }

  /// The address that an ICMP error for a datagram from this source goes to, through a NAT where there is one (RFC 4787 §8).
  mutating func addressBehindNAT(_ source: TransportAddress) -> TransportAddress? {
    let host = topology.host(of: source.address)
    guard host >= 0, let number = nats.number(of: host) else { return nil }
    return nats.inside(number, of: source.port)
  }

  // MARK: - Segments

  /// Puts a segment on the link.
  ///
  /// - Parameter isLossless: an acknowledgement alone, which nobody would repeat.
  /// - Returns: whether it will arrive.
  mutating func send(_ flight: SegmentInFlight, of stream: inout VirtualStream, isLossless: Bool, fault: FaultTable.Hit? = nil) -> Bool {
    statistics.packetsSent += 1
    let (own, peer) = (stream[flight.side].host, stream[1 - flight.side].host)
    if flight.side == 0, let number = stream.natOut {
      let departure = nats.send(number, stream[0].address, stream[1].seen, flight.header.flags, at: now)
      if case .leaves(let outside) = departure.outcome { stream[0].seen = outside }
      tell(number, departure.event)
      if case .filtered(let reason) = departure.outcome {
        statistics.packetsLost += 1
        if !taps.isEmpty { tap(own, .sent, flight, stream[0].address, stream[1].seen, .filtered(reason)) }
        return false
      }
    }
    var delay = isLossless ? topology.drawDelay(from: own, to: peer) : topology.passSegment(from: own, to: peer)
    var fate: Fate = delay == nil ? .lost : .delivered
    if let (number, action) = fault {
      switch action {
      case .drop, .reset: (delay, fate) = (nil, .dropped(fault: number))
      case .delay(let extra):
        (delay, fate) = ((delay ?? topology.drawDelay(from: own, to: peer)) + extra.wholeNanoseconds, .delayed(fault: number))
      case .duplicate: break
      case .rewrite: if delay != nil { fate = .rewritten(fault: number) }
      }
    }
    tapSent(flight, of: stream, fate)
    guard let delay else {
      statistics.packetsLost += 1
      return false
    }
    schedule(.segment(flight), after: delay)
    return true
  }

  private mutating func tapSent(_ flight: SegmentInFlight, of stream: VirtualStream, _ fate: Fate) {
    guard !taps.isEmpty else { return }
    let (own, peer) = (stream[flight.side], stream[1 - flight.side].seen)
    guard flight.side == 0, let number = stream.natOut else {
      return tap(own.host, .sent, flight, own.address, peer, fate)
    }
    tap(own.host, .sent, flight, own.address, peer, fate == .delivered ? .translated(port: own.seen.port) : fate)
    tap(nats.host(number), .sent, flight, own.seen, peer, fate)
  }

  /// A segment is at its receiver, or at the NAT before it.
  ///
  /// - Returns: false when it goes no further.
  mutating func arrive(_ flight: SegmentInFlight, of stream: VirtualStream) -> Bool {
    if let number = flight.side == 0 ? stream.natInto : stream.natOut, !enter(number, flight, of: stream) { return false }
    statistics.packetsDelivered += 1
    guard !taps.isEmpty else { return true }
    let (source, own) = (stream[flight.side].seen, stream[1 - flight.side])
    let fate: Fate = own.seen == own.address ? .delivered : .translated(port: own.seen.port)
    tap(own.host, .received, flight, source, own.address, fate)
    return true
  }

  private mutating func enter(_ number: Int, _ flight: SegmentInFlight, of stream: VirtualStream) -> Bool {
    let (source, target) = (stream[flight.side].seen, stream[1 - flight.side].seen)
    let entry = nats.receive(number, source, port: target.port, flight.header.flags, isFromOpener: flight.side == 0, at: now)
    switch entry {
    case .enters:
      if !taps.isEmpty { tap(nats.host(number), .received, flight, source, target, .translated(port: target.port)) }
      return true
    case .filtered(let reason):
      statistics.packetsLost += 1
      if !taps.isEmpty { tap(nats.host(number), .received, flight, source, target, .filtered(reason)) }
      tell(number, .dropped(reason, source: source, destination: target))
      return false
    }
  }

  // MARK: - What is seen

  /// The first fault that wants this write.
  mutating func fault(_ label: Label, _ bytes: Bytes, from host: Int) -> FaultTable.Hit? {
    faults.isEmpty ? nil : faults.match(label, bytes, from: HostID(UInt16(host)))
  }

  private mutating func tap(_ host: Int, _ direction: PacketRecord.Direction, _ datagram: Datagram, _ fate: Fate) {
    taps.packet(
      host, direction, .udp, datagram.source, datagram.destination, datagram.bytes, datagram.label, fate, at: now)
  }

  private mutating func tap(
    _ host: Int, _ direction: PacketRecord.Direction, _ flight: SegmentInFlight, _ source: TransportAddress, _ target: TransportAddress,
    _ fate: Fate
  ) {
    taps.packet(host, direction, .tcp(flight.header), source, target, flight.payload, flight.label, fate, at: now)
  }

  private mutating func tell(_ number: Int, _ event: NATEvent?) {
    if let event { taps.event(nats.host(number), event, at: now) }
  }
}
