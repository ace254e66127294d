import Impairments
import SansIO

/// A router between real hosts: IP packets go in, and come out at the other side as the network of a scenario would have them, through the
/// same links, NATs, firewalls and gateways. Time is an argument.
///
/// ```
///   receive ──► boxes of the sender ──► link ──► on its way ──► boxes of the receiver ──► out
///                   └── filtered          └── lost                  └── filtered
/// ```
public struct PacketRouter {
  /// A packet that leaves.
  public struct Output: Sendable {
    public var side: HostID
    public var packet: Bytes
  }

  /// Packets that were not passed on, and why.
  public struct Statistics: Hashable, Sendable {
    public var received = 0
    public var delivered = 0
    public var lost = 0
    public var filtered = 0
    public var unroutable = 0
    /// What cannot be read: fragments, and what is no IP.
    public var unreadable = 0
  }

  /// A packet under way, as it is there.
  private struct Parcel {
    let packet: IPPacket
    var source: TransportAddress
    var destination: TransportAddress
    var segment: TCPSegment?
    var payload: Bytes
    /// A bit of it was flipped on the way.
    var isDamaged = false

    /// What a link takes it for.
    var kind: ImpairedLink.Kind {
      guard let segment else { return .datagram }
      return payload.isEmpty && segment.flags == .ack ? .acknowledgement : .segment
    }

    /// Of the IP packet, its headers without options.
    var octets: Int { payload.count + (destination.address.isIPv6 ? 40 : 20) + (segment == nil ? 8 : 20) }

    var bytes: Bytes? { packet.routed(from: source, to: destination, segment: segment, payload: payload) }
  }

  private struct Waiting {
    var due: Int64
    var ticket: UInt64
    var parcel: Parcel
    var place: Delivery.Place
  }

  /// A connection at a box with a gateway.
  private struct Connection: Hashable {
    var box: Int
    var inside: TransportAddress
    var peer: TransportAddress
  }

  public private(set) var statistics = Statistics()
  private var topology: Topology
  private var boxes: Middleboxes
  private var taps = Taps()
  private var waiting: [Waiting] = []
  private var lastTicket: UInt64 = 0
  private var faults = RoutedFaults()
  private var shifts: [Connection: SegmentShifts] = [:]
  private var count = 0

  public init(seed: UInt64) {
    let generator = SeededGenerator(seed: seed).fork("network")
    topology = Topology(generator)
    boxes = Middleboxes(generator)
  }

  // MARK: - What there is

  /// Adds a side: who sends and receives by these addresses.
  public mutating func add(_ name: String, addresses: [IPAddress]) -> HostID {
    topology.add(name, addresses: addresses)
    taps.addHost(name)
    count += 1
    return HostID(UInt16(count - 1))
  }

  /// - Parameter inside: sides, and NATs and firewalls that were added before.
  @discardableResult
  public mutating func add(_ nat: NAT, name: String, inside: [HostID]) -> HostID {
    let number = add(name, addresses: [nat.outside])
    boxes.add(nat, name: name, as: Int(number.rawValue), inside: inside.map { Int($0.rawValue) })
    taps.addForwarder(number)
    return number
  }

  @discardableResult
  public mutating func add(_ firewall: Firewall, name: String, inside: [HostID]) -> HostID {
    let number = add(name, addresses: [])
    boxes.add(firewall, as: Int(number.rawValue), inside: inside.map { Int($0.rawValue) })
    taps.addForwarder(number)
    return number
  }

  /// Sets one direction of the way between two sides.
  public mutating func setLink(from: HostID, to: HostID, _ link: Impairment, at now: Instant = .zero) {
    topology.setLink(from: Int(from.rawValue), to: Int(to.rawValue), link, at: now)
  }

  /// Adds a fault; what a datagram or a segment is, it tells by its bytes. Of streams it can be lost, late, or changed in as many octets.
  public mutating func add(_ fault: Fault, at now: Instant = .zero) { faults.add(fault, at: now) }

  /// Each fault's text, how many packets were of its kind, and to how many of them it happened.
  public var struckFaults: [(text: String, seen: Int, struck: Int)] {
    faults.isEmpty ? [] : (1...faults.count).compactMap { faults.report($0) }
  }

  public mutating func addSink(_ sink: any JournalSink) { taps.add(sink) }

  /// Ends the run for the sinks.
  public func finish(at now: Instant) { taps.finish(at: now) }

  // MARK: - Packets

  /// When the next packet is due.
  public var nextDeadline: Instant? { waiting.first.map { Instant(nanoseconds: $0.due) } }

