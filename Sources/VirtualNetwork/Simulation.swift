import Impairments
import SansIO

/// A deterministic internet: hosts with addresses, links between them, one clock that jumps from event to event.
///
/// Events are ordered by (instant, insertion number); at one instant packets come before wake-ups, wake-ups before the stage. Every
/// directed link draws from a generator of its own, so that one more host moves nothing of the others. One seed gives one run.
///
/// It routes between its parts, each with a state of its own: the hosts; their ``SocketTable``; ``VirtualTCP``, their connections; and the
/// ``Wire`` with the clock and all that is on its way, under which lie ``Topology``, ``Middleboxes``, ``FaultTable``, ``EventQueue``
/// and ``Taps``.
///
/// ```
///   host ──departures──► Simulation ──► SocketTable, VirtualTCP ──► Wire ──┐
///    ▲                                                                     │ event by event
///    └──────arrivals──── Simulation ◄── SocketTable, VirtualTCP ◄──────────┘
/// ```
public final class Simulation {
  public let epoch: Epoch
  /// Tells the stage of its hosts' events, in their order, after the host's call is over.
  public var onEvent: ((HostID, any HostEvent) -> Void)? {
    didSet { wire.taps.keepsNews = onEvent != nil }
  }
  /// Called when ``stageDeadline`` has come.
  public var onStageDeadline: ((Instant) -> Void)?
  @exclusivity(unchecked) public var stageDeadline: Instant?

  // Touched for every packet by code that cannot overlap itself.
  @exclusivity(unchecked) private var hosts = ContiguousArray<any NetworkHost>()
  @exclusivity(unchecked) private var wire: Wire
  @exclusivity(unchecked) private var sockets = SocketTable()
  @exclusivity(unchecked) private var tcp: VirtualTCP
  @exclusivity(unchecked) private var wakes = WakeQueue()
  private var zone = NameZone.empty
  /// These two are kept for their memory.
  @exclusivity(unchecked) private var spareOutbox = Outbox()
  @exclusivity(unchecked) private var toldNews = ContiguousArray<Taps.News>()
  private var isTellingNews = false
  private var isFinished = false
  @exclusivity(unchecked) private var stallWatch = StallWatch()
  @exclusivity(unchecked) private var states = HostStates()
  /// Hosts from this one on are not started yet.
  @exclusivity(unchecked) private var firstUnstarted = 0

  public init(seed: UInt64, epoch: Epoch = .virtual) {
    let generator = SeededGenerator(seed: seed).fork("network")
    wire = Wire(generator)
    tcp = VirtualTCP(generator.fork("streams"))
    self.epoch = epoch
  }

  public var now: Instant { wire.now }
  public var statistics: Statistics { wire.statistics }

  // MARK: - The stage's side

  /// The link that holds where ``setLink(from:to:_:)`` said nothing. Set it before hosts are added.
  public var defaultLink: Impairment {
    get { wire.topology.defaultLink }
    set { wire.topology.defaultLink = newValue }
  }

  /// Adds a host; it is started when the loop runs next.
  ///
  /// Precondition: no other host has one of the addresses.
  @discardableResult
  public func add(_ host: any NetworkHost, name: String, addresses: [IPAddress]) -> HostID {
    let index = hosts.count
    wire.topology.add(name, addresses: addresses)
    hosts.append(host)
    sockets.addHost(addresses)
    tcp.addHost()
    wakes.addHost()
    wire.taps.addHost(name)
    return HostID(UInt16(index))
  }

  /// Puts hosts behind a NAT; from outside they are reached only through its bindings, and their own addresses are nobody's.
  ///
  /// Links stay those between the hosts: a NAT adds no time and loses nothing but what it filters.
  ///
  /// Precondition: its address is no host's, and no host is behind two of them side by side.
  /// - Parameter inside: hosts, and NATs or firewalls that were added before.
  /// - Returns: the number of the NAT's own capture.
  @discardableResult
  public func add(_ nat: NAT, name: String, inside: [HostID]) -> HostID {
    let number = add(Nobody(), name: name, addresses: [nat.outside])
    wire.add(nat, name: name, as: number, inside: inside)
    return number
  }

  /// Puts hosts, NATs or firewalls behind a firewall; all keep their addresses.
  ///
  /// - Returns: the number of its own capture, of what passes outside.
  @discardableResult
  public func add(_ firewall: Firewall, name: String, inside: [HostID]) -> HostID {
    let number = add(Nobody(), name: name, addresses: [])
    wire.add(firewall, as: number, inside: inside)
    return number
  }

