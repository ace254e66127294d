import LiveNetwork
import NIOCore
import SansIO
import ScenarioEngine
import ScenarioModel

/// A scenario on real sockets: the clock, the actors and the taps of this machine's loopback addresses.
///
/// Links and faults of the file are the virtual stage's: here the network is what the kernel makes of it, and a scenario that asks for a
/// fault is *not applicable*.
// Unchecked: its state belongs to its drivers' event loop, on which everything after the start is done.
public final class LiveStage: @unchecked Sendable {
  private let scenario: Scenario
  private let loop: SocketLoop
  private let clock = LiveClock()
  private let cast: Cast
  /// Kept: its network is free for others as soon as it goes.
  private let mapping: LoopbackMapping
  private let drivers: [LiveDriver]
  private let director: StageDirector
  private let sinks: [any JournalSink]
  private var timer: Scheduled<Void>?
  private var promise: EventLoopPromise<Void>?
  private var isTurnEndDue = false

  /// Takes a network of 127/8 for its cast that nobody else uses, so that stages can run side by side.
  public init(_ scenario: Scenario, sinks: [any JournalSink] = []) throws {
    self.scenario = scenario
    self.sinks = sinks
    loop = try SocketLoop()
    let mapping = try LoopbackMapping(scenario.cast.map(\.address))
    self.mapping = mapping
    // The system's randomness: a live run never uses a seed.
    let cast = try Cast(scenario, entropy: .system, epoch: clock.epoch) { mapping.map($0) }
    self.cast = cast
    let drivers = DriverList()
    let actors = cast.members.enumerated().map { index, member in
      HostActor(member, cast.directory) { body in
        withoutActuallyEscaping(body) { body in drivers.all[index].commandNow(body) }
      }
    }
    let director = StageDirector(scenario, entropy: .system, epoch: clock.epoch, actors: actors, means: LiveMeans(clock, sinks))
    self.director = director
    for (index, member) in cast.members.enumerated() {
      drivers.all.append(
        LiveDriver(
          member.host, number: HostID(UInt16(index)), name: member.name, on: loop, clock: clock, sinks: director.readers + sinks))
    }
    self.drivers = drivers.all
    director.onNews = { [unowned self] in noteNews() }
    for (index, driver) in self.drivers.enumerated() {
      driver.onEvent = { [unowned self] event in take(event, of: index) }
    }
  }

  /// Runs to the end. A scenario with a NAT is *not applicable*: here the kernel is the network.
  public func run() async -> ScenarioResult {
    if let nat = scenario.nats.first {
      director.spoil(.notApplicable("the live stage has no NAT '\(nat.name)': run it in virtual time"))
      try? await loop.shutdownGracefully()
      return director.result(seed: 0, hosts: [])
    }
    let promise = loop.makePromise(of: Void.self)
    loop.execute { [self] in
      self.promise = promise
      for driver in drivers { driver.start() }
      // Listeners are bound within the loop's next turns; a member that cannot listen is told by its calls.
      loop.scheduleTask(in: .milliseconds(50)) { [self] in
        director.begin()
        turnEnded()
      }
    }
    try? await promise.futureResult.get()
    for driver in drivers { try? await driver.stop().get() }
    let now = clock.now
    try? await loop.submit { [self] in for sink in sinks { sink.finish(at: now) } }.get()
    try? await loop.shutdownGracefully()
    var result = director.result(seed: 0, hosts: cast.members.map(\.name))
    (result.duration, result.elapsed) = (Instant.zero.duration(to: now), Instant.zero.duration(to: now))
    return result
  }

  /// Tasks that came after the end: none, in a right shutdown.
  var droppedTasks: Int { loop.droppedTasks }

  private func take(_ event: any HostEvent, of index: Int) {
    director.hostSaid(event, of: HostID(UInt16(index)), slack: .milliseconds(5))
  }

  private func noteNews() {
    guard !isTurnEndDue else { return }
    isTurnEndDue = true
    // Not from within the host's own call: the engine may command the same host.
    loop.execute { [self] in turnEnded() }
  }

  private func turnEnded() {
    isTurnEndDue = false
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
      director.deadlineCame()
      turnEnded()
    }
  }
}

/// Made after the actors that use them.
private final class DriverList {
  var all: [LiveDriver] = []
}

/// The real clock, and a journal; the kernel makes no faults.
private final class LiveMeans: StageMeans {
  private let clock: LiveClock
  private let sinks: [any JournalSink]

  init(_ clock: LiveClock, _ sinks: [any JournalSink]) { (self.clock, self.sinks) = (clock, sinks) }

  var now: Instant { clock.now }

  func record(_ body: JournalRecord.Body) {
    for sink in sinks { sink.record(JournalRecord(at: clock.now, host: .stage, body)) }
  }

  func add(_ fault: FaultPlan) throws(StageFailure) {
    throw .notApplicable("faults need the network of virtual time: '\(fault.text)' cannot happen on real sockets")
  }
}

/// Scenario addresses on this machine: the last two octets stay, so that ranges keep meaning something.
public struct LoopbackMapping: Sendable {
  /// SIP over UDP, TCP and TLS, and the first media ports.
  private static let ports: [UInt16] = [5_060, 5_061, 20_000, 20_001]

  private let network: LoopbackNetwork

  /// Claims a network in which the cast's addresses are free; it is this value's as long as it lives.
  public init(_ cast: [IPAddress]) throws(LoopbackNetwork.Failure) {
    let numbers = cast.filter(Self.isMapped).map { UInt32(truncatingIfNeeded: $0.low & 0xFFFF) }
    network = try LoopbackNetwork.claim(.sixteen, addresses: numbers, ports: Self.ports)
  }

  /// 192.0.2.20 becomes 127.x.2.20; IPv6 and loopback addresses stay.
  public func map(_ address: IPAddress) -> IPAddress {
    Self.isMapped(address) ? network.address(UInt32(truncatingIfNeeded: address.low & 0xFFFF)) : address
  }

  private static func isMapped(_ address: IPAddress) -> Bool { !address.isIPv6 && address.low >> 24 != 127 }
}
