import Inspection
import KallglotPolicy
import SansIO
import ScenarioModel

/// Runs a scenario's engine over actors: gives them its commands, and tells it what was seen. It knows no simulator and no socket; a stage
/// provides clock, actors and taps.
///
/// ```
///   taps ──packets──► readers ──news──┐
///   hosts ──events────────────────────┴─► turnEnded() ─► ScenarioEngine ─commands─► actors
/// ```
/// A command that cannot be carried out ends the run, and the result says why: what was not done proves nothing about anybody.
///
/// Confined to whoever runs the stage.
public final class StageDirector {
  private let scenario: Scenario
  private let actors: [any StageActor]
  private let means: any StageMeans
  private let evidence: EvidenceTracker
  private let ledger: PolicyLedger?
  private var engine: ScenarioEngine
  /// What a stage asks after every event, as the engine said it last.
  private var isDone = false
  private var deadline: Instant?
  /// Why the run ended before its steps did.
  public private(set) var failure: StageFailure?

  /// - Parameters:
  ///   - entropy: where identifiers of raw messages come from.
  ///   - epoch: wall time of the run's beginning.
  ///   - actors: in the order of the cast; their hosts have these numbers.
  ///   - remote: members that are a real network away.
  ///   - ledger: which policy is in force, and which secrets there are, for observers; nil = nobody observes.
  public init(
    _ scenario: Scenario, entropy: Entropy, epoch: Epoch, actors: [any StageActor], means: any StageMeans, ledger: PolicyLedger? = nil,
    remote: Set<String> = []
  ) {
    self.ledger = ledger
    self.scenario = scenario
    self.actors = actors
    self.means = means
    evidence = EvidenceTracker(
      members: scenario.cast.map(\.name), signalling: scenario.cast.compactMap(\.port), epoch: epoch, ledger: ledger,
      endpoint: scenario.endpoint?.name, tellsPlaintext: scenario.asksForPlaintext, measuresQuality: scenario.asksForQuality,
      remote: remote)
    engine = ScenarioEngine(scenario, entropy: entropy, tolerance: means.tolerance)
  }

  /// What has to see every packet and record of the run, before hosts do.
  public var readers: [any JournalSink] { [evidence] }

  public var isOver: Bool { isDone || failure != nil }

  /// Called when there is something for ``turnEnded()``, from within a host's call or a driver's: not the moment for it.
  public var onNews: (() -> Void)? {
    get { evidence.onNews }
    set { evidence.onNews = newValue }
  }

  /// When ``deadlineCame()`` is due.
  public var nextDeadline: Instant? { isOver ? nil : deadline }

  /// Whether something was found so far.
  public var hasFindings: Bool { !engine.findings.isEmpty }

  // MARK: - What the stage says

  /// All hosts have started.
  public func begin() {
    if scenario.givesPolicy { noteArmed(PolicyArms(scenario.policy)) }
    tell([.began])
    turnEnded()
  }

  public func deadlineCame() {
    tell([.deadline])
    turnEnded()
  }

  /// A host said something. The engine is told at the end of the turn.
  ///
  /// - Parameters:
  ///   - slack: how much earlier the packet that it speaks of may have come: nothing in virtual time, a moment on real sockets.
  public func hostSaid(_ event: any HostEvent, of host: HostID, slack: Duration = .zero) {
    let index = Int(host.rawValue)
    if actors.indices.contains(index) { actors[index].take(event) }
    evidence.take(event, of: host, at: means.now, slack: slack)
  }

  /// What happened is complete as far as it has come: the engine is told all of it. Not from within a call of a host, which the engine may
  /// command.
  public func turnEnded() {
    // Commands make news of their own.
    while evidence.hasNews, !isOver { tell(evidence.takeNews()) }
  }

  /// The stage, or an actor, has spoiled the run. What it says first is what counts.
  public func spoil(_ failure: StageFailure) { if self.failure == nil { self.failure = failure } }

