import SansIO
import ScenarioModel

/// The last lines of a run: enough to know from the end of a long log what happened and what to do.
public enum Summary {
  private static let slowest = 5

  /// - Parameters:
  ///   - selected: how many scenarios should have run; more than there are results when the run was interrupted.
  public static func lines(_ results: [ScenarioResult], selected: Int? = nil, elapsed: Duration, style: TextStyle = .plain) -> [String] {
    var lines: [String] = []
    if results.count > slowest { lines += ["slowest:"] + slowestLines(results) }
    let bad = results.filter { !$0.verdict.isGood }
    if !bad.isEmpty { lines += ["not passed:"] + bad.flatMap { badLines($0, style) } }
    if let selected, selected > results.count { lines.append(style.bad("interrupted: \(results.count) of \(selected) scenarios ran")) }
    return lines + [total(results, elapsed: elapsed, style)]
  }

  private static func slowestLines(_ results: [ScenarioResult]) -> [String] {
    results.sorted { $0.elapsed > $1.elapsed }.prefix(slowest).map { result in
      "  \(padded("\(TextReport.milliseconds(result.elapsed)) ms", 12))  \(result.name) (\(TextReport.clock(result.duration)) virtual)"
    }
  }

  /// The name with its first finding, then how to see it again.
  private static func badLines(_ result: ScenarioResult, _ style: TextStyle) -> [String] {
    let finding = result.findings.first.map {
      "\($0.rule): expected \($0.expected), observed \($0.observed) (\(result.citation($0.evidence)))"
    }
    let more = result.findings.count > 1 ? "; \(result.findings.count - 1) more findings" : ""
    let verdict = result.verdict == .failed ? "" : "\(result.verdict.rawValue): "
    return [
      "  \(style.bad(result.name))  \(verdict)\(finding ?? result.reason ?? "no finding says why")\(more)",
      "    \(style.faint(result.replayCommand))",
    ]
  }

  private static func total(_ results: [ScenarioResult], elapsed: Duration, _ style: TextStyle) -> String {
    let counts = Verdict.allCases.compactMap { verdict -> String? in
      let count = results.count { $0.verdict == verdict }
      guard count > 0 else { return nil }
      return verdict.isGood ? style.good("\(count) \(verdict.rawValue)") : style.bad("\(count) \(verdict.rawValue)")
    }
    let virtual = results.reduce(Duration.zero) { $0 + $1.duration }
    let packets = results.reduce(0) { $0 + $1.packets }
    return
      "\(results.count) scenarios: \(counts.isEmpty ? "none ran" : counts.joined(separator: ", ")). \(TextReport.clock(virtual)) of virtual time and "
      + "\(packets) packets in \(TextReport.milliseconds(elapsed)) ms."
  }

  private static func padded(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
}
