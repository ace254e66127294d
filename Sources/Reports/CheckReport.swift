import ScenarioModel

/// The checks of the suite, the scenarios that prove them, and how those came out last.
public enum CheckReport {
  /// What is known of one check.
  public enum Standing: String, Sendable, CaseIterable {
    case failed
    /// It could not be run, or the harness broke.
    case open
    case passed
    /// Scenarios prove it, but the results know none of them.
    case notRun = "not run"
    case unproven = "-"
  }

  /// The standing of a check by the verdicts of the scenarios that prove it: one that failed outweighs all that passed.
  public static func standing(of check: Check, _ scenarios: [Scenario], verdicts: [String: Verdict]) -> Standing {
    let proofs = scenarios.filter { $0.proves.contains(check.id) }
    let known = proofs.compactMap { verdicts[$0.name] }.filter { $0 != .notApplicable }
    if proofs.isEmpty { return .unproven }
    if known.contains(.failed) { return .failed }
    if known.contains(.couldNotRun) || known.contains(.void) { return .open }
    return known.isEmpty ? .notRun : .passed
  }

  /// - Parameter verdicts: by scenario; nil = there are no results, and a line says so.
  public static func lines(_ scenarios: [Scenario], verdicts: [String: Verdict]?) -> [String] {
    var lines: [String] = []
    var total: [Standing: Int] = [:]
    for group in CheckCatalogue.groups {
      let checks = CheckCatalogue.checks.filter { $0.group == group.id }
      let standings = checks.map { standing(of: $0, scenarios, verdicts: verdicts ?? [:]) }
      lines.append("\(group.id)  \(group.title): \(standings.count { $0 != .unproven }) of \(checks.count) proven")
      for (check, standing) in zip(checks, standings) {
        total[standing, default: 0] += 1
        lines.append("  \(pad(check.id, 8)) \(check.kind.rawValue)  \(pad(standing.rawValue, 7))  \(check.title)")
        for scenario in scenarios where scenario.proves.contains(check.id) {
          lines.append("                        \(scenario.name)\(verdicts?[scenario.name].map { ": \($0.rawValue)" } ?? "")")
        }
      }
    }
    let counts = Standing.allCases.map { standing in
      "\(total[standing, default: 0]) \(standing == .unproven ? "without a scenario" : standing.rawValue)"
    }
    lines.append("\(CheckCatalogue.checks.count) checks: \(counts.joined(separator: ", "))")
    if verdicts == nil { lines.append("no results yet: kallglot-lab run PATH --json out/results.json writes them") }
    return lines
  }

  static func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
}

/// Scenarios with what they are about.
public enum ScenarioList {
  public static func lines(_ scenarios: [Scenario], verdicts: [String: Verdict]) -> [String] {
    let width = min(48, scenarios.map(\.name.count).max() ?? 0)
    var lines = scenarios.flatMap { scenario in
      let verdict = verdicts[scenario.name].map { " (\($0.rawValue))" } ?? ""
      return [
        "\(CheckReport.pad(scenario.name, width))  \(scenario.summary)\(verdict)",
        "\(CheckReport.pad("", width))  proves \(scenario.proves.isEmpty ? "nothing" : scenario.proves.joined(separator: ", "))",
      ]
    }
    lines.append("\(scenarios.count) scenarios")
    return lines
  }
}
