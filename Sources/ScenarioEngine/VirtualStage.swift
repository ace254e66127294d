import SansIO
import ScenarioModel
import VirtualNetwork

/// A scenario in virtual time: cast, links and engine on one ``Simulation``.
public final class VirtualStage {
  /// What a run may take at most on its own clock; then something is wrong with the harness.
  public static let limit: Duration = .seconds(24 * 3600)

  private let scenario: Scenario
  private let seed: UInt64
  private let cast: Cast
  private let simulation: Simulation
  private let evidence = EvidenceTracker()
  private var faults: [(plan: FaultPlan, number: UInt16)] = []
  private var engine: ScenarioEngine

  /// Throws when the cast cannot be built (certificates).
  public init(_ scenario: Scenario, seed: UInt64, sinks: [any JournalSink] = []) throws {
    self.scenario = scenario
    self.seed = seed
    simulation = Simulation(seed: seed)
    engine = ScenarioEngine(scenario, entropy: Entropy(seed: seed))
    cast = try Cast(scenario, entropy: Entropy(seed: seed), epoch: simulation.epoch)
    simulation.addSink(evidence)
    for sink in sinks { simulation.addSink(sink) }
    for member in cast.members { simulation.add(member.host, name: member.name, addresses: member.addresses) }
    for given in scenario.network { connect(given) }
    for given in scenario.nats { simulation.add(NAT(given), name: given.name, inside: given.inside.compactMap(cast.number)) }
  }

  private func connect(_ given: Scenario.LinkGiven) {
    guard let first = cast.number(given.first), let second = cast.number(given.second) else { return }
    let link = Link(delay: given.delay, jitter: given.jitter, loss: given.loss, duplicate: given.duplicate, reorder: given.reorder)
    simulation.setLink(from: first, to: second, link)
    simulation.setLink(from: second, to: first, link)
  }

  /// Runs to the end; the result has no wall-clock time and no folder, which its caller knows.
  public func run() -> ScenarioResult {
    simulation.onEvent = { [unowned self] host, event in
      let citation = evidence.evidence(for: event, of: host, at: simulation.now)
      if let event = StageEvent(event, of: simulation.name(of: host), evidence: citation) { tell(event) }
    }
    simulation.onStageDeadline = { [unowned self] _ in tell(.deadline) }
    simulation.run(until: .zero)
    tell(.began)
    let limit = Instant.zero.advanced(by: Self.limit)
    while !engine.isOver, simulation.step(until: limit) {}
    let isStuck = !engine.isOver
    for finding in engine.conclude(unmet: unmetFaults, witness: evidence, at: simulation.now) { carryOut(finding) }
    simulation.finish()
    return ScenarioResult(
      name: scenario.name, file: scenario.file, summary: scenario.summary, proves: scenario.proves, seed: seed,
      verdict: isStuck ? .void : engine.verdict, findings: engine.findings,
      reason: isStuck ? "the run did not end: no event was pending, or a day of virtual time passed" : nil,
      duration: Instant.zero.duration(to: simulation.now), hosts: cast.members.map(\.name) + scenario.nats.map(\.name),
      packets: evidence.packets)
  }

  private func tell(_ event: StageEvent) {
    let commands = engine.handle(event, traffic: evidence.traffic, witness: evidence, at: simulation.now)
    if commands.contains(where: \.isAct) { evidence.mark(at: simulation.now) }
    for command in commands { carryOut(command) }
    simulation.stageDeadline = engine.nextDeadline
  }

  private func carryOut(_ command: StageCommand) {
    switch command {
    case .note(let text): simulation.record(JournalRecord(at: simulation.now, host: .stage, .step(text)))
    case .finding(let finding):
      let frames = finding.evidence.map { [$0] } ?? []
      simulation.record(JournalRecord(at: simulation.now, host: .stage, .finding(text: finding.line, frames: frames)))
    case .fault(let plan):
      faults.append((plan, simulation.add(fault(plan))))
      evidence.faultAdded(plan.text)
    case .hangUpAll:
      for member in cast.members { perform(member.name) { member.perform(.hangUpAll, $0, &$1) } }
    case .send(let from, let to, let bytes):
      guard let member = cast.member(from), let remote = cast.wireTarget(from: from, to: to) else { return }
      perform(from) { member.send(bytes, remote, $0, &$1) }
    case .inject(let from, let to, let port, let bytes):
      guard let member = cast.member(from), let remote = cast.wireTarget(from: from, to: to, port: port) else { return }
      perform(from) { member.send(bytes, remote, $0, &$1) }
    case .administer(let command):
      guard let member = cast.members.first(where: \.isEndpoint) else { return }
      perform(member.name) { member.administer(command, $0, &$1) }
    case .call, .party, .register, .options:
      guard let (name, command) = cast.partyCommand(command), let member = cast.member(name) else { return }
      perform(name) { member.perform(command, $0, &$1) }
    }
  }

  private func perform(_ name: String, _ body: (Instant, inout Outbox) -> Void) {
    if let host = cast.number(name) { simulation.command(host, body) }
  }

  private func fault(_ plan: FaultPlan) -> Fault {
    let action: Fault.Action =
      switch plan.action {
      case .drop: .drop
      case .delay(let duration): .delay(duration)
      case .duplicate: .duplicate
      case .reset: .reset
      case .replace, .corrupt: .rewrite { plan.rewritten($0) ?? $0 }
      }
    var condition: (@Sendable (Bytes) -> Bool)?
    if plan.readsBytes { condition = { plan.matches($0) } }
    return Fault(
      plan.text, sender: plan.sender.flatMap(cast.number), subject: plan.subject, occurrences: plan.occurrences, action: action,
      condition: condition)
  }

  /// Faults to which no message ever came, with how many were of the kind that was meant.
  private var unmetFaults: [(plan: FaultPlan, seen: Int)] {
    faults.compactMap { fault in
      guard let report = simulation.fault(fault.number), report.struck == 0 else { return nil }
      return (fault.plan, report.seen)
    }
  }
}

extension NAT {
  init(_ given: NATGiven) {
    self.init(
      outside: given.outside, mapping: Behaviour(given.mapping), filtering: Behaviour(given.filtering), lifetime: given.lifetime,
      streamLifetime: given.streamLifetime, hairpin: given.hairpin)
  }
}

extension NAT.Behaviour {
  init(_ given: NATGiven.Behaviour) {
    switch given {
    case .endpointIndependent: self = .endpointIndependent
    case .address: self = .addressDependent
    case .addressAndPort: self = .addressAndPortDependent
    }
  }
}
