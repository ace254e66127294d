import SansIO
import ScenarioModel

/// Runs a scenario's steps: stage events in, stage commands and findings out. It knows no clock, no socket and no simulator.
///
/// ```
///   idle ──began──► running ──last step done, or a finding──► clearing ──all legs ended, or 3 s──► settling ──200 ms──► over
/// ```
/// A step that asks for something ends its turn: the next one begins when the command has been carried out, which the stage tells by
/// calling back at ``nextDeadline``, the same instant.
public struct ScenarioEngine: Sendable {
  private enum State {
    case idle
    case running(step: Int, isBegun: Bool)
    case clearing
    case settling
    case over
  }

  private static let clearingTime: Duration = .seconds(3)
  private static let settlingTime: Duration = .milliseconds(200)

  private let scenario: Scenario
  private var state: State = .idle
  private var script: Script
  public private(set) var findings: [Finding] = []
  /// When the running step, or the end of the run, looks again.
  private var ownDeadline: Instant?

  /// When ``handle(_:at:)`` wants a ``StageEvent/deadline``.
  public var nextDeadline: Instant? {
    if case .over = state { return nil }
    guard let story = script.nextDeadline else { return ownDeadline }
    return ownDeadline.map { min($0, story) } ?? story
  }

  /// - Parameters:
  ///   - entropy: where identifiers of raw messages come from.
  ///   - tolerance: how far from its time something may be seen because of the stage alone.
  public init(_ scenario: Scenario, entropy: Entropy = Entropy(seed: 1), tolerance: Duration = .zero) {
    self.scenario = scenario
    script = Script(wires: Set(scenario.cast.filter { if case .wire = $0.role { true } else { false } }.map(\.name)), entropy: entropy)
    script.tolerance = tolerance
    script.marks = scenario.marks
  }

  public var isOver: Bool { if case .over = state { true } else { false } }

  /// All that packets show broken, as of when it was looked at last.
  public var breaches: [SeenBreach] { script.breaches }

  /// Passed unless there are findings.
  public var verdict: Verdict { findings.isEmpty ? .passed : .failed }

  /// Takes what happened in one turn, in its order, then looks at the steps.
  ///
  /// - Parameters:
  ///   - traffic: what the members have sent and opened until now, in the order of the cast.
  ///   - witness: who can tell of packets; asked when there is a finding.
  public mutating func handle(
    _ events: [StageEvent], traffic: [MemberTraffic] = [], witness: (any PacketWitness)? = nil, at now: Instant
  ) -> [StageCommand] {
    script.take(traffic)
    for event in events { take(event, at: now) }
    if scenario.asksForRules, let witness { script.take(witness.breaches(at: now)) }
    let known = findings.count
    defer { script.commands = [] }
    act(at: now)
    explain(from: known, witness)
    for case .call(let member, _, let name) in script.commands { script.ask(member, callNamed: name) }
    if script.commands.contains(where: \.isAct) { script.act(at: now) }
    return script.commands
  }

  private mutating func act(at now: Instant) {
    switch state {
    case .running: if judgeProhibitions(at: now) { clear(at: now) } else { advance(at: now) }
    case .clearing: if isDue(now) || script.stories.allSatisfy({ $0.state == .ended }) { settle(at: now) }
    case .settling: if isDue(now) { finish() }
    case .idle, .over: break
    }
  }

  private func isDue(_ now: Instant) -> Bool { ownDeadline.map { $0 <= now } ?? true }

  private mutating func take(_ event: StageEvent, at now: Instant) {
    switch event {
    case .seen(let member, let message): script.take(member, message, at: now)
    case .word(let member, let word, let evidence): script.take(member, word, evidence, at: now)
    case .decision(let member, let callID, let decision, let evidence): script.take(member, callID: callID, decision, evidence, at: now)
    case .wire(let member, let news, let evidence): script.take(member, wire: news, evidence)
    case .packet(let member, let packet): script.take(member, media: packet)
    case .tls(let member, let seen): script.take(member, seen)
    case .plaintext(let seen): script.take(seen)
    case .nat(let name, let news, let evidence): script.nats.take(name, news, evidence, at: now)
    case .deadline: script.settle(at: now)
    case .began: state = .running(step: 0, isBegun: false)
    }
  }

