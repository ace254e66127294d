import SansIO

/// A deterministic internet: hosts with addresses, links between them, one clock that jumps from event to event.
///
/// Events are ordered by (instant, insertion number); at one instant packets come before wake-ups, wake-ups before the stage. Every
/// directed link draws from a generator of its own, so that one more host moves nothing of the others. One seed gives one run.
///
/// UDP stands in `Simulation+Datagrams`, TCP in `Simulation+Streams`.
public final class Simulation {
  public struct Statistics: Hashable, Sendable {
    public var events = 0
    public var packetsSent = 0
    public var packetsDelivered = 0
    /// By impairment, fault or for want of a receiver.
    public var packetsLost = 0
  }

  struct HostState {
    let host: any NetworkHost
    let name: String
    let addresses: [IPAddress]
    var isStarted = false
    /// Links to the other hosts, by their number.
    var links = ContiguousArray<LinkState>()
    var sockets: [PortID: Socket] = [:]
    var streams: [ConnectionID: StreamEnd] = [:]
    var nextEphemeralPort: UInt16 = 49_152
    var nextConnection: UInt32 = 1
    var frame: UInt32 = 0
    var lastSender: (port: PortID, source: TransportAddress)?
    /// The NAT that this host stands behind, and the one that this entry is; -1 = none.
    var nat: Int32 = -1
    var ownNAT: Int32 = -1
  }

  struct Socket {
    var addresses: [TransportAddress]
    var kind: PortKind
    /// Where datagrams leave from.
    var source: TransportAddress
  }

  public let epoch: Epoch
  @exclusivity(unchecked) public private(set) var now: Instant = .zero
  @exclusivity(unchecked) public internal(set) var statistics = Statistics()
  /// Tells the stage of its hosts' events, in their order, after the host's call is over.
  public var onEvent: ((HostID, any HostEvent) -> Void)?
  /// Called when ``stageDeadline`` has come.
  public var onStageDeadline: ((Instant) -> Void)?
  public var stageDeadline: Instant?

  @exclusivity(unchecked) var hosts = ContiguousArray<HostState>()
  @exclusivity(unchecked) var queue = EventQueue()
  @exclusivity(unchecked) var faults = FaultTable()
  @exclusivity(unchecked) var streams = ContiguousArray<VirtualStream>()
  @exclusivity(unchecked) var sinks: [any JournalSink] = []
  @exclusivity(unchecked) var nats = ContiguousArray<NATBox>()
  /// UDP sockets and TCP listeners by address.
  @exclusivity(unchecked) var datagramPorts: [TransportAddress: (host: Int, port: PortID)] = [:]
  @exclusivity(unchecked) var listeners: [TransportAddress: (host: Int, port: PortID)] = [:]
  @exclusivity(unchecked) var hostsByAddress: [IPAddress: Int] = [:]
  @exclusivity(unchecked) var routes = RouteCache()
  @exclusivity(unchecked) var socketCache = SocketCache()
  var streamEntropy: SeededGenerator
  private var zone = NameZone.empty
  private let generator: SeededGenerator
  private var linkTable: [Int: Link] = [:]
  @exclusivity(unchecked) private var wakes = WakeQueue()
  @exclusivity(unchecked) private var outboxes: [Outbox] = []
  @exclusivity(unchecked) var pendingEvents: [(HostID, any HostEvent)] = []
  /// Those that the stage is being told of; kept for their memory.
  @exclusivity(unchecked) private var toldEvents: [(HostID, any HostEvent)] = []
  private var isTellingEvents = false
  private var isFinished = false
  private var unstarted = 0

  public init(seed: UInt64, epoch: Epoch = .virtual) {
    generator = SeededGenerator(seed: seed).fork("network")
    streamEntropy = generator.fork("streams")
    self.epoch = epoch
  }

  // MARK: - The stage's side

  /// The link that holds where ``setLink(from:to:_:)`` said nothing. Set it before hosts are added.
  public var defaultLink = Link.perfect