  /// A packet came from a side.
  public mutating func receive(_ bytes: Bytes, from side: HostID, at now: Instant) {
    statistics.received += 1
    let packet: IPPacket
    do throws(IPPacket.Flaw) { packet = try IPPacket(bytes) } catch {
      statistics.unreadable += 1
      return
    }
    if packet.kind == .error { return receiveError(packet, from: Int(side.rawValue), at: now) }
    var segment: TCPSegment?
    if case .tcp(let header) = packet.kind { segment = header }
    let parcel = Parcel(
      packet: packet, source: packet.source, destination: packet.destination, segment: segment, payload: packet.payload)
    send(parcel, from: Int(side.rawValue), at: now)
  }

  private mutating func send(_ parcel: Parcel, from host: Int, at now: Instant) {
    var (seen, passed, region) = (parcel, [(box: Int, parcel: Parcel)](), boxes.first(of: host))
    while let box = region {
      let target = topology.host(of: seen.destination.address)
      if boxes.contains(box, target) { break }
      if let reason = leave(box, &seen, isHairpin: target >= 0 && boxes.number(of: target) == box, at: now) {
        statistics.filtered += 1
        return tapSent(parcel, passed, .filtered(reason), from: host, at: now)
      }
      passed.append((box, seen))
      region = boxes.next(after: box)
    }
    guard let place = boxes.place(of: topology.host(of: seen.destination.address), inside: region) else {
      statistics.unroutable += 1
      return tapSent(parcel, passed, .unroutable, from: host, at: now)
    }
    let receiver = boxes.receiver(at: place, seen.destination, from: seen.source, &topology)
    var passage = topology.pass(seen.kind, octets: seen.octets, from: host, to: receiver, at: now)
    (seen.payload, seen.isDamaged) = (passage.damaged(seen.payload), passage.flippedBit != nil)
    let struck = faults.strike(
      &seen.payload, isSegment: seen.segment != nil, from: host, to: receiver,
      delay: topology.baseDelay(from: host, to: receiver, at: now), at: now, &passage)
    if passage.first == nil { statistics.lost += 1 }
    tapSent(parcel, passed, struck ?? passage.fate, from: host, at: now)
    for case let delay? in [passage.first, passage.second] { wait(seen, place, until: now.nanoseconds + delay) }
  }

  private mutating func wait(_ parcel: Parcel, _ place: Delivery.Place, until due: Int64) {
    lastTicket += 1
    let index = waiting.lastIndex { $0.due <= due }.map { $0 + 1 } ?? 0
    waiting.insert(Waiting(due: due, ticket: lastTicket, parcel: parcel, place: place), at: index)
  }

  /// Takes what is due.
  public mutating func wake(at now: Instant) -> [Output] {
    var outputs: [Output] = []
    while let first = waiting.first, first.due <= now.nanoseconds {
      waiting.removeFirst()
      if let output = arrive(first.parcel, first.place, at: now) { outputs.append(output) }
    }
    return outputs
  }

  private mutating func arrive(_ parcel: Parcel, _ first: Delivery.Place, at now: Instant) -> Output? {
    var (seen, place) = (parcel, first)
    while case .box(let box) = place {
      let before = seen
      let passage = boxes.passIn(box, &seen.source, &seen.destination, seen.segment?.flags, at: now)
      let isTranslated = seen.destination != before.destination
      let fate: Fate = passage.filtered.map { .filtered($0) } ?? (isTranslated ? .translated(port: before.destination.port) : .delivered)
      tap(boxes.host(box), .received, before, fate, at: now)
      tell(box, passage.event, at: now)
      guard passage.filtered == nil, let next = boxes.place(of: topology.host(of: seen.destination.address), inside: box) else {
        statistics.filtered += 1
        return nil
      }
      if isTranslated {
        rewrite(box, &seen, isOutbound: false, inside: seen.destination, outside: before.destination, peer: seen.source, at: now)
      }
      place = next
    }
    guard case .host(let host) = place, let bytes = seen.bytes else {
      statistics.unroutable += 1
      return nil
    }
    statistics.delivered += 1
    let isChanged = seen.destination != parcel.destination
    let fate: Fate = isChanged ? .translated(port: parcel.destination.port) : .delivered
    tap(host, .received, seen, seen.isDamaged ? .corrupted : fate, at: now)
    return Output(side: HostID(UInt16(host)), packet: bytes)
  }

  // MARK: - Boxes

