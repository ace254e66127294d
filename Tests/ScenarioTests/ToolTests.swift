import Foundation
import Inspection
import LabTesting
import Reports
import Rules
import SansIO
import ScenarioEngine
import ScenarioModel
import Subprocess
import Testing

/// `lint`, `list` and `schema` as people call them.
@Suite(.timeLimit(.minutes(15))) struct ToolTests {
  private func lab(_ arguments: [String]) async throws -> (code: Int32, lines: [String], errors: String) {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(arguments), workingDirectory: .init(Place.root), output: .string(limit: 1 << 22),
      error: .string(limit: 1 << 20))
    let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
    return (code, result.standardOutput.split(separator: "\n").map(String.init), result.standardError)
  }

  @Test func `the repository's own scenarios have no mistake and no warning`() async throws {
    let outcome = try await lab(["lint", "--strict", "scenarios"])
    #expect(outcome.code == 0, "\(outcome.lines.joined(separator: "\n"))")
    #expect(outcome.lines.last?.hasSuffix("0 mistakes, 0 warnings") == true)
  }

  @Test func `lint tells every mistake of every file once, with its place, and exits with 2`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let head = "summary: s\ncast: { kallglot: { endpoint: default, address: 198.51.100.10 } }\n"
    try (head + "include: _t.yaml\nproves: [CALL-99]\nsteps:\n  - wait: soon\n  - wait: later\n").write(
      toFile: "\(folder)/a.yaml", atomically: true, encoding: .utf8)
    try (head + "include: _t.yaml\nsteps: []\n").write(toFile: "\(folder)/b.yaml", atomically: true, encoding: .utf8)
    try "policy: { requireTLS: perhaps }\n".write(toFile: "\(folder)/_t.yaml", atomically: true, encoding: .utf8)
    try "polici: {}\n".write(toFile: "\(folder)/_u.yaml", atomically: true, encoding: .utf8)
    let outcome = try await lab(["lint", folder])
    #expect(outcome.code == 2)
    let places = outcome.lines.dropLast().map { $0.replacing("\(folder)/", with: "").prefix { $0 != " " } }
    #expect(places == ["a.yaml:6:11:", "a.yaml:7:11:", "_t.yaml:1:23:", "a.yaml:4:10:", "_u.yaml:1:1:"])
    #expect(outcome.lines.last == "4 files, 0 scenarios, 5 mistakes, 0 warnings")
  }

  @Test func `a file that is there to be included is no scenario`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try "policy: {}\n".write(toFile: "\(folder)/_t.yaml", atomically: true, encoding: .utf8)
    let outcome = try await lab(["run", "\(folder)/_t.yaml"])
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("is for inclusion only, not a scenario"))
  }

  /// Of all scenarios, as `run --list` has them.
  private static let names = Task { try await ToolTests().lab(["run", "scenarios", "--list"]).lines }

  @Test func `list shows each scenario with what it is about, and with --proves what it proves`() async throws {
    let outcome = try await lab(["list", "scenarios/basic/answered-udp.yaml", "--proves"])
    #expect(outcome.code == 0)
    #expect(outcome.lines.first == "basic  1 scenario")
    #expect(outcome.lines[1].contains("answered-udp  A caller reaches its session over UDP"))
    #expect(outcome.lines[2].hasSuffix("proves RFC 3261 §13, RFC 3261 §22, RFC 3264 §6, CALL-01"))
    #expect(outcome.lines.last == "1 scenario in 1 folder")
  }

  @Test(arguments: [80, 120]) func `list is one line a scenario, by folder, in columns that fit`(width: Int) async throws {
    let names = try await Self.names.value
    let outcome = try await lab(["list", "--width", "\(width)"])
    #expect(outcome.code == 0)
    // A name is never cut, so that it can be copied: one that is longer has its line for itself.
    let wide = outcome.lines.filter { line in line.count > width && !names.contains { $0.hasSuffix("/" + line.dropFirst(2)) } }
    #expect(wide.isEmpty, "\(wide)")
    for name in names where !name.contains("[") {
      let short = name.split(separator: "/").last.map(String.init) ?? name
      #expect(outcome.lines.contains { $0.hasPrefix("  ") && $0.contains(" \(short) ") }, "\(name)")
    }
    #expect(outcome.lines.last?.hasPrefix("\(CountText.of(names.count, "scenario")) in ") == true)
  }

  @Test func `list --checks fits too`() async throws {
    let names = try await Self.names.value
    let wide = try await lab(["list", "--checks", "--width", "100"]).lines.filter { line in
      line.count > 100 && !names.contains { line.hasSuffix("  " + $0) }
    }
    #expect(wide.isEmpty, "\(wide)")
  }

  @Test(arguments: ["", "run", "merge", "serve", "call", "inspect", "lint", "list", "rules", "schema"])
  func `each command's help has an example that stands on one line, and its exit codes`(command: String) async throws {
    let outcome = try await lab((command.isEmpty ? [] : [command]) + ["--help"])
    #expect(outcome.code == 0)
    #expect(outcome.lines.contains { $0.hasPrefix("  kallglot-lab \(command)") }, "\(outcome.lines)")
    #expect(outcome.lines.contains { $0.hasPrefix("Exit code") }, "\(outcome.lines)")
    #expect(outcome.lines.filter { !$0.hasPrefix("USAGE") }.allSatisfy { $0.count <= 80 })
  }

  @Test func `list --checks shows all 230 checks, who proves them, and the verdicts of the last run`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let results = "\(folder)/results.json"
    #expect(try await lab(["run", "scenarios/basic/answered-udp.yaml", "--json", results]).code == 0)
    let outcome = try await lab(["list", "--checks", "--results", results, "--width", "300"])
    #expect(outcome.code == 0)
    for check in CheckCatalogue.checks {
      #expect(outcome.lines.contains { $0.hasPrefix("  \(check.id) ") && $0.hasSuffix(check.title) }, "\(check.id)")
    }
    #expect(Check.Kind.allCases.allSatisfy { outcome.lines.first?.contains("\($0.meaning) (\($0.rawValue))") == true })
    #expect(outcome.lines.contains { $0.hasSuffix("  basic/answered-udp: passed") })
    #expect(outcome.lines.contains { $0.hasPrefix("  CALL-01  valid        passed") })
    #expect(outcome.lines.last?.hasPrefix("230 checks: ") == true)
    #expect(try await lab(["list", "--checks", "--results", "\(folder)/none.json"]).code == 2)
    try "{}".write(toFile: results, atomically: true, encoding: .utf8)
    #expect(try await lab(["list", "--checks", "--results", results]).errors.contains("is not a results file of run --json"))
  }

  @Test func `of a check's scenarios one that failed outweighs those that passed`() throws {
    let scenarios = try Place.library.get().filter { $0.proves.contains("CALL-01") }
    #expect(scenarios.count > 1)
    let check = try #require(CheckCatalogue.check("CALL-01"))
    var verdicts = Dictionary(scenarios.map { ($0.name, Verdict.passed) }, uniquingKeysWith: { first, _ in first })
    #expect(CheckReport.standing(of: check, scenarios, verdicts: verdicts) == .passed)
    verdicts[scenarios[0].name] = .couldNotRun
    #expect(CheckReport.standing(of: check, scenarios, verdicts: verdicts) == .open)
    verdicts[scenarios[1].name] = .failed
    #expect(CheckReport.standing(of: check, scenarios, verdicts: verdicts) == .failed)
    #expect(CheckReport.standing(of: check, scenarios, verdicts: [:]) == .notRun)
    #expect(CheckReport.standing(of: check, [], verdicts: verdicts) == .unproven)
  }

  @Test func `schema prints JSON of draft 2020-12 for scenarios and for serve, and the reference as Markdown`() async throws {
    for (arguments, title) in [(["schema"], "Kallglot Lab scenario"), (["schema", "--serve"], "Kallglot Lab serve configuration")] {
      let outcome = try await lab(arguments)
      let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.lines.joined(separator: "\n").utf8)) as? [String: Any])
      #expect(object["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
      #expect(object["title"] as? String == title)
    }
    #expect(try await lab(["schema", "--reference"]).lines.first == "## Keys of a file")
  }

  @Test func `rules lists every rule with section, severity, place, effect on runs and sentence, in columns and as JSON`() async throws {
    let lines = try await lab(["rules"]).lines
    let rules = RuleRegistry.rules
    #expect(lines.count == rules.count)
    for (line, rule) in zip(lines, rules) {
      #expect(line.hasPrefix("\(rule.id) ") && line.contains("  \(rule.section) ") && line.hasSuffix("  \(rule.sentence)"), "\(line)")
      #expect(
        line.contains("  \(rule.severity.rawValue) ") && line.contains(rule.watchers.contains(.reader) ? " serve inspect " : " serve "))
    }
    #expect(Set(lines.compactMap { $0.firstRange(of: " RFC ")?.lowerBound.utf16Offset(in: $0) }).count == 1)
    let ids = rules.map(\.id)
    let json = try await lab(["rules", "--json"])
    let list = try #require(try JSONSerialization.jsonObject(with: Data(json.lines.joined().utf8)) as? [[String: Any]])
    #expect(list.map { $0["id"] as? String } == ids)
    #expect(list.allSatisfy { Set($0.keys) == ["id", "section", "sentence", "severity", "where", "failsRuns"] })
    #expect(list.map { $0["failsRuns"] as? String } == rules.map(\.effectOnRuns.rawValue))
    let places = list.map { $0["where"] as? [String] ?? [] }
    #expect(places.allSatisfy { $0.first == "run" && $0.count > 1 })
    #expect(places.allSatisfy { $0.contains("serve") })
    #expect(places.map { $0.contains("inspect") } == rules.map { $0.watchers.contains(.reader) })
  }

  @Test func `one row of a table is replayed by the command that its finding prints`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let text = """
      summary: s
      cast: { kallglot: { endpoint: default, address: 198.51.100.10 }, pbx: { persona: plain-caller, address: 192.0.2.20 } }
      table: { status: [200, 403] }
      steps:
        - options: pbx
        - expect: { pinged: pbx, status: "${status}", within: 1 s }
      """
    try text.write(toFile: "\(folder)/x.yaml", atomically: true, encoding: .utf8)
    let outcome = try await lab(["run", "\(folder)/x.yaml"])
    #expect(outcome.code == 1)
    #expect(outcome.lines.contains { $0.contains("x.yaml --seed 1 --filter '[403]'") })
    let row = try await lab(["run", "\(folder)/x.yaml", "--seed", "1", "--filter", "[200]"])
    #expect(row.code == 0)
  }
}