  /// Adds a host; it is started when the loop runs next.
  ///
  /// Precondition: no other host has one of the addresses.
  @discardableResult
  public func add(_ host: any NetworkHost, name: String, addresses: [IPAddress]) -> HostID {
    let index = hosts.count
    for address in addresses {
      precondition(hostsByAddress[address] == nil, "\(address) belongs to two hosts")
      hostsByAddress[address] = index
    }
    hosts.append(HostState(host: host, name: name, addresses: addresses))
    wakes.addHost()
    for other in hosts.indices {
      if other != index { hosts[other].links.append(linkState(from: other, to: index)) }
      hosts[index].links.append(linkState(from: index, to: other))
    }
    routes.forget()
    unstarted += 1
    let id = HostID(UInt16(index))
    for sink in sinks { sink.hostAdded(id, name: name) }
    return id
  }

  /// The name a host was added under.
  public func name(of host: HostID) -> String { hosts.indices.contains(Int(host.rawValue)) ? hosts[Int(host.rawValue)].name : "?" }

  /// Sets one direction of the way between two hosts.
  public func setLink(from: HostID, to: HostID, _ link: Link) {
    let (source, target) = (Int(from.rawValue), Int(to.rawValue))
    linkTable[source << 16 | target] = link
    hosts[source].links[target] = linkState(from: source, to: target)
  }

  private func linkState(from: Int, to: Int) -> LinkState {
    let link = linkTable[from << 16 | to] ?? (from == to ? Link(delay: .microseconds(10)) : defaultLink)
    return LinkState(link, generator: generator.fork("link \(hosts[from].name) > \(hosts[to].name)"))
  }

  /// Adds a fault; the number is what ``Fate`` cites.
  @discardableResult
  public func add(_ fault: Fault) -> UInt16 { faults.add(fault) }

  /// The text of a fault, how many messages matched it so far, and to how many of them it happened.
  public func fault(_ number: UInt16) -> (text: String, seen: Int, struck: Int)? { faults.report(number) }

  /// Adds a tap on every host. Hosts that are there already are told to it.
  public func addSink(_ sink: any JournalSink) {
    sinks.append(sink)
    for (index, state) in hosts.enumerated() { sink.hostAdded(HostID(UInt16(index)), name: state.name) }
  }

  public func setNames(_ zone: NameZone) { self.zone = zone }

  /// Calls a host now, outside its own arrivals: how commands reach it.
  public func command(_ host: HostID, _ body: (Instant, inout Outbox) -> Void) {
    startHosts()
    call(Int(host.rawValue)) { _, out in body(now, &out) }
    tellEvents()
  }

  /// Passes a record of the stage to the sinks.
  public func record(_ record: JournalRecord) { for sink in sinks { sink.record(record) } }

  // MARK: - The loop

  /// Does what comes next, if it is due by `deadline`; false when it is not.
  public func step(until deadline: Instant = .distantFuture) -> Bool {
    if unstarted > 0 { startHosts() }
    let packet = queue.next
    let wake = wakes.next
    let stage = stageDeadline?.nanoseconds ?? .max
    let next = min(packet, wake, stage)
    guard next != .max, next <= deadline.nanoseconds else { return false }
    if next > now.nanoseconds { now = Instant(nanoseconds: next) }
    statistics.events += 1
    if packet == next {
      handle(queue.pop())
    } else if wake == next {
      let index = wakes.first
      call(index) { host, out in host.wake(at: now, &out) }
    } else {
      stageDeadline = nil
      onStageDeadline?(now)
    }
    if !pendingEvents.isEmpty { tellEvents() }
    return true
  }

  /// Runs all events up to and including `deadline`, then sets the clock to it.
  public func run(until deadline: Instant) {
    while step(until: deadline) {}
    now = max(now, deadline)
  }

  /// Runs until nothing is left to happen, or the next thing lies behind `limit`.
  public func runUntilIdle(limit: Instant) { while step(until: limit) {} }

  /// Ends the run for the sinks. Once.
  public func finish() {
    guard !isFinished else { return }
    isFinished = true
    for sink in sinks { sink.finish(at: now) }
  }

  private func startHosts() {
    guard unstarted > 0 else { return }
    unstarted = 0
    for index in hosts.indices where !hosts[index].isStarted {
      hosts[index].isStarted = true
      call(index) { host, out in host.start(at: now, &out) }
    }
    tellEvents()
  }

