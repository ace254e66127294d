import Impairments
import SansIO

/// Everything between the hosts, and the clock: links, faults, NATs and firewalls, what is on its way, and who sees it.
///
/// ```
///   sent ──► boxes of the sender ──► link, faults ──► on its way ──► boxes of the receiver ──► arrived
///                │                      │                               │
///                └── filtered           └── lost                        └── filtered
/// ```
struct Wire {
  var now = Instant.zero
  var statistics = Simulation.Statistics()
  var queue = EventQueue()
  var topology: Topology
  var faults = FaultTable()
  var boxes: Middleboxes
  var taps = Taps()

  init(_ generator: SeededGenerator) {
    topology = Topology(generator)
    boxes = Middleboxes(generator)
  }

  mutating func schedule(_ event: SimulationEvent, after delay: Int64 = 0) { queue.push(event, at: now.nanoseconds + delay) }

  // MARK: - Boxes

  mutating func add(_ nat: NAT, name: String, as number: HostID, inside: [HostID]) {
    precondition(!nat.outside.isIPv6 && !inside.isEmpty, "a NAT has an IPv4 address outside and somebody behind it")
    boxes.add(nat, name: name, as: Int(number.rawValue), inside: inside.map { Int($0.rawValue) })
    taps.addForwarder(number)
  }

  mutating func add(_ firewall: Firewall, as number: HostID, inside: [HostID]) {
    precondition(!inside.isEmpty, "a firewall has somebody behind it")
    boxes.add(firewall, as: Int(number.rawValue), inside: inside.map { Int($0.rawValue) })
    taps.addForwarder(number)
  }

  mutating func reboot(_ host: Int, outside: IPAddress?) {
    guard let number = boxes.number(of: host) else { return }
    if let outside, let old = boxes.outside(number), outside != old { topology.move(host, from: old, to: outside) }
    boxes.reboot(number, outside: outside)
    taps.event(host, BoxEvent.rebooted(outside: boxes.outside(number)), at: now)
  }

  mutating func move(_ host: Int, from old: IPAddress, to new: IPAddress, _ sockets: inout SocketTable) {
    topology.move(host, from: old, to: new)
    for (closed, opened) in sockets.move(host, from: old, to: new) {
      taps.record(host, .unbound(closed.source, closed.kind), at: now)
      taps.record(host, .bound(opened.source, opened.kind), at: now)
    }
  }

  // MARK: - Datagrams that leave

  mutating func send(_ datagram: consuming Datagram, from host: Int) {
    statistics.packetsSent += 1
    let target = topology.host(of: datagram.destination.address)
    if !boxes.isEmpty { return sendThroughBoxes(datagram, from: host) }
    guard target >= 0 else { return lose(datagram, from: host, .unroutable) }
    guard faults.isEmpty else { return sendOverLink(datagram, from: host, to: target) }
    // Most runs' way: nothing but the numbers of the link is looked at.
    guard let delay = topology.steadyDelay(from: host, to: target) else { return sendOverLink(datagram, from: host, to: target) }
    if !taps.isEmpty { tap(host, .sent, datagram, .delivered) }
    queue.push(Delivery(datagram: datagram, place: .host(target)), at: now.nanoseconds + delay)
  }

  private mutating func sendOverLink(_ datagram: Datagram, from host: Int, to target: Int) {
    let crossing = pass(datagram, from: host, to: target)
    if !taps.isEmpty { tap(host, .sent, datagram, crossing.fate) }
    carry(crossing, to: .host(target))
  }

  private mutating func lose(_ datagram: Datagram, from host: Int, _ fate: Fate) {
    statistics.packetsLost += 1
    if !taps.isEmpty { tap(host, .sent, datagram, fate) }
  }

  /// What becomes of a datagram on its way: when it and its copy arrive, and as what.
  private struct Crossing {
    var passage: Passage
    var fate: Fate
    var datagram: Datagram
  }

