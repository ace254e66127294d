import SansIO
import ScenarioModel

/// Results as JSON: `fixtures/results.schema.json` describes them. ``version`` grows when a field changes its meaning or goes; new fields
/// leave it as it is, so readers ignore what they do not know.
public enum JSONReport {
  public static let version = 1

  public static func document(_ run: RunRecord) -> String {
    let list = run.results.map { object($0) }.joined(separator: ",\n    ")
    let counts = Verdict.allCases.map { verdict in "\(text(verdict.rawValue)): \(run.results.count { $0.verdict == verdict })" }
    return """
      {
        "version": \(version),
        "selected": \(run.selected),
        "interrupted": \(run.ending == .interrupted),
        "ending": \(text(run.ending.rawValue)),
        "program": {"version": \(text(run.origin.version)), "commit": \(run.origin.commit.map(text) ?? "null")},
        "scenarioSet": \(text(run.origin.scenarioSet)),
        "shard": \(run.part.map { object($0) } ?? "null"),
        "seeds": \(range(run.seeds)),
        "elapsedNanoseconds": \(run.elapsed.wholeNanoseconds),
        "verdicts": {\(counts.joined(separator: ", "))},
        "scenarios": [
          \(list)
        ]
      }

      """
  }

  private static func range(_ seeds: ClosedRange<UInt64>) -> String {
    "{\"first\": \(text(String(seeds.lowerBound))), \"last\": \(text(String(seeds.upperBound)))}"
  }

  private static func object(_ part: RunRecord.Part) -> String {
    let positions = part.positions.map(String.init).joined(separator: ", ")
    return
      "{\"index\": \(part.shard.index), \"count\": \(part.shard.count), \"scenarios\": \(part.total), \"positions\": [\(positions)]}"
  }

  private static func object(_ sweep: SeedSweep) -> String {
    let failing = sweep.failing.map { text(String($0)) }.joined(separator: ", ")
    return
      "{\"seeds\": \(range(sweep.range)), \"planned\": \(sweep.planned), \"ran\": \(sweep.ran), \"passed\": \(sweep.passed), "
      + "\"failing\": [\(failing)]}"
  }

  private static func object(_ result: ScenarioResult) -> String {
    let fields: [(String, String)] = [
      ("name", text(result.name)), ("file", text(result.file)), ("summary", text(result.summary)),
      ("proves", "[\(result.proves.map(text).joined(separator: ", "))]"), ("seed", text(String(result.seed))),
      ("sweep", result.sweep.map { object($0) } ?? "null"), ("verdict", text(result.verdict.rawValue)),
      ("reason", result.reason.map(text) ?? "null"),
      ("durationNanoseconds", "\(result.duration.wholeNanoseconds)"), ("elapsedNanoseconds", "\(result.elapsed.wholeNanoseconds)"),
      ("packets", "\(result.packets)"), ("hosts", "[\(result.hosts.map(text).joined(separator: ", "))]"),
      ("captures", result.folder.map(text) ?? "null"), ("replay", text(result.replayCommand)),
      ("findings", "[\(result.findings.map { object($0, result) }.joined(separator: ", "))]"),
    ]
    return "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
  }

  private static func object(_ finding: Finding, _ result: ScenarioResult) -> String {
    let fields: [(String, String)] = [
      ("file", text(finding.place?.file ?? result.file)), ("line", "\(finding.place?.line ?? 1)"),
      ("rule", text(finding.rule)), ("expected", text(finding.expected)), ("observed", text(finding.observed)),
      ("because", "[\(finding.because.map { text($0.description) }.joined(separator: ", "))]"),
      ("count", "\(finding.count)"), ("frame", finding.evidence == nil ? "null" : text(result.citation(finding.evidence))),
      ("frameAtNanoseconds", finding.exhibit.map { "\($0.at.nanoseconds)" } ?? "null"),
      ("message", finding.exhibit.map { text($0.text) } ?? "null"),
      ("direction", finding.exhibit.map { text($0.direction.rawValue) } ?? "null"),
      ("capture", result.capture(of: finding.evidence).map(text) ?? "null"),
      ("step", text(finding.step)), ("atNanoseconds", "\(finding.at.nanoseconds)"),
    ]
    return "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
  }

  static func text(_ value: String) -> String { JSONText.quoted(value) }
}