  private func handle(_ event: SimulationEvent) {
    switch event {
    case .datagram(let index, let source, let destination, let bytes, let label):
      deliverDatagram(index, source, destination, bytes, label)
    case .atNAT(let number, let source, let destination, let bytes, let label): enterNAT(number, source, destination, bytes, label)
    case .unreachable(let index, let port, let remote): tell(index, .unreachable(port, remote, .connectionRefused))
    case .bound(let index, let port, let address): tell(index, .bound(port, address))
    case .bindFailed(let index, let port, let address, let failure): tell(index, .bindFailed(port, address, failure))
    case .segment(let segment): deliver(segment)
    case .resend(let stream, let side, let segment, let attempt): resend(stream, side, segment, attempt: attempt)
    case .refused(let index, let id, let failure):
      hosts[index].streams[id] = nil
      tell(index, .refused(id, failure))
    case .closed(let index, let id, let closure): tell(index, .closed(id, closure))
    case .resolved(let index, let query, let answer): tell(index, .resolved(query, answer))
    }
  }

  // MARK: - Hosts

  /// Tells a host what arrived and does what it asks for.
  @inline(__always)
  func tell(_ index: Int, _ arrival: Arrival) { call(index) { host, out in host.receive(arrival, at: now, &out) } }

  @inline(__always)
  private func call(_ index: Int, _ body: (any NetworkHost, inout Outbox) -> Void) {
    var out = outboxes.popLast() ?? Outbox()
    let host = hosts[index].host
    body(host, &out)
    if !out.isEmpty {
      for position in out.departures.indices { act(index, on: out.departures[position]) }
      out.removeAll()
    }
    outboxes.append(out)
    wakes.set(index, host.nextDeadline?.nanoseconds ?? .max)
  }

  @inline(__always)
  private func act(_ index: Int, on departure: Departure) {
    switch departure {
    case .datagram(let port, to: let destination, let bytes, let label): sendDatagram(index, port, destination, bytes, label)
    case .bytes(let id, let bytes, let label): write(index, id, bytes, label)
    case .event(let event):
      for sink in sinks { sink.record(JournalRecord(at: now, host: HostID(UInt16(index)), .event(event))) }
      if onEvent != nil { pendingEvents.append((HostID(UInt16(index)), event)) }
    default: actRarely(index, on: departure)
    }
  }

  private func actRarely(_ index: Int, on departure: Departure) {
    switch departure {
    case .bind(let port, let address, let kind): bind(index, port, address, kind)
    case .unbind(let port): unbind(index, port)
    case .open(let id, from: let source, to: let destination): open(index, id, from: source, to: destination)
    case .finish(let id): finish(index, id)
    case .close(let id, let mode): close(index, id, mode)
    case .resolve(let query, let question):
      queue.push(.resolved(host: index, query, zone.answer(question)), at: now.nanoseconds + 1_000_000)
    case .secret(let line): for sink in sinks { sink.record(JournalRecord(at: now, host: HostID(UInt16(index)), .secret(line))) }
    // Plaintext is not asked for here: a capture of the virtual network decrypts with its secrets.
    case .datagram, .bytes, .event, .plaintext: break
    }
  }

  private func tellEvents() {
    guard !isTellingEvents else { return }
    isTellingEvents = true
    defer { isTellingEvents = false }
    // A stage that answers with a command makes new events, told in this loop after the ones before them.
    while !pendingEvents.isEmpty {
      swap(&pendingEvents, &toldEvents)
      for (host, event) in toldEvents { onEvent?(host, event) }
      toldEvents.removeAll(keepingCapacity: true)
    }
  }

  // MARK: - Taps

  /// Writes a packet into the journal of one host.
  func tap(
    _ index: Int, _ direction: PacketRecord.Direction, _ carrier: PacketRecord.Carrier, _ source: TransportAddress,
    _ destination: TransportAddress, _ payload: Bytes, _ label: Label, _ fate: Fate = .delivered
  ) {
    hosts[index].frame += 1
    let record = PacketRecord(
      at: now, host: HostID(UInt16(index)), frame: hosts[index].frame, direction: direction, carrier: carrier, source: source,
      destination: destination, payload: payload, label: label, fate: fate)
    for sink in sinks { sink.packet(record) }
  }
}
