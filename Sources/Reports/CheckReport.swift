import SansIO
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

  /// - Parameters:
  ///   - verdicts: by scenario; nil = there are no results, and a line says so.
  ///   - width: columns; titles are cut there.
  public static func lines(_ scenarios: [Scenario], verdicts: [String: Verdict]?, width: Int) -> [String] {
    let kinds = Check.Kind.allCases.map { "\($0)".count }.max() ?? 0
    var lines = [ScenarioList.cut(legend, width)]
    var total: [Standing: Int] = [:]
    for group in CheckCatalogue.groups {
      let checks = CheckCatalogue.checks.filter { $0.group == group.id }
      let standings = checks.map { standing(of: $0, scenarios, verdicts: verdicts ?? [:]) }
      lines.append("\(group.id)  \(group.title): \(standings.count { $0 != .unproven }) of \(checks.count) proven")
      for (check, standing) in zip(checks, standings) {
        total[standing, default: 0] += 1
        let head = "  \(pad(check.id, 7))  \(pad("\(check.kind)", kinds))  \(pad(standing.rawValue, 7))  "
        lines.append(ScenarioList.cut(head + check.title, width))
        for scenario in scenarios where scenario.proves.contains(check.id) {
          lines.append(
            "\(String(repeating: " ", count: head.count))\(scenario.name)\(verdicts?[scenario.name].map { ": \($0.rawValue)" } ?? "")")
        }
      }
    }
    let counts = Standing.allCases.map { standing in
      "\(total[standing, default: 0]) \(standing == .unproven ? "without a scenario" : standing.rawValue)"
    }
    lines.append("\(CountText.of(CheckCatalogue.checks.count, "check")): \(counts.joined(separator: ", "))")
    if verdicts == nil { lines.append("no results yet: kallglot-lab run PATH --json out/results.json writes them") }
    return lines
  }

  /// What the kinds mean: `kinds: valid behaviour (V), …`.
  static let legend = "kinds: " + Check.Kind.allCases.map { "\($0.meaning) (\($0.rawValue))" }.joined(separator: ", ")

  static func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
}
