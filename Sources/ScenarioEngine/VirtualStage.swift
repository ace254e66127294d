import Impairments
import SansIO
import ScenarioModel
import VirtualNetwork

/// A scenario in virtual time: the clock, the actors and the taps of one ``Simulation``.
public final class VirtualStage {
  /// What a run may take at most on its own clock; then something is wrong with the harness.
  public static let limit: Duration = .seconds(24 * 3600)
  /// How many events may follow one another before its clock has moved by a millisecond.
  public static let eventsWithoutProgress = 100_000

  private let scenario: Scenario
  private let seed: UInt64
  private let cast: Cast
  let simulation: Simulation
  private let means: VirtualMeans
  private let director: StageDirector

  /// - Throws: when the cast cannot be built: certificates, or a name that nobody has.
  ///
  /// - Parameter fates: where what becomes of packets on impaired links comes from.
  public init(_ scenario: Scenario, seed: UInt64, fates: FateUse = .drawn, sinks: [any JournalSink] = []) throws {
    self.scenario = scenario
    self.seed = seed
    let simulation = Simulation(seed: seed)
    simulation.use(fates)
    let cast = try Cast(scenario, entropy: Entropy(seed: seed), epoch: simulation.epoch)
    let actors = cast.members.map { member in
      HostActor(member, cast.directory) { body in simulation.command(member.number, body) }
    }
    (self.simulation, self.cast) = (simulation, cast)
    means = VirtualMeans(simulation, cast, scenario, actors)
    director = StageDirector(
      scenario, entropy: Entropy(seed: seed), epoch: simulation.epoch, actors: actors, means: means, ledger: cast.ledger)
    for sink in director.readers + sinks { simulation.addSink(sink) }
    for member in cast.members { simulation.add(member.host, name: member.name, addresses: member.addresses) }
    for given in scenario.network { try connect(given) }
    simulation.setNames(NameZone(scenario))
    for given in scenario.boxesAsTheyAre { try add(given) }
  }

  private func add(_ given: BoxGiven) throws(StageFailure) {
    var inside: [HostID] = []
    for name in given.inside { inside.append(try means.number(name)) }
    switch given {
    case .nat(let nat): means.boxes[given.name] = simulation.add(NAT(nat, scenario), name: given.name, inside: inside)
    case .firewall(let firewall): means.boxes[given.name] = simulation.add(Firewall(firewall), name: given.name, inside: inside)
    }
  }

  private func connect(_ given: Scenario.LinkGiven) throws(StageFailure) {
    for (from, to) in given.ends.directions {
      simulation.setLink(from: try cast.number(from), to: try cast.number(to), given.impairment)
    }
  }

  /// What became of packets on links that drew, where it was recorded.
  public var fates: FatePlan { simulation.recordedFates }

  /// Runs to the end; the result has no wall-clock time and no folder, which its caller knows.
  public func run() -> ScenarioResult {
    simulation.onEvent = { [unowned self] host, event in director.hostSaid(event, of: host) }
    simulation.onStageDeadline = { [unowned self] _ in director.deadlineCame() }
    simulation.watch(limit: Self.eventsWithoutProgress)
    simulation.run(until: .zero)
    director.turnEnded()
    director.begin()
    simulation.stageDeadline = director.nextDeadline
    let limit = Instant.zero.advanced(by: Self.limit)
    while !director.isOver, simulation.step(until: limit) {
      director.turnEnded()
      simulation.stageDeadline = director.nextDeadline
    }
    if let stall = simulation.stall {
      director.spoil(.void("the run did not go on after \(Instant.zero.duration(to: stall.at)): \(stall.text)"))
    }
    director.conclude(unmet: means.unmetFaults)
    simulation.finish()
    return director.result(seed: seed, hosts: cast.members.map(\.name) + scenario.boxes.map(\.name))
  }
}

/// What virtual time can do besides: journal, faults, links and hosts of a simulation.
private final class VirtualMeans: StageMeans {
  private let simulation: Simulation
  private let cast: Cast
  private let actors: [HostActor]
  /// How often each host was started again, and which are no more.
  private var restarts: [HostID: Int] = [:]
  private var crashed: Set<HostID> = []
  private var faults: [(plan: FaultPlan, number: UInt16)] = []
  /// NATs and firewalls by name.
  var boxes: [String: HostID] = [:]
  /// The addresses that members have by now.
  private var addresses: [String: IPAddress]

