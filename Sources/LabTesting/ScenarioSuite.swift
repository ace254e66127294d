import FoundationEssentials
import SansIO
import ScenarioEngine
import ScenarioModel

/// Scenarios as tests: ours, and those of others in their own `swift test`.
///
/// ```swift
/// import LabTesting
/// import Testing
///
/// @Test(arguments: try ScenarioSuite("scenarios", beside: #filePath).scenarios)
/// func `the trunk behaves`(scenario: Scenario) { #expect(ScenarioSuite.run(scenario).verdict == .passed) }
/// ```
/// ``explanation(_:)`` is the comment such an expectation wants.
///
/// Each runs in virtual time: a minute of it takes milliseconds, and the same seed gives the same run. With the environment variable
/// `LAB_CAPTURES` set to a folder, every run leaves a pcapng a host and its journal there. `Tests/Examples/TrunkTests` is a whole package
/// that does this.
public struct ScenarioSuite: Sendable {
  public let scenarios: [Scenario]

  /// Loads a file or a folder.
  ///
  /// - Parameters:
  ///   - path: relative to the folder of `file`, else to where the tests run.
  ///   - file: the test's own `#filePath`.
  /// - Throws: the first mistake with its file, line and column; or that there is no scenario.
  public init(_ path: String, beside file: String? = nil) throws(SourceProblem) {
    let full = Self.resolve(path, beside: file)
    let (scenarios, problems) = ScenarioLibrary.load([full])
    if let first = problems.first { throw first }
    guard !scenarios.isEmpty else { throw SourceProblem(file: full, "no scenario here") }
    self.scenarios = scenarios
  }

  static func resolve(_ path: String, beside file: String?) -> String {
    guard let file, !path.hasPrefix("/") else { return path }
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    return folder.isEmpty ? path : "\(folder)/\(path)"
  }

  /// A scenario that the test itself wrote, in the language of the files.
  ///
  /// - Parameter name: for results and messages.
  /// - Throws: the first mistake with its line and column.
  public static func scenario(_ text: String, name: String) throws(SourceProblem) -> Scenario {
    try Scenario.read(text, file: name, name: name)
  }

  /// Runs a scenario in virtual time. It never throws: what kept it from running is the result's verdict and reason.
  ///
  /// - Parameters:
  ///   - seed: decides everything that is random: identifiers, jitter, which packets are lost.
  ///   - folder: gets captures and journal; nil = a folder of the scenario's name in `LAB_CAPTURES`, if that is set.
  ///   - observers: see the run's packets, such as a ``Transcript``.
  public static func run(
    _ scenario: Scenario, seed: UInt64 = 1, folder: String? = nil, observers: [any JournalSink] = []
  ) -> ScenarioResult {
    let environment = ProcessInfo.processInfo.environment
    return VirtualRun.run(scenario, seed: seed, folder: folder ?? captureFolder(scenario, seed, environment), observers: observers)
  }

  /// Where a run's captures go by the environment; runs of one scenario with several seeds do not overwrite each other.
  static func captureFolder(_ scenario: Scenario, _ seed: UInt64, _ environment: [String: String]) -> String? {
    guard let base = environment["LAB_CAPTURES"], !base.isEmpty else { return nil }
    return "\(base)/\(scenario.folderName)\(seed == 1 ? "" : "-seed-\(seed)")"
  }

  /// What to show when a result is not what a test wants: every finding as `kallglot-lab run` shows it, and how to see it again.
  public static func explanation(_ result: ScenarioResult) -> String {
    var lines = ["\(result.name) \(result.verdict.rawValue) (\(result.summary))"]
    if let reason = result.reason { lines.append("  \(reason)") }
    lines += result.findingLines
    if result.folder == nil { lines.append("    captures  none: set LAB_CAPTURES to a folder to get them") }
    return lines.joined(separator: "\n")
  }
}

extension ScenarioModel.Scenario: CustomStringConvertible {
  public var description: String { name }
}
