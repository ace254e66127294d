import Foundation
import LabTesting
import ScenarioEngine
import ScenarioModel
import Testing

@testable import LiveStage

/// The scenario library in real time, on sockets of this machine.
@Suite(.serialized, .timeLimit(.minutes(15))) struct LibraryLiveTests {
  private static let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }.path
  /// So many wait at a time; each keeps a thread for its sockets.
  private static let atOnce = 24

  @Test func `no scenario of the library fails on real sockets, at least 60 pass, and the others say why they do not apply`() async throws {
    let scenarios = Self.someRows(ScenarioLibrary.load(["\(Self.root)/scenarios"]).scenarios)
    var results = await run(scenarios)
    // Beside other suites a machine of two cores is late now and then: what did not pass has to pass alone.
    for index in results.indices where !results[index].verdict.isGood { results[index] = await LiveRun().run(scenarios[index]) }
    let report = results.map { "\($0.verdict.rawValue): \($0.name)\($0.reason.map { ": \($0)" } ?? "")" }.joined(separator: "\n")
    print(report)
    let counts = Dictionary(grouping: results, by: \.verdict).mapValues(\.count)
    print(Verdict.allCases.map { "\(counts[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", "))
    for result in results where !result.verdict.isGood { Issue.record("\(result.verdict): \(ScenarioSuite.explanation(result))") }
    #expect(counts[.passed] ?? 0 >= 60)
    #expect(results.allSatisfy { $0.verdict != .notApplicable || $0.reason?.isEmpty == false })
  }

  /// Of a table its first, middle and last rows: real time is short, and the others differ from them in values alone.
  private static func someRows(_ scenarios: [Scenario]) -> [Scenario] {
    var rows: [String: Int] = [:]
    for scenario in scenarios { rows[scenario.file, default: 0] += 1 }
    var seen: [String: Int] = [:]
    return scenarios.filter { scenario in
      let (row, count) = (seen[scenario.file, default: 0], rows[scenario.file] ?? 1)
      seen[scenario.file] = row + 1
      return count <= 4 || [0, 1, count / 2, count - 1].contains(row)
    }
  }

  private func run(_ scenarios: [Scenario]) async -> [ScenarioResult] {
    await withTaskGroup(of: (Int, ScenarioResult).self) { group in
      var results: [(Int, ScenarioResult)] = []
      for (index, scenario) in scenarios.enumerated() {
        if index >= Self.atOnce, let done = await group.next() { results.append(done) }
        group.addTask { (index, await LiveRun().run(scenario)) }
      }
      for await done in group { results.append(done) }
      return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }
}
