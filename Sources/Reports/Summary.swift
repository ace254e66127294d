import SansIO
import ScenarioModel

/// The last lines of a run: enough to know from the end of a long log what happened and what to do.
public enum Summary {
  private static let slowest = 5
  /// Nobody looks for what is slow in a run that is over before they look.
  private static let longEnough = Duration.seconds(10)

  public static func lines(_ run: RunRecord, style: TextStyle = .plain) -> [String] {
    var lines: [String] = []
    if run.results.count > slowest, run.elapsed >= longEnough { lines += ["slowest:"] + slowestLines(run.results) }
    let bad = run.results.filter { !$0.verdict.isGood }
    if !bad.isEmpty { lines += run.isSweep ? sweepTable(bad, style) : ["not passed:"] + bad.map { badLine($0, style) } }
    return lines + ending(run, style)
  }

  /// The very last lines: that it ended early, where it did, and the counts.
  public static func ending(_ run: RunRecord, _ style: TextStyle = .plain) -> [String] {
    let unit = run.isSweep ? "run" : "scenario"
    let counts =
      "\(CountText.grouped(run.ran)) of \(CountText.of(run.planned, unit)) ran, \(CountText.grouped(run.planned - run.ran)) did not"
    switch run.ending {
    case .complete: return [total(run, style)]
    case .interrupted: return [style.bad("interrupted: \(counts)"), total(run, style)]
    case .firstFailure: return [style.bad("stopped after the first failure: \(counts)"), total(run, style)]
    }
  }

  private static func slowestLines(_ results: [ScenarioResult]) -> [String] {
    results.sorted { $0.elapsed > $1.elapsed }.prefix(slowest).map { result in
      let kind = result.live == nil ? "virtual" : "real"
      return "  \(padded(CountText.seconds(result.elapsed), 8))  \(result.name) (\(CountText.seconds(result.duration)) of \(kind) time)"
    }
  }

  /// One line: the findings themselves stand above, where the scenario ended.
  private static func badLine(_ result: ScenarioResult, _ style: TextStyle) -> String {
    let place = result.findings.first.map { $0.place?.description ?? result.file }
    let more = result.findings.count > 1 ? " and \(CountText.grouped(result.findings.count - 1)) more" : ""
    let reason = result.reason.map { $0.split(separator: "\n").first.map(String.init) ?? "" }
    let verdict = result.verdict == .failed ? "" : "\(result.verdict.rawValue): "
    return "  \(style.bad(result.name))  \(verdict)\(place ?? reason ?? "no finding says why")\(more)"
  }

  /// Scenarios that do not pass with every seed, with how many pass and the smallest that does not.
  private static func sweepTable(_ results: [ScenarioResult], _ style: TextStyle) -> [String] {
    let rows = results.map { result in
      let sweep = result.sweep
      return (
        passed: sweep.map { "\(CountText.grouped($0.passed)) of \(CountText.grouped($0.ran))" } ?? "-",
        seed: sweep?.failing.first.map { String($0) } ?? "-", result: result
      )
    }
    let isRepeated = results.contains { $0.sweep?.series.unit == "run" }
    let (passed, seed) = isRepeated ? ("runs passed", "first failing") : ("seeds passed", "smallest failing")
    let widths = (max(passed.count, rows.map(\.passed.count).max() ?? 0), max(seed.count, rows.map(\.seed.count).max() ?? 0))
    let head = "  \(padded(passed, widths.0))  \(padded(seed, widths.1))  scenario"
    return ["not always passed:", head]
      + rows.flatMap { row in
        [
          "  \(padded(row.passed, widths.0))  \(padded(row.seed, widths.1))  \(style.bad(row.result.name))",
          "    \(style.faint(row.result.replayCommand))",
        ]
      }
  }

  private static func total(_ run: RunRecord, _ style: TextStyle) -> String {
    let results = run.results
    let counts = Verdict.allCases.compactMap { verdict -> String? in
      let count = results.count { $0.verdict == verdict }
      guard count > 0 else { return nil }
      let text = "\(CountText.grouped(count)) \(verdict.rawValue)"
      return verdict.isGood ? style.good(text) : style.bad(text)
    }
    let kind = results.contains { $0.live != nil } ? "real" : "virtual"
    let time = results.reduce(Duration.zero) { $0 + $1.duration }
    let packets = results.reduce(0) { $0 + $1.packets }
    let seeds = run.isSweep ? " over \(run.series.text) (\(CountText.of(run.ran, "run")))" : ""
    return
      "\(CountText.of(results.count, "scenario"))\(seeds): \(counts.isEmpty ? "none ran" : counts.joined(separator: ", ")). "
      + "\(CountText.seconds(time)) of \(kind) time and \(CountText.of(packets, "packet")) in \(CountText.seconds(run.elapsed))."
  }

  private static func padded(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
}
