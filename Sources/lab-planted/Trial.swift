import Capture
import Defects
import Inspection
import SansIO
import ScenarioEngine
import ScenarioModel

/// One defect over the whole library, at each member that it is for.
struct Trial {
  /// Of so many failing runs the captures are read, at most.
  private static let mostInspected = 24

  private let defect: Defect
  private let scenarios: [Scenario]
  private let healthy: HealthyRuns
  /// Captures of runs that pass are read as well, for what they would show.
  private let looks: Bool

  init(_ defect: Defect, _ scenarios: [Scenario], _ healthy: HealthyRuns, looks: Bool = false) {
    (self.defect, self.scenarios, self.healthy, self.looks) = (defect, scenarios, healthy, looks)
  }

  func run() -> Outcome {
    var outcome = Outcome(defect: defect.name)
    for scenario in scenarios where healthy.passes(scenario) {
      for member in scenario.members(for: defect) { run(scenario.planting([defect], at: member.name), member.name, &outcome) }
    }
    return outcome
  }

  private func run(_ scenario: Scenario, _ member: String, _ outcome: inout Outcome) {
    let digest = PacketDigest()
    let result = VirtualRun.run(scenario, seed: 1, observers: [digest])
    outcome.runs += 1
    if !healthy.isSame(scenario, digest) { outcome.changed += 1 }
    guard !result.verdict.isGood else {
      let isWorthIt = looks && outcome.seen == nil && outcome.changed <= Self.mostInspected && !healthy.isSame(scenario, digest)
      if isWorthIt { outcome.seen = named(scenario) }
      return
    }
    outcome.failed += 1
    let finding = result.findings.first
    let isRight = finding.map { ReasonJudge(defect.reason).isRight($0, proves: scenario.proves) } ?? false
    if outcome.failed == 1 {
      outcome.isRight = isRight
      outcome.first = Self.line(scenario, member, finding, result)
    }
    if isRight, outcome.right == nil { outcome.right = Self.line(scenario, member, finding, result) }
    if outcome.named == nil, outcome.failed <= Self.mostInspected { outcome.named = named(scenario) }
  }

  private static func line(_ scenario: Scenario, _ member: String, _ finding: Finding?, _ result: ScenarioResult) -> String {
    let what = finding.map {
      "\($0.rule): expected \($0.expected), observed \($0.observed); \($0.because.map(\.description).joined(separator: "; "))"
    }
    return "\(scenario.name) at \(member): \(what ?? result.reason ?? result.verdict.rawValue)"
  }

  /// What `inspect` says of the captures that is the right reason.
  private func named(_ scenario: Scenario) -> String? {
    let captures = CaptureSink(.memory)
    let result = VirtualRun.run(scenario, seed: 1, observers: [captures])
    for index in result.hosts.indices {
      guard let bytes = captures.bytes(of: HostID(UInt16(index))), let report = try? Inspector().inspect(bytes) else { continue }
      let found = report.findings.first { finding in
        finding.severity != .note && ReasonJudge(defect.reason).isRule("\(finding.check), \(finding.rule)")
      }
      if let found { return "\(scenario.name)/\(result.hosts[index]): \(found.check): \(found.text)" }
    }
    return nil
  }
}