  private mutating func leave(_ box: Int, _ parcel: inout Parcel, isHairpin: Bool, at now: Instant) -> FilterReason? {
    let inside = parcel.source
    let passage = boxes.passOut(
      box, &parcel.source, &parcel.destination, parcel.segment?.flags, isHairpin: isHairpin, at: now)
    tell(box, passage.event, at: now)
    guard passage.filtered == nil else { return passage.filtered }
    rewrite(box, &parcel, isOutbound: true, inside: inside, outside: parcel.source, peer: parcel.destination, at: now)
    return nil
  }

  private mutating func rewrite(
    _ box: Int, _ parcel: inout Parcel, isOutbound: Bool, inside: TransportAddress, outside: TransportAddress, peer: TransportAddress,
    at now: Instant
  ) {
    guard boxes.hasGateways else { return }
    let rewriting = boxes.rewrite(
      box, parcel.payload, isOutbound: isOutbound, inside: inside, outside: outside, peer: peer, at: now)
    if let segment = parcel.segment {
      let connection = Connection(box: box, inside: inside, peer: peer)
      if segment.flags.contains(.syn), isOutbound { shifts[connection] = nil }
      if shifts[connection] != nil { parcel.segment = shifts[connection]?.adjusted(segment, isOutbound: isOutbound) }
      if let rewriting {
        shifts[connection, default: SegmentShifts()].note(
          segment.sequence, parcel.payload.count, rewriting.bytes.count, isOutbound: isOutbound)
      }
    }
    guard let rewriting else { return }
    parcel.payload = rewriting.bytes
    tell(box, .rewrote(rewriting.report, source: parcel.source, destination: parcel.destination), at: now)
  }

  /// ICMP says something about a packet: it goes to who sent that, with the addresses that it knows (RFC 5508 §4).
  private mutating func receiveError(_ packet: IPPacket, from side: Int, at now: Instant) {
    guard let quoted = packet.quoted else {
      statistics.unreadable += 1
      return
    }
    var (inner, sender, region) = ((source: quoted.source, destination: quoted.destination), packet.source.address, boxes.first(of: side))
    // Out: what came in was for an address inside; outside it was for that of the NAT.
    while let box = region, !boxes.contains(box, topology.host(of: inner.source.address)) {
      guard let outside = boxes.outside(of: inner.destination, towards: inner.source, box, isStream: quoted.isStream) else { break }
      if sender == inner.destination.address { sender = outside.address }
      inner.destination = outside
      region = boxes.next(after: box)
    }
    // In: what went out came from the NAT's address; inside it came from a host's.
    while let box = boxes.number(of: topology.host(of: inner.source.address)) {
      let inside = boxes.inside(box, of: inner.source.port, from: inner.destination, isStream: quoted.isStream)
      guard let inside, inside != inner.source else { break }
      inner.source = inside
    }
    let host = topology.host(of: inner.source.address)
    guard host >= 0, boxes.number(of: host) == nil, let bytes = packet.routed(from: sender, to: inner.source.address, quoting: inner) else {
      statistics.unroutable += 1
      return
    }
    statistics.delivered += 1
    errors.append(Output(side: HostID(UInt16(host)), packet: bytes))
  }

  /// Errors that leave with the next ``wake(at:)``: they take no time.
  private var errors: [Output] = []

  /// Takes the errors that came since the last time.
  public mutating func takeErrors() -> [Output] {
    defer { errors = [] }
    return errors
  }

  // MARK: - What is seen

  private mutating func tapSent(_ parcel: Parcel, _ passed: [(box: Int, parcel: Parcel)], _ fate: Fate, from host: Int, at now: Instant) {
    let seen = passed.last?.parcel.source ?? parcel.source
    tap(host, .sent, parcel, fate == .delivered && seen != parcel.source ? .translated(port: seen.port) : fate, at: now)
    for (box, parcel) in passed { tap(boxes.host(box), .sent, parcel, fate, at: now) }
  }

  private mutating func tap(_ host: Int, _ direction: PacketRecord.Direction, _ parcel: Parcel, _ fate: Fate, at now: Instant) {
    guard !taps.isEmpty else { return }
    let carrier: PacketRecord.Carrier
    switch parcel.packet.kind {
    case .udp: carrier = .udp
    case .tcp: if let segment = parcel.segment { carrier = .tcp(segment) } else { return }
    // A capture of ours has UDP and TCP alone.
    case .echo, .error, .other: return
    }
    taps.packet(host, direction, carrier, parcel.source, parcel.destination, parcel.payload, .none, fate, at: now)
  }

  private mutating func tell(_ box: Int, _ event: BoxEvent?, at now: Instant) {
    if let event { taps.event(boxes.host(box), event, at: now) }
  }
}
