import LiveNetwork
import NIOCore
import SansIO
import ScenarioEngine
import ScenarioModel

/// A scenario on real sockets: the same cast and the same engine as the virtual stage, on loopback addresses.
///
/// Links and faults of the file are the virtual stage's: here the network is what the kernel makes of it, and a scenario that asks for a
/// fault is *not applicable*.
// Unchecked: its state belongs to its driver's event loop, on which everything after the start is done.
public final class LiveStage: @unchecked Sendable {
  private let scenario: Scenario
  private let loop: SocketLoop
  private let clock = LiveClock()
  private let cast: Cast
  /// Kept: its network is free for others as soon as it goes.
  private let mapping: LoopbackMapping
  private var drivers: [LiveDriver] = []
  private let evidence = EvidenceTracker()
  private var engine: ScenarioEngine
  private var timer: Scheduled<Void>?
  private var promise: EventLoopPromise<Void>?
  private var waiting: Int
  private let sinks: [any JournalSink]

  /// Takes a network of 127/8 for its cast that nobody else uses, so that stages can run side by side.
  public init(_ scenario: Scenario, sinks: [any JournalSink] = []) throws {
    self.scenario = scenario
    self.sinks = sinks
    loop = try SocketLoop()
    engine = ScenarioEngine(scenario, entropy: .system)
    let mapping = try LoopbackMapping(scenario.cast.map(\.address))
    self.mapping = mapping
    // The system's randomness: a live run never uses a seed.
    cast = try Cast(scenario, entropy: .system, epoch: clock.epoch) { mapping.map($0) }
    waiting = cast.members.count
    for (index, member) in cast.members.enumerated() {
      let driver = LiveDriver(
        member.host, number: HostID(UInt16(index)), name: member.name, on: loop, clock: clock, sinks: [evidence] + sinks)
      drivers.append(driver)
      driver.onEvent = { [unowned self] event in take(event, of: index) }
    }
  }

  /// Runs to the end. A scenario with a NAT is *not applicable*: here the kernel is the network.
  public func run() async -> ScenarioResult {
    if let nat = scenario.nats.first {
      try? await loop.shutdownGracefully()
      return ScenarioResult(
        name: scenario.name, file: scenario.file, summary: scenario.summary, proves: scenario.proves, seed: 0, verdict: .notApplicable,
        reason: "the live stage has no NAT '\(nat.name)': run it in virtual time")
    }
    let promise = loop.makePromise(of: Void.self)
    loop.execute { [self] in
      self.promise = promise
      for driver in drivers { driver.start() }
      // Listeners are bound within the loop's next turns; a member that cannot listen is told by its calls.
      loop.scheduleTask(in: .milliseconds(50)) { [self] in tell(.began) }
    }
    try? await promise.futureResult.get()
    for driver in drivers { try? await driver.stop().get() }
    let now = clock.now
    try? await loop.submit { [self] in for sink in sinks { sink.finish(at: now) } }.get()
    try? await loop.shutdownGracefully()
    return ScenarioResult(
      name: scenario.name, file: scenario.file, summary: scenario.summary, proves: scenario.proves, seed: 0, verdict: engine.verdict,
      findings: engine.findings, duration: Instant.zero.duration(to: now), elapsed: Instant.zero.duration(to: now),
      hosts: cast.members.map(\.name), packets: evidence.packets)
  }

  /// Tasks that came after the end: none, in a right shutdown.
  var droppedTasks: Int { loop.droppedTasks }

  private func take(_ event: any HostEvent, of index: Int) {
    let citation = evidence.evidence(for: event, of: HostID(UInt16(index)), at: clock.now, slack: .milliseconds(5))
    guard let event = StageEvent(event, of: cast.members[index].name, evidence: citation) else { return }
    // Not from within the host's own call: the engine may command the same host.
    loop.execute { [self] in tell(event) }
  }

  private func tell(_ event: StageEvent) {
    guard !engine.isOver else { return }
    let commands = engine.handle(event, traffic: evidence.traffic, witness: evidence, at: clock.now)
    if commands.contains(where: \.isAct) { evidence.mark(at: clock.now) }
    for command in commands { carryOut(command) }
    timer?.cancel()
    guard !engine.isOver else {
      promise?.succeed()
      return
    }
    guard let deadline = engine.nextDeadline else { return }
    let delay = max(0, deadline.nanoseconds - clock.now.nanoseconds)
    timer = loop.scheduleTask(in: .nanoseconds(delay)) { [self] () -> Void in tell(.deadline) }
  }

  private func carryOut(_ command: StageCommand) {
    switch command {
    case .note(let text): record(.step(text))
    case .finding(let finding):
      record(.finding(text: finding.line, frames: finding.evidence.map { [$0] } ?? []))
    case .fault(let plan): record(.note("a live stage cannot inject faults: \(plan.text)"))
    case .hangUpAll: for (index, member) in cast.members.enumerated() { perform(index) { member.perform(.hangUpAll, $0, &$1) } }
    case .send(let from, let to, let bytes):
      guard let index = cast.members.firstIndex(where: { $0.name == from }), let remote = cast.wireTarget(from: from, to: to) else {
        return
      }
      perform(index) { [cast] in cast.members[index].send(bytes, remote, $0, &$1) }
    case .inject(let from, let to, let port, let bytes):
      guard let index = cast.members.firstIndex(where: { $0.name == from }), let remote = cast.wireTarget(from: from, to: to, port: port)
      else { return }
      perform(index) { [cast] in cast.members[index].send(bytes, remote, $0, &$1) }
    case .administer(let command):
      guard let index = cast.members.firstIndex(where: \.isEndpoint) else { return }
      perform(index) { [cast] in cast.members[index].administer(command, $0, &$1) }
    case .call, .party, .register, .options:
      guard let (name, command) = cast.partyCommand(command), let index = cast.members.firstIndex(where: { $0.name == name }) else {
        return
      }
      perform(index) { [cast] in cast.members[index].perform(command, $0, &$1) }
    }
  }

  private func perform(_ index: Int, _ body: (Instant, inout Outbox) -> Void) {
    withoutActuallyEscaping(body) { body in drivers[index].commandNow(body) }
  }

  private func record(_ body: JournalRecord.Body) {
    for sink in sinks { sink.record(JournalRecord(at: clock.now, host: .stage, body)) }
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
