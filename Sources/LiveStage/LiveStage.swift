import LiveNetwork
import NIOCore
import SansIO
import ScenarioEngine
import ScenarioModel

/// A scenario on real sockets: the clock, the actors and the taps of this machine's loopback addresses.
///
/// The network is what the kernel makes of it. What needs virtual means is *not applicable*, and a run that this machine spoiled is *void*.
// Unchecked: its state belongs to its drivers' event loop, on which everything after the start is done.
public final class LiveStage: @unchecked Sendable {
  /// Where everybody is, in the order of the cast.
  public var places: [LivePlace] { placement.places }

  private let placement: LivePlacement
  private let loop: SocketLoop
  private let clock: LiveClock
  private let members: [Cast.Member]
  private let drivers: [LiveDriver]
  private let director: StageDirector
  private let health = LiveHealth()
  /// What sees every packet and record, of products too.
  private let taps: [any JournalSink]
  private var timer: Scheduled<Void>?
  private var promise: EventLoopPromise<Void>?
  private var isTurnEndDue = false
  /// What hosts said in this turn: it is told when the kernel has taken, and the taps have seen, what they sent before.
  private var said: [(event: any HostEvent, host: HostID)] = []
  /// Asked every 100 ms.
  var isInterrupted: (@Sendable () -> Bool)?

  /// Takes a network of 127/8 for its cast that nobody else uses, so that stages can run side by side.
  ///
  /// - Parameters:
  ///   - peers: products that play members, by the members' names.
  ///   - addresses: where members of ours are instead of in 127/8.
  /// - Throws: ``StageFailure`` for what it cannot run; else why the hosts cannot be made.
  public init(
    _ given: Scenario, peers: [String: PeerFile] = [:], addresses: [String: IPAddress] = [:], clock: LiveClock = LiveClock(),
    sinks: [any JournalSink] = []
  ) throws {
    placement = try LivePlacement(given, peers, addresses)
    let scenario = placement.scenario
    self.clock = clock
    // The system's randomness: a live run never uses a seed.
    let cast = try Cast(scenario, entropy: .system, epoch: clock.epoch, without: Set(peers.keys))
    members = cast.members
    loop = try SocketLoop()
    let made = DriverList()
    let players = scenario.cast.map { [loop] member -> Player in
      if let peer = peers[member.name] { return .product(PeerActor(member.name, peer, cast.directory, on: loop)) }
      let index = cast.members.firstIndex { $0.name == member.name } ?? 0
      return .host(HostActor(cast.members[index], cast.directory) { body in made.command(index, body) })
    }
    let means = LiveMeans(clock, sinks)
    director = StageDirector(
      scenario, entropy: .system, epoch: clock.epoch, actors: players.map(\.actor), means: means, ledger: cast.ledger,
      remote: Set(peers.filter { !$0.value.address.isLoopback }.keys))
    let taps = director.readers + [health] + sinks
    let mirror = PeerMirror(taps)
    self.taps = peers.isEmpty ? taps : [mirror]
    for (index, given) in scenario.cast.enumerated() {
      let number = HostID(UInt16(index))
      if let member = cast.members.first(where: { $0.name == given.name }) {
        made.all.append(LiveDriver(member.host, number: number, name: given.name, on: loop, clock: clock, sinks: self.taps))
      } else {
        mirror.add(number, name: given.name, address: given.address)
      }
    }
    drivers = made.all
    director.onNews = { [unowned self] in noteNews() }
    for (index, driver) in drivers.enumerated() { watch(driver, cast.members[index]) }
    for case .product(let product) in players { watch(product, means) }
  }

  private func watch(_ driver: LiveDriver, _ member: Cast.Member) {
    driver.onEvent = { [unowned self] event in
      said.append((event, member.number))
      noteNews()
    }
    driver.onQueueDrops = { [health] address, count in health.dropped(count, at: address) }
  }

  private func watch(_ product: PeerActor, _ means: LiveMeans) {
    product.onOutput = { means.record(.note($0)) }
    product.onFailure = { [unowned self] failure in
      director.spoil(failure)
      turnEnded()
    }
  }

