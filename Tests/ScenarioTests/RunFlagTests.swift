import Foundation
import Subprocess
import Testing

/// Flags of `run` as people and CI use them.
@Suite(.timeLimit(.minutes(15))) struct RunFlagTests {
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
    #expect(outcome.lines.contains { $0.contains("kallglot-lab run \(folder)/lossy.yaml --seed \(smallest) --out") })
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

  @Test func `--repeat runs every scenario so often with its seed, and finds it the same each time`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try flaky(in: folder)
    let outcome = try await Self.lab(["run", "\(folder)/sound.yaml", "--seed", "7", "--repeat", "5", "--json", "\(folder)/r.json"])
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.lines.first?.hasSuffix("sound  5 of 5 runs pass") == true)
    #expect(outcome.lines.last?.hasPrefix("1 scenario over 5 runs of seed 7 (5 runs): 1 passed. ") == true)
    #expect(try String(contentsOfFile: "\(folder)/r.json", encoding: .utf8).contains("\"repeats\": 5"))
  }

  @Test(arguments: ["--junit", "--json"])
  func `a report that cannot be written is said before anything runs`(flag: String) async throws {
    let outcome = try await Self.lab(["run", "scenarios/basic/answered-udp.yaml", flag, "/proc/x/y"])
    #expect(outcome.code == 2 && outcome.lines.isEmpty && outcome.errors.contains("/proc/x"), "\(outcome)")
  }

  @Test func `--repeat counts live runs as well`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try flaky(in: folder)
    let text = try String(contentsOfFile: "\(folder)/sound.yaml", encoding: .utf8)
    let live = text.replacing(/network:.*\n/, with: "").replacing("within: 300 ms", with: "within: 8 s")
    try live.write(toFile: "\(folder)/live.yaml", atomically: true, encoding: .utf8)
    let outcome = try await Self.lab(["run", "--live", "\(folder)/live.yaml", "--repeat", "3", "--out", "\(folder)/out"])
    #expect(outcome.code == 0 && outcome.lines.first?.hasSuffix("live  3 of 3 runs pass") == true, "\(outcome)")
    let kept = try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/out").filter { $0.contains("run-") }
    #expect(kept == [], "what passes is not kept")
  }

  @Test func `of repeated live runs each that does not pass leaves its captures, and the report names those of the first`()
    async throws
  {
    try await withThree { folder in
      let outcome = try await Self.lab(
        ["run", "--live", "\(folder)/b.yaml", "--repeat", "2", "--out", "\(folder)/out", "--json", "\(folder)/r.json"])
      #expect(outcome.code == 1)
      let kept = try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/out").filter { $0.hasSuffix("pbx.pcapng") }.sorted()
      #expect(kept.count == 2 && kept.first?.hasSuffix("b-run-1/pbx.pcapng") == true && kept.last?.hasSuffix("b-run-2/pbx.pcapng") == true)
      #expect(try String(contentsOfFile: "\(folder)/r.json", encoding: .utf8).contains("b-run-1/pbx.pcapng"))
    }
  }

  /// One that passes, one that fails, one that passes: in the order of their names.
  private func three(in folder: String) throws {
    let text = """
      summary: a ping
      cast: { kallglot: { endpoint: default, address: 198.51.100.10 }, pbx: { persona: plain-caller, address: 192.0.2.20 } }
      steps:
        - options: pbx
        - expect: { pinged: pbx, status: STATUS, within: 1 s }
      """
    for (name, status) in [("a", "200"), ("b", "403"), ("c", "200")] {
      try text.replacing("STATUS", with: status).write(toFile: "\(folder)/\(name).yaml", atomically: true, encoding: .utf8)
    }
  }

  private func withThree(_ body: (_ folder: String) async throws -> Void) async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try three(in: folder)
    try await body(folder)
  }

  @Test func `--quiet shows what did not pass and the last line, and nothing of what passed`() async throws {
    try await withThree { folder in
      let outcome = try await Self.lab(["run", folder, "--quiet"])
      #expect(outcome.code == 1)
      #expect(
        outcome.lines.first?.hasPrefix("FAILED ") == true && outcome.lines.last?.hasPrefix("3 scenarios: 2 passed, 1 failed. ") == true)
      #expect(!outcome.lines.contains { $0.hasPrefix("passed") || $0.hasPrefix("not passed:") || $0.hasPrefix("slowest") })
      #expect(try await Self.lab(["run", "\(folder)/a.yaml", "--quiet"]).lines.count == 1)
    }
  }

  @Test func `--fail-fast stops after the first failure, and says how many did not run`() async throws {
    try await withThree { folder in
      let outcome = try await Self.lab(["run", folder, "--fail-fast", "--jobs", "1", "--json", "\(folder)/r.json"])
      #expect(outcome.code == 1)
      #expect(outcome.lines.suffix(2).first == "stopped after the first failure: 2 of 3 scenarios ran, 1 did not")
      #expect(try String(contentsOfFile: "\(folder)/r.json", encoding: .utf8).contains("\"ending\": \"first failure\""))
      // Nothing was left to stop.
      let last = try await Self.lab(["run", "\(folder)/a.yaml", "\(folder)/b.yaml", "--fail-fast", "--jobs", "1"])
      #expect(last.code == 1 && !last.lines.contains { $0.hasPrefix("stopped") })
      #expect(try await Self.lab(["run", "\(folder)/a.yaml", "\(folder)/c.yaml", "--fail-fast"]).code == 0)
    }
  }

  @Test func `--list prints names that would run and runs nothing; shards of it are disjoint and together all`() async throws {
    let all = try await Self.lab(["run", "scenarios", "--list", "--out", "no-such-folder"])
    #expect(all.code == 0 && all.lines.count > 100 && all.lines.contains("basic/answered-udp") && all.errors.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: "\(Place.root)/no-such-folder"))
    var parts: [String] = []
    for index in 1...3 { parts += try await Self.lab(["run", "scenarios/basic", "--list", "--shard", "\(index)/3"]).lines }
    #expect(parts.sorted() == all.lines.filter { $0.hasPrefix("basic/") }.sorted())
    let filtered = try await Self.lab(["run", "scenarios/basic", "scenarios/tls", "--list", "--filter", "basic/"])
    #expect(!filtered.lines.isEmpty && filtered.lines.allSatisfy { $0.contains("basic/") })
  }

  @Test func `the shards of a run, merged, have its exit code and its reports`() async throws {
    try await withThree { folder in
      for index in 1...4 {
        // Three scenarios: the fourth machine has nothing to do.
        let outcome = try await Self.lab(["run", folder, "--shard", "\(index)/4", "--json", "\(folder)/\(index).json"])
        #expect(outcome.code == (index == 2 ? 1 : 0), "\(outcome.lines) \(outcome.errors)")
      }
      let reports = (1...4).map { "\(folder)/\($0).json" }
      let merged = try await Self.lab(["merge"] + reports + ["--json", "\(folder)/m.json", "--junit", "\(folder)/m.xml"])
      #expect(merged.code == 1)
      #expect(merged.lines.last?.hasPrefix("3 scenarios: 2 passed, 1 failed. ") == true)
      #expect(merged.lines.first?.hasPrefix("FAILED ") == true)
      _ = try await Self.lab(["run", folder, "--json", "\(folder)/w.json", "--junit", "\(folder)/w.xml"])
      for kind in ["json", "xml"] { #expect(try timeless("\(folder)/m.\(kind)") == timeless("\(folder)/w.\(kind)")) }

      #expect(try await Self.lab(["merge"] + reports.dropLast()).errors == "kallglot-lab: shard 4/4 is missing\n")
      _ = try await Self.lab(["run", folder, "--shard", "1/4", "--seed", "2", "--json", "\(folder)/1.json"])
      let other = try await Self.lab(["merge"] + reports)
      #expect(
        other.code == 2 && other.errors.contains("has seed 1, ") && other.errors.contains("they are not shards of one run"),
        "\(other.errors)")
    }
  }

  /// A report without how long it took on the wall.
  private func timeless(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8).replacing(#/"elapsedNanoseconds": \d+/#, with: "").replacing(
      #/time="[0-9.]+"/#, with: ""
    )
    .replacing(#/in [0-9.,]+ s\b/#, with: "")
  }

  @Test func `in GitHub Actions each finding is an annotation and the step gets a summary; elsewhere neither`() async throws {
    try await withThree { folder in
      let place = "\(folder)/summary.md"
      try "before\n".write(toFile: place, atomically: true, encoding: .utf8)
      let result = try await Subprocess.run(
        .path(.init(Place.lab)), arguments: ["run", ".", "--quiet"],
        environment: .inherit.updating(["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": place, "GITHUB_WORKSPACE": folder]),
        workingDirectory: .init(folder), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
      #expect(result.terminationStatus == .exited(1))
      let commands = result.standardOutput.split(separator: "\n").filter { $0.hasPrefix("::error file=b.yaml,line=5,") }
      #expect(commands.count == 1 && commands[0].contains("%0Areplay: kallglot-lab run "), "\(result.standardOutput)")
      let summary = try String(contentsOfFile: place, encoding: .utf8)
      #expect(summary.hasPrefix("before\n### Kallglot Lab: failed\n") && summary.contains("| b.yaml:5 |"), "\(summary)")
      let plain = try await Self.lab(["run", folder])
      #expect(!plain.lines.contains { $0.hasPrefix("::") })
    }
  }
}
