import SansIO
import ScenarioModel

/// Results as lines for people and CI logs.
public enum TextReport {
  /// One line a scenario, then its findings: rule, expected, observed, `host#frame`, replay command.
  public static func lines(_ result: ScenarioResult) -> [String] {
    var lines = ["\(mark(result.verdict)) \(result.name)  \(clock(result.duration)) virtual, \(milliseconds(result.elapsed)) ms"]
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
    lines.append("    frame     \(result.citation(finding.evidence)) at \(finding.at) s\(result.folder.map { " (captures in \($0))" } ?? "")")
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

  /// The last lines: how many of each verdict, how long.
  public static func summary(_ results: [ScenarioResult], elapsed: Duration) -> [String] {
    let counts = Verdict.allCases.compactMap { verdict -> String? in
      let count = results.count { $0.verdict == verdict }
      return count == 0 ? nil : "\(count) \(verdict.rawValue)"
    }
    let virtual = results.reduce(Duration.zero) { $0 + $1.duration }
    let packets = results.reduce(0) { $0 + $1.packets }
    return [
      "\(results.count) scenarios: \(counts.joined(separator: ", ")). \(clock(virtual)) of virtual time and \(packets) packets in "
        + "\(milliseconds(elapsed)) ms."
    ]
  }

  private static func milliseconds(_ duration: Duration) -> String {
    let micro = duration.wholeNanoseconds / 1_000
    return "\(micro / 1_000).\(micro % 1_000 / 100)"
  }

  private static func clock(_ duration: Duration) -> String {
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

  public init(_ results: [ScenarioResult]) {
    if results.contains(where: { $0.verdict == .failed }) {
      self = .failed
    } else if results.contains(where: { $0.verdict == .couldNotRun || $0.verdict == .void }) {
      self = .couldNotRun
    } else {
      self = results.isEmpty ? .badInput : .passed
    }
  }
}