  // MARK: - The run

  /// Runs to the end.
  public func run() async -> ScenarioResult {
    let promise = loop.makePromise(of: Void.self)
    loop.execute { [self] in
      self.promise = promise
      for driver in drivers { driver.start() }
      // Listeners are bound within the loop's next turns.
      loop.scheduleTask(in: .milliseconds(50)) { [self] in
        director.begin()
        turnEnded()
      }
      askWhetherInterrupted()
    }
    try? await promise.futureResult.get()
    for driver in drivers { try? await driver.stop().get() }
    let now = clock.now
    let result = try? await loop.submit { [self] in
      spoilByHealth()
      for tap in taps { tap.finish(at: now) }
      return director.result(seed: 0, hosts: places.map(\.member))
    }.get()
    try? await loop.shutdownGracefully()
    var last = result ?? director.result(seed: 0, hosts: places.map(\.member))
    (last.duration, last.elapsed) = (Instant.zero.duration(to: now), Instant.zero.duration(to: now))
    last.proof?.isOneSided = true
    return last
  }

  private func askWhetherInterrupted() {
    guard let isInterrupted else { return }
    guard !isInterrupted() else {
      director.spoil(.couldNotRun(LiveRun.interruption))
      return turnEnded()
    }
    loop.scheduleTask(in: .milliseconds(100)) { [self] in if !director.isOver { askWhetherInterrupted() } }
  }

  /// Tasks that came after the end: none, in a right shutdown.
  var droppedTasks: Int { loop.droppedTasks }

  /// Lateness spoils what failed; what passed has kept its limits in spite of it.
  private func spoilByHealth() {
    if let failure = health.failure { director.spoil(failure) }
    guard director.hasFindings else { return }
    if let failure = health.lateness(of: zip(members, drivers).map { ($0.name, $1.worstLag) }) { director.spoil(failure) }
  }

  private func noteNews() {
    guard !isTurnEndDue else { return }
    isTurnEndDue = true
    // Not from within the host's own call: the engine may command the same host.
    loop.execute { [self] in turnEnded() }
  }

  private func turnEnded() {
    isTurnEndDue = false
    let events = said
    said = []
    for (event, host) in events { director.hostSaid(event, of: host, slack: .milliseconds(5)) }
    director.turnEnded()
    timer?.cancel()
    guard !director.isOver else {
      director.conclude()
      promise?.succeed()
      promise = nil
      return
    }
    guard let deadline = director.nextDeadline else { return }
    let delay = max(0, deadline.nanoseconds - clock.now.nanoseconds)
    timer = loop.scheduleTask(in: .nanoseconds(delay)) { [self] () -> Void in
      health.tookLate(by: deadline.duration(to: clock.now))
      director.deadlineCame()
      turnEnded()
    }
  }
}

/// Who plays a member.
private enum Player {
  case host(HostActor)
  case product(PeerActor)

  var actor: any StageActor {
    switch self {
    case .host(let actor): actor
    case .product(let actor): actor
    }
  }
}

/// Made after the actors that use them.
private final class DriverList {
  var all: [LiveDriver] = []

  func command(_ index: Int, _ body: (Instant, inout Outbox) -> Void) { all[index].commandNow(body) }
}

/// The real clock, and a journal; the kernel makes no faults.
private final class LiveMeans: StageMeans {
  private let clock: LiveClock
  private let sinks: [any JournalSink]

  init(_ clock: LiveClock, _ sinks: [any JournalSink]) { (self.clock, self.sinks) = (clock, sinks) }

  var now: Instant { clock.now }
  /// What two packets of a busy machine may differ by.
  var tolerance: Duration { .milliseconds(20) }

  func record(_ body: JournalRecord.Body) {
    for sink in sinks { sink.record(JournalRecord(at: clock.now, host: .stage, body)) }
  }

  func add(_ fault: FaultPlan) throws(StageFailure) {
    throw .notApplicable("the fault '\(fault.text)' needs the network of virtual time")
  }
}
