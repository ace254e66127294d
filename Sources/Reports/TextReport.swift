import SansIO
import ScenarioModel

/// Results as lines for people and CI logs.
public enum TextReport {
  /// One line a scenario, then its findings: rule, expected, observed, `host#frame`, replay command.
  public static func lines(_ result: ScenarioResult, style: TextStyle = .plain) -> [String] {
    let mark = result.verdict.isGood ? style.good(mark(result.verdict)) : style.bad(mark(result.verdict))
    var lines = ["\(mark) \(result.name)  \(clock(result.duration)) virtual, \(milliseconds(result.elapsed)) ms"]
    if let reason = result.reason { lines.append("    \(reason)") }
    for finding in result.findings { lines += self.lines(finding, result) }
    return lines
  }

  private static func lines(_ finding: Finding, _ result: ScenarioResult) -> [String] {
    var lines: [String] = []
    if !finding.step.isEmpty { lines.append("    step      \(finding.step)") }
    lines.append("    rule      \(finding.rule)")
    lines.append("    expected  \(finding.expected)")
    lines.append("    observed  \(finding.observed)")
    lines.append(
      "    frame     \(result.citation(finding.evidence)) at \(finding.at) s\(result.folder.map { " (captures in \($0))" } ?? "")")
    lines.append("    replay    \(result.replayCommand)")
    return lines
  }

  private static func mark(_ verdict: Verdict) -> String {
    switch verdict {
    case .passed: "passed "
    case .failed: "FAILED "
    case .notApplicable: "n/a    "
    case .couldNotRun: "NOT RUN"
    case .void: "VOID   "
    }
  }

  static func milliseconds(_ duration: Duration) -> String {
    let micro = duration.wholeNanoseconds / 1_000
    return "\(micro / 1_000).\(micro % 1_000 / 100)"
  }

  static func clock(_ duration: Duration) -> String {
    let milliseconds = duration.wholeNanoseconds / 1_000_000
    let fraction = String(milliseconds % 1_000)
    return "\(milliseconds / 1_000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction) s"
  }
}

/// What a run's exit code means (design: *verdict*).
public enum RunOutcome: Int32, Sendable {
  case passed = 0
  case failed = 1
  /// Nothing selected, or input that cannot be used.
  case badInput = 2
  /// Something could not run, or the harness broke.
  case couldNotRun = 3
  /// Ctrl-C or SIGTERM came before all of them had run: 128 + SIGINT, as shells say it.
  case interrupted = 130

  /// - Parameter selected: how many scenarios should have run.
  public init(_ results: [ScenarioResult], selected: Int? = nil) {
    if let selected, selected > results.count {
      self = .interrupted
    } else if results.contains(where: { $0.verdict == .failed }) {
      self = .failed
    } else if results.contains(where: { $0.verdict == .couldNotRun || $0.verdict == .void }) {
      self = .couldNotRun
    } else {
      self = results.isEmpty ? .badInput : .passed
    }
  }
}