  /// A NAT or firewall loses power: it has forgotten all bindings.
  ///
  /// - Parameter outside: the address that the NAT has from now on; nil = the same. Precondition: nobody has it.
  public func reboot(_ box: HostID, outside: IPAddress? = nil) { wire.reboot(Int(box.rawValue), outside: outside) }

  /// A host has another address in place of one of its own, as after DHCP or on another network; it is not told. Its UDP ports and
  /// listeners go on under the new address, connections of the old one are dead without a word.
  ///
  /// Precondition: nobody has the new address.
  public func move(_ host: HostID, from old: IPAddress, to new: IPAddress) {
    wire.move(Int(host.rawValue), from: old, to: new, &sockets)
  }

  /// The name a host was added under.
  public func name(of host: HostID) -> String { wire.taps.name(of: host) }

  /// Sets one direction of the way between two hosts, from now on.
  public func setLink(from: HostID, to: HostID, _ link: Impairment) {
    wire.topology.setLink(from: Int(from.rawValue), to: Int(to.rawValue), link, at: now)
  }

  /// How one direction is impaired now.
  public func impairment(from: HostID, to: HostID) -> Impairment {
    wire.topology.impairment(from: Int(from.rawValue), to: Int(to.rawValue))
  }

  /// What becomes of packets on links that would draw. Call it before hosts are added.
  public func use(_ fates: FateUse) { wire.topology.fates = fates }

  /// What became of packets on links that drew, so far; empty unless it is recorded.
  public var recordedFates: FatePlan { wire.topology.recorded }

  /// Adds a fault; the number is what ``Fate`` cites.
  @discardableResult
  public func add(_ fault: Fault) -> UInt16 { wire.faults.add(fault, at: now) }

  /// The text of a fault, how many messages matched it so far, and to how many of them it happened.
  public func fault(_ number: UInt16) -> (text: String, seen: Int, struck: Int)? { wire.faults.report(number) }

  /// Adds a tap on every host. Hosts that are there already are told to it.
  public func addSink(_ sink: any JournalSink) { wire.taps.add(sink) }

  public func setNames(_ zone: NameZone) { self.zone = zone }

  /// Calls a host now, outside its own arrivals: how commands reach it.
  public func command(_ host: HostID, _ body: (Instant, inout Outbox) -> Void) {
    startHosts()
    call(Int(host.rawValue)) { _, now, out in body(now, &out) }
    tellNews()
  }

  // MARK: - What happens to hosts

  /// A host does nothing until ``goOn(_:)``, or for so long. What comes waits, its timers are late.
  public func pause(_ host: HostID, for duration: Duration? = nil) {
    let (index, number) = (Int(host.rawValue), states.pause(Int(host.rawValue)))
    wakes.set(index, .max)
    if let duration { wire.schedule(.goOn(host: index, pause: number), after: max(0, duration.wholeNanoseconds)) }
  }

  /// Whether a host stands still.
  public func isPaused(_ host: HostID) -> Bool { states.isPaused(Int(host.rawValue)) }

  /// A host that stood still catches up with all that has come.
  public func goOn(_ host: HostID) {
    goOn(Int(host.rawValue), pause: nil)
    tellNews()
  }

  /// A host's program dies: nobody has its ports, its connections are reset, and nothing that was meant for it is told to anybody.
  public func crash(_ host: HostID) { replace(Int(host.rawValue), by: Nobody()) }

  /// A host's program is another one from now on, which knows nothing of the one before, and starts at once.
  public func restart(_ host: HostID, as program: any NetworkHost) {
    replace(Int(host.rawValue), by: program)
    call(Int(host.rawValue)) { host, now, out in host.start(at: now, &out) }
    tellNews()
  }

  /// From now on a host's clock is fast by so many millionths; below 0 slow.
  public func setDrift(_ millionths: Int, of host: HostID) {
    states.setDrift(millionths, of: Int(host.rawValue), at: now)
    call(Int(host.rawValue)) { _, _, _ in }
  }

  /// Passes a record of the stage to the sinks.
  public func record(_ record: JournalRecord) { wire.taps.record(record) }

  // MARK: - The loop

  /// From now on a run whose clock does not move ends with a ``stall``: after `limit` events within a millisecond.
  public func watch(limit: Int) {
    stallWatch.begin(limit, at: now, wire.statistics.events)
  }