  /// Puts a datagram on the link between two hosts.
  private mutating func pass(_ datagram: Datagram, from host: Int, to target: Int) -> Crossing {
    let passage = topology.pass(.datagram, octets: datagram.octets, from: host, to: target, at: now)
    var crossing = Crossing(passage: passage, fate: passage.fate, datagram: datagram)
    if passage.flippedBit != nil {
      crossing.datagram.bytes = passage.damaged(datagram.bytes)
      (crossing.datagram.label.isDeliberatelyBroken, crossing.datagram.label.isDamaged) = (true, true)
    }
    if !faults.isEmpty, let (number, action) = faults.match(datagram.label, datagram.bytes, from: host, to: target, at: now) {
      apply(action, number, passage.first ?? topology.baseDelay(from: host, to: target, at: now), &crossing)
    }
    return crossing
  }

  private func apply(_ action: Fault.Action, _ number: UInt16, _ delay: Int64, _ crossing: inout Crossing) {
    switch action {
    case .drop, .reset: (crossing.passage, crossing.fate) = (.lost(.listed), .dropped(fault: number))
    case .delay(let extra): (crossing.passage.first, crossing.fate) = (delay + extra.wholeNanoseconds, .delayed(fault: number))
    case .duplicate: (crossing.passage.first, crossing.passage.second, crossing.fate) = (delay, delay, .duplicated)
    case .rewrite(let change):
      (crossing.passage.first, crossing.fate) = (delay, .rewritten(fault: number))
      (crossing.datagram.bytes, crossing.datagram.label.isDeliberatelyBroken) = (change(crossing.datagram.bytes), true)
    // Streams alone have them.
    case .split, .halfClose: crossing.passage.first = delay
    }
  }

  private mutating func carry(_ crossing: Crossing, to place: Delivery.Place) {
    if crossing.passage.first == nil { statistics.packetsLost += 1 }
    for case let delay? in [crossing.passage.first, crossing.passage.second] {
      queue.push(Delivery(datagram: crossing.datagram, place: place), at: now.nanoseconds + delay)
    }
  }

  /// Out through the boxes that the destination does not stand behind, then over the link.
  private mutating func sendThroughBoxes(_ datagram: Datagram, from host: Int) {
    var (seen, passed, region) = (datagram, [(box: Int, datagram: Datagram)](), boxes.first(of: host))
    while let box = region {
      let target = topology.host(of: seen.destination.address)
      if boxes.contains(box, target) { break }
      if let reason = leave(box, &seen, isHairpin: target >= 0 && boxes.number(of: target) == box) {
        return lose(datagram, passed, from: host, .filtered(reason))
      }
      passed.append((box, seen))
      region = boxes.next(after: box)
    }
    guard let place = boxes.place(of: topology.host(of: seen.destination.address), inside: region) else {
      return lose(datagram, passed, from: host, .unroutable)
    }
    let crossing = pass(seen, from: host, to: boxes.receiver(at: place, seen.destination, from: seen.source, &topology))
    tap(datagram, passed, crossing.fate, from: host)
    carry(crossing, to: place)
  }

  private mutating func lose(_ datagram: Datagram, _ passed: [(box: Int, datagram: Datagram)], from host: Int, _ fate: Fate) {
    statistics.packetsLost += 1
    tap(datagram, passed, fate, from: host)
  }

  /// What the sender sees of its datagram, and every box on the way out.
  private mutating func tap(_ datagram: Datagram, _ passed: [(box: Int, datagram: Datagram)], _ fate: Fate, from host: Int) {
    guard !taps.isEmpty else { return }
    let seen = passed.last?.datagram.source ?? datagram.source
    tap(host, .sent, datagram, fate == .delivered && seen != datagram.source ? .translated(port: seen.port) : fate)
    for (box, datagram) in passed { tap(boxes.host(box), .sent, datagram, fate) }
  }

