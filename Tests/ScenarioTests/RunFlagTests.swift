import Foundation
import Subprocess
import Testing

/// Flags of `run` as people and CI use them.
@Suite(.timeLimit(.minutes(2))) struct RunFlagTests {
  struct Outcome {
    var code: Int32
    var lines: [String]
    var errors: String
  }

  static func lab(_ arguments: [String], in folder: String = Place.root) async throws -> Outcome {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(arguments), workingDirectory: .init(folder), output: .string(limit: 1 << 22),
      error: .string(limit: 1 << 20))
    let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
    return Outcome(code: code, lines: result.standardOutput.split(separator: "\n").map(String.init), errors: result.standardError)
  }

  /// A ping that half of the seeds lose, one that all survive.
  private func flaky(in folder: String) throws {
    let text = """
      summary: a ping crosses a link
      cast: { kallglot: { endpoint: default, address: 198.51.100.10 }, pbx: { persona: plain-caller, address: 192.0.2.20 } }
      network: [{ between: [pbx, kallglot], delay: 10 ms, loss: LOSS }]
      steps:
        - options: pbx
        - expect: { pinged: pbx, status: 200, within: 300 ms }
      """
    try text.replacing("LOSS", with: "30 %").write(toFile: "\(folder)/lossy.yaml", atomically: true, encoding: .utf8)
    try text.replacing("LOSS", with: "0 %").write(toFile: "\(folder)/sound.yaml", atomically: true, encoding: .utf8)
  }

  @Test func `--seeds runs every scenario with every seed and shows the smallest that fails, in every report, with captures of it alone`()
    async throws
  {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try flaky(in: folder)
    let outcome = try await Self.lab(
      ["run", folder, "--seeds", "3..42", "--json", "\(folder)/r.json", "--junit", "\(folder)/r.xml", "--out", "\(folder)/out"])
    #expect(outcome.code == 1)
    #expect(outcome.lines.contains { $0.hasPrefix("passed ") && $0.hasSuffix("sound  40 of 40 seeds pass") }, "\(outcome.lines)")
    #expect(outcome.lines.last?.hasPrefix("2 scenarios over seeds 3..42 (80 runs): 1 passed, 1 failed. ") == true)

    let report = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: "\(folder)/r.json"))) as? [String: Any])
    let scenarios = try #require(report["scenarios"] as? [[String: Any]])
    let lossy = try #require(scenarios.first { ($0["file"] as? String)?.hasSuffix("lossy.yaml") == true })
    let sweep = try #require(lossy["sweep"] as? [String: Any])
    let failing = try #require(sweep["failing"] as? [String]).compactMap { Int($0) }
    let passed = try #require(sweep["passed"] as? Int)
    #expect(passed > 0 && failing.count == min(20, 40 - passed) && failing == failing.sorted())
    #expect(scenarios.count == 2 && report["seeds"] as? [String: String] == ["first": "3", "last": "42"])

    // Each seed by itself says the same.
    let smallest = try #require(failing.first)
    for seed in 3...smallest {
      #expect(try await Self.lab(["run", "\(folder)/lossy.yaml", "--seed", "\(seed)"]).code == (seed == smallest ? 1 : 0), "seed \(seed)")
    }
    #expect(lossy["seed"] as? String == "\(smallest)")
    #expect(outcome.lines.contains { $0.hasSuffix("kallglot-lab run \(folder)/lossy.yaml --seed \(smallest)") })
    let captures = try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/out").filter { $0.hasSuffix(".pcapng") }
    #expect(captures.count == 2 && captures.allSatisfy { $0.contains("lossy/") }, "\(captures)")
    #expect(try String(contentsOfFile: "\(folder)/r.xml", encoding: .utf8).contains("<property name=\"seeds\" value=\"3..42\"/>"))
  }

  @Test func `seeds that all pass leave exit code 0 and no table`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try flaky(in: folder)
    let outcome = try await Self.lab(["run", "\(folder)/sound.yaml", "--seeds", "1..5"])
    #expect(outcome.code == 0 && outcome.lines.count == 2)
  }
}