  /// Does what comes next, if it is due by `deadline`; false when it is not, and when the run is stalled.
  public func step(until deadline: Instant = .distantFuture) -> Bool {
    if firstUnstarted < hosts.count { startHosts() }
    let (event, wake, stage) = (wire.queue.next, wakes.next, stageDeadline?.nanoseconds ?? .max)
    let next = min(event, wake, stage)
    guard next != .max, next <= deadline.nanoseconds else { return false }
    if next > now.nanoseconds { wire.now = Instant(nanoseconds: next) }
    wire.statistics.events += 1
    if wire.statistics.events > stallWatch.next, !watch(event: event == next, wake: wake == next) { return false }
    if event == next {
      if wire.queue.isDatagramNext { arrive(wire.queue.popDatagram()) } else { handle(wire.queue.pop()) }
    } else if wake == next {
      call(wakes.first) { host, now, out in host.wake(at: now, &out) }
    } else {
      stageDeadline = nil
      onStageDeadline?(now)
    }
    if !wire.taps.news.isEmpty { tellNews() }
    return true
  }

  /// Runs all events up to and including `deadline`, then sets the clock to it.
  public func run(until deadline: Instant) {
    while step(until: deadline) {}
    wire.now = max(now, deadline)
  }

  /// Runs until nothing is left to happen, or the next thing lies behind `limit`.
  public func runUntilIdle(limit: Instant) { while step(until: limit) {} }

  /// Ends the run for the sinks. Once.
  public func finish() {
    guard !isFinished else { return }
    isFinished = true
    wire.taps.finish(at: now)
  }

  private func startHosts() {
    guard firstUnstarted < hosts.count else { return }
    while firstUnstarted < hosts.count {
      let index = firstUnstarted
      firstUnstarted += 1
      call(index) { host, now, out in host.start(at: now, &out) }
    }
    tellNews()
  }

  private func handle(_ event: SimulationEvent) {
    switch event {
    case .datagram(let delivery): arrive(delivery)
    case .segment(let flight): arrive(flight)
    case .resend(let stream, let side, let segment, let attempt):
      if let news = tcp.resend(stream, side, segment, attempt: attempt, on: &wire) { tell(news.host, news.arrival) }
    case .unreachable(let host, let port, let remote): tell(host, .unreachable(port, remote, .connectionRefused))
    case .bound(let host, let port, let address): tell(host, .bound(port, address))
    case .bindFailed(let host, let port, let address, let failure): tell(host, .bindFailed(port, address, failure))
    case .refused(let host, let id, let failure): tell(host, .refused(id, failure))
    case .closed(let host, let id, let closure): tell(host, .closed(id, closure))
    case .goOn(let host, let pause): goOn(host, pause: pause)
    case .nothing: break
    case .resolved(let host, let query, let answer): tell(host, .resolved(query, answer))
    }
  }

  // MARK: - Packets that arrive

  private func arrive(_ delivery: consuming Delivery) {
    switch delivery.place {
    case .host(let host):
      wire.arrive(delivery.datagram, at: host)
      guard let port = sockets.receiver(of: delivery.datagram.destination) else {
        return refuse(delivery.datagram.source, delivery.datagram.destination, from: host)
      }
      tell(host, .datagram(port, from: delivery.datagram.source, delivery.datagram.bytes))
    case .box(let number):
      let outside = delivery.datagram.destination
      guard let (host, datagram) = wire.enter(number, delivery.datagram) else { return }
      guard let port = sockets.receiver(of: datagram.destination) else { return refuse(datagram.source, outside, from: host) }
      tell(host, .datagram(port, from: datagram.source, datagram.bytes))
    }
  }

  /// Nobody listens: ICMP says so to the sender, if it still has the socket.
  private func refuse(_ source: TransportAddress, _ destination: TransportAddress, from host: Int) {
    let behind = wire.addressBehindNAT(source, from: destination)
    guard let sender = sockets.owner(of: source) ?? behind.flatMap({ sockets.owner(of: $0) }) else { return }
    // An error of 56 octets: IP and ICMP headers, and what it quotes of the datagram (RFC 792).
    let passage = wire.topology.pass(.acknowledgement, octets: 56, from: host, to: sender.host, at: now)
    wire.schedule(.unreachable(host: sender.host, sender.port, destination), after: passage.first ?? 0)
  }

  private func arrive(_ flight: SegmentInFlight) {
    guard var visit = tcp.arrive(flight, on: &wire) else { return }
    let listener = tcp.wanted(by: flight).flatMap { sockets.listener(at: $0) }
    while let news = tcp.advance(&visit, listener: listener, on: &wire) { tell(news.host, news.arrival) }
  }

  // MARK: - Hosts

  /// Tells a host what arrived and does what it asks for.
  @inline(__always)
  private func tell(_ host: Int, _ arrival: Arrival) {
    if !states.isEmpty, states.keep(arrival, for: host) { return }
    call(host) { host, now, out in host.receive(arrival, at: now, &out) }
  }

