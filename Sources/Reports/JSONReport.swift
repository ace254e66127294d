import SansIO
import ScenarioModel

/// Results as JSON: `fixtures/results.schema.json` describes them. ``version`` grows when a field changes its meaning or goes; new fields
/// leave it as it is, so readers ignore what they do not know.
public enum JSONReport {
  public static let version = 1

  /// - Parameter selected: how many scenarios should have run; more than there are results when the run was interrupted.
  public static func document(_ results: [ScenarioResult], selected: Int? = nil, elapsed: Duration) -> String {
    let list = results.map { object($0) }.joined(separator: ",\n    ")
    let counts = Verdict.allCases.map { verdict in "\(text(verdict.rawValue)): \(results.count { $0.verdict == verdict })" }
    return """
      {
        "version": \(version),
        "selected": \(selected ?? results.count),
        "interrupted": \((selected ?? 0) > results.count),
        "elapsedNanoseconds": \(elapsed.wholeNanoseconds),
        "verdicts": {\(counts.joined(separator: ", "))},
        "scenarios": [
          \(list)
        ]
      }

      """
  }

  private static func object(_ result: ScenarioResult) -> String {
    let fields: [(String, String)] = [
      ("name", text(result.name)), ("file", text(result.file)), ("summary", text(result.summary)),
      ("proves", "[\(result.proves.map(text).joined(separator: ", "))]"), ("seed", text(String(result.seed))),
      ("verdict", text(result.verdict.rawValue)), ("reason", result.reason.map(text) ?? "null"),
      ("durationNanoseconds", "\(result.duration.wholeNanoseconds)"), ("elapsedNanoseconds", "\(result.elapsed.wholeNanoseconds)"),
      ("packets", "\(result.packets)"), ("hosts", "[\(result.hosts.map(text).joined(separator: ", "))]"),
      ("captures", result.folder.map(text) ?? "null"), ("replay", text(result.replayCommand)),
      ("findings", "[\(result.findings.map { object($0, result) }.joined(separator: ", "))]"),
    ]
    return "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
  }

  private static func object(_ finding: Finding, _ result: ScenarioResult) -> String {
    let fields: [(String, String)] = [
      ("rule", text(finding.rule)), ("expected", text(finding.expected)), ("observed", text(finding.observed)),
      ("frame", finding.evidence == nil ? "null" : text(result.citation(finding.evidence))), ("step", text(finding.step)),
      ("atNanoseconds", "\(finding.at.nanoseconds)"),
    ]
    return "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
  }

  static func text(_ value: String) -> String { JSONText.quoted(value) }
}