  /// A datagram leaves a box.
  ///
  /// - Returns: why it does not.
  private mutating func leave(_ box: Int, _ datagram: inout Datagram, isHairpin: Bool) -> FilterReason? {
    let inside = datagram.source
    let passage = boxes.passOut(box, &datagram.source, &datagram.destination, isHairpin: isHairpin, at: now)
    tell(box, passage.event)
    guard passage.filtered == nil else { return passage.filtered }
    let (outside, peer) = (datagram.source, datagram.destination)
    rewrite(box, &datagram, isOutbound: true, inside: inside, outside: outside, peer: peer)
    return nil
  }

  private mutating func rewrite(
    _ box: Int, _ datagram: inout Datagram, isOutbound: Bool, inside: TransportAddress, outside: TransportAddress, peer: TransportAddress
  ) {
    let rewriting = boxes.rewrite(box, datagram.bytes, isOutbound: isOutbound, inside: inside, outside: outside, peer: peer, at: now)
    guard let rewriting else { return }
    datagram.bytes = rewriting.bytes
    if rewriting.report.isBad { datagram.label.isDeliberatelyBroken = true }
    tell(box, .rewrote(rewriting.report, source: datagram.source, destination: datagram.destination))
  }

  // MARK: - Datagrams that arrive

  /// A datagram is at a host.
  @inline(__always)
  mutating func arrive(_ datagram: Datagram, at host: Int) {
    statistics.packetsDelivered += 1
    if !taps.isEmpty { tap(host, .received, datagram, datagram.label.isDamaged ? .corrupted : .delivered) }
  }

  /// A datagram is at a NAT or firewall, on its way in.
  ///
  /// - Returns: the host that it is for, with its address inside; nil when it goes no further.
  mutating func enter(_ first: Int, _ datagram: Datagram) -> (host: Int, datagram: Datagram)? {
    var (seen, box) = (datagram, first)
    while true {
      let before = seen
      let passage = boxes.passIn(box, &seen.source, &seen.destination, at: now)
      let isTranslated = seen.destination != before.destination
      let fate: Fate = passage.filtered.map { .filtered($0) } ?? (isTranslated ? .translated(port: before.destination.port) : .delivered)
      if !taps.isEmpty { tap(boxes.host(box), .received, before, fate) }
      tell(box, passage.event)
      guard passage.filtered == nil, let place = boxes.place(of: topology.host(of: seen.destination.address), inside: box) else {
        statistics.packetsLost += 1
        return nil
      }
      let (inside, peer) = (seen.destination, seen.source)
      if isTranslated { rewrite(box, &seen, isOutbound: false, inside: inside, outside: before.destination, peer: peer) }
      switch place {
      case .box(let next): box = next
      case .host(let host):
        statistics.packetsDelivered += 1
        let isChanged = seen.destination != datagram.destination
        let fate: Fate = isChanged ? .translated(port: datagram.destination.port) : .delivered
        if !taps.isEmpty { tap(host, .received, seen, seen.label.isDamaged ? .corrupted : fate) }
        return (host, seen)
      }
    }
  }

  /// The address that an ICMP error for a datagram from this source goes to, through NATs where there are any (RFC 4787 §8).
  mutating func addressBehindNAT(_ source: TransportAddress, from remote: TransportAddress) -> TransportAddress? {
    var address = source
    while let number = boxes.number(of: topology.host(of: address.address)) {
      guard let inside = boxes.inside(number, of: address.port, from: remote), inside != address else { return nil }
      address = inside
    }
    return address == source ? nil : address
  }

  // MARK: - Segments