  @inline(__always)
  private func call(_ index: Int, _ body: (any NetworkHost, Instant, inout Outbox) -> Void) {
    guard states.isEmpty else { return callByItsClock(index, body) }
    var out = Outbox()
    swap(&out, &spareOutbox)
    let host = hosts[index]
    body(host, now, &out)
    out.drain { act(index, on: $0) }
    swap(&out, &spareOutbox)
    wakes.set(index, host.nextDeadline?.nanoseconds ?? .max)
  }

  private func callByItsClock(_ index: Int, _ body: (any NetworkHost, Instant, inout Outbox) -> Void) {
    guard !states.isPaused(index) else { return wakes.set(index, .max) }
    var out = Outbox()
    let (host, own) = (hosts[index], states.time(of: index, at: now))
    body(host, own, &out)
    out.drain { act(index, on: $0) }
    wakes.set(index, host.nextDeadline.map { states.moment($0.nanoseconds, of: index) } ?? .max)
  }

  private func goOn(_ host: Int, pause: Int?) {
    guard let arrivals = states.goOn(host, number: pause) else { return }
    for arrival in arrivals { tell(host, arrival) }
    // Its timers too, if nothing has come.
    call(host) { _, _, _ in }
  }

  private func replace(_ host: Int, by program: any NetworkHost) {
    _ = states.goOn(host)
    for socket in sockets.unbindAll(host) { wire.taps.record(host, .unbound(socket.source, socket.kind), at: now) }
    tcp.resetAll(host, on: &wire)
    wire.queue.forget(host)
    hosts[host] = program
    wakes.set(host, .max)
  }

  private func act(_ host: Int, on departure: consuming Departure) {
    switch consume departure {
    case .datagram(let port, to: let destination, let bytes, let label):
      guard let source = sockets.source(host, port) else { return }
      let own = states.isEmpty ? label : states.labelled(label, of: host)
      wire.send(Datagram(source: source, destination: destination, bytes: bytes, label: own), from: host)
    case .event(let event): wire.taps.event(host, event, at: now)
    case .bind(let port, let address, let kind): bind(host, port, address, kind)
    case .unbind(let port):
      if let socket = sockets.unbind(host, port) { wire.taps.record(host, .unbound(socket.source, socket.kind), at: now) }
    case .open(let id, from: let source, to: let destination): tcp.open(host, id, from: source, to: destination, &sockets, on: &wire)
    case .bytes(let id, let bytes, let label): tcp.write(host, id, bytes, label, on: &wire)
    case .finish(let id): tcp.finish(host, id, on: &wire)
    case .close(let id, let mode): tcp.close(host, id, mode, on: &wire)
    case .resolve(let query, let question):
      let answer = zone.answer(question)
      // A resolver gives up after two attempts of 5 s (resolv.conf(5)).
      wire.schedule(.resolved(host: host, query, answer), after: answer == .noAnswer ? 10_000_000_000 : 1_000_000)
    case .secret(let line): wire.taps.record(host, .secret(line), at: now)
    // Plaintext is not asked for here: a capture of the virtual network decrypts with its secrets.
    case .plaintext: break
    }
  }

  private func bind(_ host: Int, _ port: PortID, _ wanted: TransportAddress, _ kind: PortKind) {
    switch sockets.bind(host, port, wanted, kind) {
    case .bound(let address):
      wire.taps.record(host, .bound(address, kind), at: now)
      wire.schedule(.bound(host: host, port, address))
    case .failed(let failure):
      wire.taps.record(host, .bindFailed(wanted, failure), at: now)
      wire.schedule(.bindFailed(host: host, port, wanted, failure))
    }
  }

  private func tellNews() {
    guard !isTellingNews else { return }
    isTellingNews = true
    defer { isTellingNews = false }
    // A stage that answers with a command makes new events, told in this loop after the ones before them.
    while !wire.taps.news.isEmpty {
      swap(&wire.taps.news, &toldNews)
      for news in toldNews { onEvent?(news.host, news.event) }
      toldNews.removeAll(keepingCapacity: true)
    }
  }

  // MARK: - The watchdog

  /// Set once the clock has stopped moving; ``step(until:)`` does nothing then.
  public var stall: Stall? { stallWatch.stall }

  /// Looks at what comes next; false when the run is stalled.
  private func watch(event: Bool, wake: Bool) -> Bool {
    let sight = event ? Watchdog.Sight(wire.queue.earliest, wire, tcp) : wake ? .wake(wakes.first) : .stage
    return stallWatch.look(sight, at: now, wire.statistics.events) { sight in
      if case .wake(let host) = sight { return Watchdog.Sight.wakeText(name(of: HostID(UInt16(host))), hosts[host], at: now) }
      return sight.text { name(of: HostID(UInt16($0))) }
    }
  }
}