  /// What must never be true ends the run as soon as it is.
  ///
  /// - Parameter isEnd: the calls have been cleared; that ends much that must never end before.
  @discardableResult
  private mutating func judgeProhibitions(at now: Instant, isEnd: Bool = false) -> Bool {
    for prohibition in scenario.never where !isEnd || prohibition.holdsToTheEnd {
      guard var finding = prohibition.finding(script) else { continue }
      finding.step = "never: \(prohibition.text)"
      finding.place = prohibition.place
      finding.at = now
      record(finding)
      return true
    }
    return false
  }

  // MARK: - Steps

  private mutating func advance(at now: Instant) {
    while case .running(let index, let isBegun) = state {
      guard index < scenario.steps.count else { return clear(at: now) }
      let (step, place) = (scenario.steps[index].step, scenario.steps[index].place)
      if !isBegun {
        script.beginStep(at: now)
        script.commands.append(.note(step.text))
      }
      let asked = script.commands.count
      switch isBegun ? step.look(&script, at: now) : begin(scenario.steps[index], at: now) {
      case .done:
        state = .running(step: index + 1, isBegun: false)
        if script.commands.count > asked {
          ownDeadline = now
          return
        }
      case .waiting(let deadline):
        state = .running(step: index, isBegun: true)
        ownDeadline = deadline
        return
      case .failed(var finding):
        finding.step = step.text
        finding.place = finding.place ?? place
        finding.at = now
        record(finding)
        return clear(at: now)
      }
    }
  }

  /// Begins a step; its faults keep where it stands.
  private mutating func begin(_ placed: PlacedStep, at now: Instant) -> StepProgress {
    let asked = script.commands.count
    defer {
      for position in asked..<script.commands.count {
        guard case .fault(var plan) = script.commands[position] else { continue }
        plan.place = placed.place
        script.commands[position] = .fault(plan)
      }
    }
    return placed.step.begin(&script, at: now)
  }

  private mutating func record(_ finding: Finding) {
    findings.append(finding)
    script.commands.append(.finding(finding))
  }

  /// Completes new findings by what the stage saw.
  private mutating func explain(from first: Int, _ witness: (any PacketWitness)?) {
    guard first < findings.count else { return }
    for index in first..<findings.count { script.explain(&findings[index], scenario, witness) }
    var explained = findings[first...]
    for position in script.commands.indices {
      if case .finding = script.commands[position] { script.commands[position] = .finding(explained.removeFirst()) }
    }
  }

  // MARK: - The end

  /// Adds what only the end of a run shows. A fault that never met its message proves nothing about it, so it is a finding, unless the
  /// run has failed before the message could come, or the scenario calls the fault optional.
  ///
  /// - Parameters:
  ///   - unmet: the faults to which no message came, and how many messages were of their kind.
  ///   - witness: who can tell of packets.
  public mutating func conclude(
    unmet: [(plan: FaultPlan, seen: Int)], witness: (any PacketWitness)? = nil, at now: Instant
  ) -> [StageCommand] {
    defer { script.commands = [] }
    let wasMet = findings.isEmpty
    if let witness { script.take(witness.breaches(at: now)) }
    // No finding: another seed, or a loss, may keep the peer from breaking it.
    for rule in script.unbroken(scenario.allowedViolations) {
      script.commands.append(.note("allowed, but nobody violated it: \(rule.id)"))
    }
    let known = findings.count
    if wasMet { judgeProhibitions(at: now, isEnd: true) }
    for finding in script.breachFindings(scenario) { record(finding) }
    if wasMet, findings.isEmpty { for (plan, seen) in unmet where !plan.isOptional { record(Finding(unmet: plan, seen: seen, at: now)) } }
    explain(from: known, witness)
    // What was broken explains what was not met.
    findings = Array(findings[known...] + findings[..<known])
    return script.commands
  }

  private mutating func clear(at now: Instant) {
    state = .clearing
    script.commands.append(.hangUpAll)
    ownDeadline = now.advanced(by: Self.clearingTime)
    if script.stories.allSatisfy({ $0.state == .ended }) { settle(at: now) }
  }

  private mutating func settle(at now: Instant) {
    state = .settling
    ownDeadline = now.advanced(by: Self.settlingTime)
  }

  private mutating func finish() {
    state = .over
    ownDeadline = nil
  }
}
