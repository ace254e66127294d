import SansIO
import ScenarioEngine
import ScenarioModel

/// Scenario files as tests: ours, and those of others in their own `swift test`.
///
/// ```swift
/// @Test(arguments: try ScenarioSuite("scenarios").scenarios)
/// func `the trunk behaves`(scenario: Scenario) {
///   let result = ScenarioSuite.run(scenario)
///   #expect(result.verdict == .passed, "\(ScenarioSuite.explanation(result))")
/// }
/// ```
public struct ScenarioSuite: Sendable {
  public let scenarios: [Scenario]

  /// Loads a file or a folder; throws the first mistake with its line and column.
  public init(_ path: String) throws(SourceProblem) {
    let (scenarios, problems) = ScenarioLibrary.load([path])
    if let first = problems.first { throw first }
    guard !scenarios.isEmpty else { throw SourceProblem(file: path, "there is no scenario here") }
    self.scenarios = scenarios
  }

  /// Runs one in virtual time; a failure is replayed by its seed.
  public static func run(_ scenario: Scenario, seed: UInt64 = 1, folder: String? = nil) -> ScenarioResult {
    VirtualRun.run(scenario, seed: seed, folder: folder)
  }

  /// What to show when a result is not what a test wants.
  public static func explanation(_ result: ScenarioResult) -> String {
    let findings = result.findings.map { finding in
      "\(finding.step): expected \(finding.expected), observed \(finding.observed) (\(finding.rule), \(result.citation(finding.evidence)))"
    }
    return ([result.verdict.rawValue] + (result.reason.map { [$0] } ?? []) + findings + [result.replayCommand]).joined(separator: "; ")
  }
}

extension Scenario: CustomStringConvertible {
  public var description: String { name }
}