  private func tell(_ events: [StageEvent]) {
    guard !isOver else { return }
    let now = means.now
    let commands = engine.handle(events, traffic: evidence.measuredTraffic, witness: evidence, at: now)
    (isDone, deadline) = (engine.isOver, engine.nextDeadline)
    if commands.contains(where: \.isAct) { evidence.mark(at: now) }
    carryOut(commands)
  }

  // MARK: - Commands

  private func carryOut(_ commands: [StageCommand]) {
    do throws(StageFailure) {
      for command in commands { try carryOut(command) }
    } catch {
      spoil(error)
    }
  }

  private func carryOut(_ command: StageCommand) throws(StageFailure) {
    switch command {
    case .note(let text): means.record(.step(text))
    case .finding(let finding): means.record(.finding(text: finding.line, frames: finding.evidence.map { [$0] } ?? []))
    case .fault(let plan):
      try means.add(plan)
      evidence.faultAdded(plan.text)
    case .reboot(let box, let outside): try means.reboot(box, outside: outside)
    case .move(let member, let address): try means.move(member, to: address)
    case .impair(let change): try means.impair(change)
    case .host(let name, let act): try means.act(act, on: name)
    case .hangUpAll: for actor in actors { try actor.carryOut(command) }
    case .administer(let change):
      guard let endpoint = actors.first(where: \.isEndpoint) else { throw .couldNotRun("the cast has no endpoint to administer") }
      observe(change)
      try endpoint.carryOut(command)
    case .call, .hangUp, .cancel, .hold, .resume, .reinvite, .speak, .press, .sendCodec, .register, .unregister, .options, .send, .inject,
      .wire,
      .setPassword:
      let name = command.member ?? ""
      guard let actor = actors.first(where: { $0.name == name }) else { throw .void("nobody on stage is called \(name)") }
      try actor.carryOut(command)
    }
  }

  // MARK: - Observers

  /// What observers watch from now on: for what begins now, since what is up keeps its policy.
  private func observe(_ change: Administration) {
    switch change {
    case .setPolicy(let account, let policy):
      let arms = PolicyArms(policy, anchors: ledger?.anchors)
      ledger?.set(arms, of: account)
      noteArmed(arms)
    case .setPassword(let name, let password):
      guard let account = scenario.accounts.first(where: { $0.name == name }) else { return }
      var secrets = SecretList()
      secrets.add(password: password, username: account.username, realm: Cast.domain, account: name)
      ledger?.add(secrets)
    case .setActive, .endSession, .callAccount: break
    }
  }

  private func noteArmed(_ arms: PolicyArms) {
    if ledger != nil { means.record(.note("observers are armed for: \(arms.armed.joined(separator: "; "))")) }
  }

  // MARK: - The end

  /// Adds what only the end of a run shows.
  ///
  /// - Parameter unmet: the faults to which no message came, and how many messages were of their kind.
  public func conclude(unmet: [(plan: FaultPlan, seen: Int)] = []) {
    guard failure == nil, engine.isOver else { return }
    carryOut(engine.conclude(unmet: unmet, witness: evidence, at: means.now))
  }

  /// How the run came out.
  ///
  /// - Parameters:
  ///   - seed: of the run; 0 where none was used.
  ///   - hosts: the names of all hosts by number, for `host#frame`.
  public func result(seed: UInt64, hosts: [String]) -> ScenarioResult {
    let failure = failure ?? (engine.isOver ? nil : .void("the run did not end: no event was pending, or a day of virtual time passed"))
    var result = ScenarioResult(
      name: scenario.name, file: scenario.file, summary: scenario.summary, proves: scenario.proves, seed: seed,
      verdict: failure?.verdict ?? engine.verdict, findings: engine.findings, reason: failure?.reason,
      duration: Instant.zero.duration(to: means.now), hosts: hosts, packets: evidence.packets)
    result.breaches = engine.breaches
    if scenario.givesPolicy, failure == nil { result.proof = evidence.proof }
    return result
  }
}