  init(_ simulation: Simulation, _ cast: Cast, _ scenario: Scenario, _ actors: [HostActor]) {
    (self.simulation, self.cast, self.actors) = (simulation, cast, actors)
    addresses = Dictionary(scenario.cast.map { ($0.name, $0.address) }, uniquingKeysWith: { first, _ in first })
    for (actor, member) in zip(actors, cast.members) {
      actor.absence = { [unowned self] in
        if crashed.contains(member.number) { return "its host has crashed" }
        return simulation.isPaused(member.number) ? "its host stands still" : nil
      }
    }
  }

  func number(_ name: String) throws(StageFailure) -> HostID {
    if let box = boxes[name] { return box }
    return try cast.number(name)
  }

  func reboot(_ box: String, outside: IPAddress?) throws(StageFailure) { simulation.reboot(try number(box), outside: outside) }

  func move(_ member: String, to address: IPAddress) throws(StageFailure) {
    let host = try cast.number(member)
    guard let old = addresses[member], old != address else { return }
    guard !addresses.values.contains(address) else { throw .void("\(address) is another member's address by now") }
    simulation.move(host, from: old, to: address)
    addresses[member] = address
  }

  var now: Instant { simulation.now }

  func record(_ body: JournalRecord.Body) { simulation.record(JournalRecord(at: simulation.now, host: .stage, body)) }

  func add(_ plan: FaultPlan) throws(StageFailure) {
    let (sender, receiver) = (try plan.sender.map(cast.number), try plan.receiver.map(cast.number))
    faults.append((plan, simulation.add(Fault(plan, from: sender, to: receiver))))
  }

  func impair(_ change: LinkChange) throws(StageFailure) {
    for (from, to) in change.ends.directions {
      let (source, target) = (try cast.number(from), try cast.number(to))
      var link = change.impairment
      let before = simulation.impairment(from: source, to: target)
      if change.keepsDelay { link.delay = before.delay }
      if link.list == nil, before.list?.outlastsChanges == true { link.list = before.list }
      simulation.setLink(from: source, to: target, link)
    }
  }

  func act(_ act: HostAct, on name: String) throws(StageFailure) {
    let number = try cast.number(name)
    guard let index = cast.members.firstIndex(where: { $0.number == number }) else { return }
    switch act {
    case .pause(let duration): simulation.pause(number, for: duration)
    case .goOn: simulation.goOn(number)
    case .crash:
      crashed.insert(number)
      actors[index].replace()
      simulation.crash(number)
    case .restart:
      restarts[number, default: 0] += 1
      let member = try cast.restarted(cast.members[index], round: restarts[number] ?? 1)
      crashed.remove(number)
      actors[index].replace(by: member)
      simulation.restart(number, as: member.host)
    case .drift(let millionths): simulation.setDrift(millionths, of: number)
    case .step(let step): cast.members[index].clock.step(step)
    }
  }

  /// Faults to which no message ever came, with how many were of the kind that was meant.
  var unmetFaults: [(plan: FaultPlan, seen: Int)] {
    faults.compactMap { fault in
      guard let report = simulation.fault(fault.number), report.struck == 0 else { return nil }
      return (fault.plan, report.seen)
    }
  }
}

extension Fault {
  /// A fault of a scenario, between the hosts that its members are.
  public init(_ plan: FaultPlan, from sender: HostID?, to receiver: HostID?) {
    let action: Action =
      switch plan.action {
      case .drop: .drop
      case .delay(let duration): .delay(duration)
      case .duplicate: .duplicate
      case .split(let size): .split(size)
      case .halfClose: .halfClose
      case .reset: .reset
      case .replace, .corrupt: .rewrite { plan.rewritten($0) ?? $0 }
      }
    var condition: (@Sendable (Bytes) -> Bool)?
    if plan.readsBytes { condition = { plan.matches($0) } }
    self.init(
      plan.text, sender: sender, subject: plan.subject, occurrences: plan.occurrences, action: action, condition: condition)
    (self.receiver, acknowledged, lifetime) = (receiver, plan.acknowledged, plan.lifetime)
  }
}

extension NameZone {
  /// What the scenario gives, and the endpoint's domain, which leads to the endpoint unless something else is given.
  init(_ scenario: Scenario) {
    self.init()
    for entry in scenario.names {
      if let record = entry.record { add(entry.name, entry.kind, record) } else { addSilence(entry.name, entry.kind) }
    }
    guard let endpoint = scenario.endpoint, !scenario.knows(.name(Cast.domain)) else { return }
    for address in endpoint.addresses {
      add(Cast.domain, address.isIPv6 ? .aaaa : .a, NameRecord(.address(address)))
    }
  }
}