  /// Puts a segment on the link.
  ///
  /// - Parameter isLossless: an acknowledgement alone, which nobody would repeat.
  /// - Returns: whether it will arrive.
  mutating func send(_ flight: SegmentInFlight, of stream: inout VirtualStream, isLossless: Bool, fault: FaultTable.Hit? = nil) -> Bool {
    statistics.packetsSent += 1
    let (own, peer) = (stream[flight.side].host, stream[1 - flight.side].host)
    var passed: [BoxSight] = []
    if stream.isTranslated, let reason = leave(flight, of: &stream, &passed) {
      statistics.packetsLost += 1
      tapSent(flight, of: stream, passed, .filtered(reason))
      return false
    }
    guard !isStranded(stream) else {
      statistics.packetsLost += 1
      tapSent(flight, of: stream, passed, .unroutable)
      return false
    }
    let passage = topology.pass(
      isLossless ? .acknowledgement : .segment, octets: flight.octets(isIPv6: stream[0].address.address.isIPv6), from: own, to: peer,
      at: now)
    var (delay, fate) = (passage.first, passage.fate)
    if let (number, action) = fault {
      switch action {
      case .drop, .reset: (delay, fate) = (nil, .dropped(fault: number))
      case .delay(let extra):
        let base = delay ?? topology.baseDelay(from: own, to: peer, at: now)
        (delay, fate) = (base + extra.wholeNanoseconds, .delayed(fault: number))
      case .duplicate, .split, .halfClose: break
      case .rewrite: if delay != nil { fate = .rewritten(fault: number) }
      }
    }
    tapSent(flight, of: stream, passed, fate)
    guard let delay else {
      statistics.packetsLost += 1
      return false
    }
    schedule(.segment(flight), after: delay)
    return true
  }

  /// A segment as it is outside a box.
  private struct BoxSight {
    var box: Int
    var source: TransportAddress
    var destination: TransportAddress
  }

  /// Whether one of the ends has another address by now: what is sent to or from the old one goes nowhere.
  private mutating func isStranded(_ stream: VirtualStream) -> Bool {
    topology.hasMoved && (0...1).contains { topology.host(of: stream[$0].address.address) != stream[$0].host }
  }

  /// A segment leaves the boxes on its sender's side.
  ///
  /// - Returns: why it does not.
  private mutating func leave(_ flight: SegmentInFlight, of stream: inout VirtualStream, _ passed: inout [BoxSight]) -> FilterReason? {
    var (source, destination) = (stream[flight.side].address, flight.side == 0 ? stream[1].seen : stream[0].seen)
    for box in flight.side == 0 ? stream.route.exits : stream.route.entries.reversed() {
      let isHairpin = flight.side == 0 && stream.route.entries.first == box
      let passage = boxes.passOut(box, &source, &destination, flight.header.flags, isHairpin: isHairpin, at: now)
      tell(box, passage.event)
      if let reason = passage.filtered { return reason }
      passed.append(BoxSight(box: box, source: source, destination: destination))
    }
    if flight.side == 0 { (stream[0].seen, stream.target) = (source, destination) }
    return nil
  }

  private mutating func tapSent(_ flight: SegmentInFlight, of stream: VirtualStream, _ passed: [BoxSight], _ fate: Fate) {
    guard !taps.isEmpty else { return }
    let (own, peer) = (stream[flight.side], stream[1 - flight.side].seen)
    let seen = passed.last?.source ?? own.address
    let (before, after) = (stream.view(flight, isPast: false), stream.view(flight, isPast: true))
    tap(own.host, .sent, before, own.address, peer, fate == .delivered && seen != own.address ? .translated(port: seen.port) : fate)
    var isPast = false
    for sight in passed {
      isPast = isPast || sight.box == stream.gateway?.box
      tap(boxes.host(sight.box), .sent, isPast ? after : before, sight.source, sight.destination, fate)
    }
  }

  /// A segment is at its receiver, or at the box before it.
  ///
  /// - Returns: false when it goes no further.
  mutating func arrive(_ flight: SegmentInFlight, of stream: VirtualStream) -> Bool {
    let own = stream[1 - flight.side]
    var (source, destination) = flight.side == 0 ? (stream[0].seen, stream.target) : (stream.target, stream[0].seen)
    if stream.isTranslated {
      let way = flight.side == 0 ? stream.route.entries : stream.route.exits.reversed()
      var isPast = stream.gateway.map { !way.contains($0.box) } ?? false
      for box in way {
        guard enter(box, stream.view(flight, isPast: isPast), &source, &destination) else { return false }
        isPast = isPast || box == stream.gateway?.box
      }
    }
    guard !isStranded(stream) else {
      statistics.packetsLost += 1
      return false
    }
    statistics.packetsDelivered += 1
    guard !taps.isEmpty else { return true }
    let outside = flight.side == 0 ? stream.target : stream[0].seen
    let view = stream.view(flight, isPast: true)
    tap(own.host, .received, view, source, own.address, outside == own.address ? .delivered : .translated(port: outside.port))
    return true
  }

  private mutating func enter(
    _ box: Int, _ view: SegmentView, _ source: inout TransportAddress, _ destination: inout TransportAddress
  ) -> Bool {
    let before = (source, destination)
    let passage = boxes.passIn(box, &source, &destination, view.header.flags, at: now)
    let isTranslated = destination != before.1
    let fate: Fate = passage.filtered.map { .filtered($0) } ?? (isTranslated ? .translated(port: before.1.port) : .delivered)
    if !taps.isEmpty { tap(boxes.host(box), .received, view, before.0, before.1, fate) }
    tell(box, passage.event)
    if passage.filtered != nil { statistics.packetsLost += 1 }
    return passage.filtered == nil
  }

  /// What the gateways on the way of a stream make of a write. The write itself is changed, so that sequence numbers stay right.
  mutating func rewrite(_ bytes: inout Bytes, _ label: inout Label, by side: Int, of stream: inout VirtualStream) {
    guard stream.isTranslated, boxes.hasGateways else { return }
    let (exits, entries) = (stream.route.exits, stream.route.entries)
    for box in exits + entries {
      let isOfOpener = exits.contains(box)
      let (inside, outside) = isOfOpener ? (stream[0].address, stream[0].seen) : (stream[1].address, stream.target)
      let peer = isOfOpener ? stream.target : stream[0].seen
      let isOutbound = isOfOpener == (side == 0)
      guard
        let rewriting = boxes.rewrite(box, bytes, isOutbound: isOutbound, inside: inside, outside: outside, peer: peer, at: now)
      else { continue }
      if stream.gateway == nil { stream.gateway = StreamGateway(box: box) }
      let next = stream[side].next
      stream.gateway?.note(side, next, from: bytes, to: rewriting.bytes, segment: VirtualStream.segmentSize)
      bytes = rewriting.bytes
      if rewriting.report.isBad { label.isDeliberatelyBroken = true }
      tell(box, .rewrote(rewriting.report, source: isOutbound ? outside : peer, destination: isOutbound ? peer : inside))
    }
  }

  /// The way of a connection, as it stands when it is opened; nil when nobody can be reached at the address.
  mutating func route(from host: Int, to destination: TransportAddress) -> StreamRoute? {
    boxes.route(from: host, to: destination, &topology)
  }

  // MARK: - What is seen

  /// The first fault that wants this write.
  mutating func fault(_ label: Label, _ bytes: Bytes, from host: Int, to peer: Int) -> FaultTable.Hit? {
    faults.isEmpty ? nil : faults.match(label, bytes, from: host, to: peer, at: now)
  }

  private mutating func tap(_ host: Int, _ direction: PacketRecord.Direction, _ datagram: Datagram, _ fate: Fate) {
    taps.packet(
      host, direction, .udp, datagram.source, datagram.destination, datagram.bytes, datagram.label, fate, at: now)
  }

  private mutating func tap(
    _ host: Int, _ direction: PacketRecord.Direction, _ view: SegmentView, _ source: TransportAddress, _ target: TransportAddress,
    _ fate: Fate
  ) {
    taps.packet(host, direction, .tcp(view.header), source, target, view.payload, view.label, fate, at: now)
  }

  private mutating func tell(_ box: Int, _ event: BoxEvent?) {
    if let event { taps.event(boxes.host(box), event, at: now) }
  }
}
