import SIPMessage
import SansIO
import ScenarioModel

/// Results as lines for people and CI logs.
public enum TextReport {
  /// One line a scenario, its findings (``ScenarioResult/findingLines``), then what was proven of its policy, where it gives one. Of
  /// several seeds they are those of the smallest that did not pass.
  public static func lines(_ result: ScenarioResult, style: TextStyle = .plain) -> [String] {
    let mark = result.verdict.isGood ? style.good(mark(result.verdict)) : style.bad(mark(result.verdict))
    var lines = ["\(mark) \(result.name)  \(result.sweep.map(sweep) ?? times(result))"]
    if let reason = result.reason { lines += reason.split(separator: "\n").map { "    \(PlainText.escapingControls(String($0)))" } }
    if let places = result.live, !places.isEmpty { lines.append("    \(places.map(place).joined(separator: ", "))") }
    return lines + result.findingLines + (result.proof?.lines.map { "    \(PlainText.escapingControls($0))" } ?? [])
  }

  /// `192.0.2.20 is 127.64.2.20 (pbx)`: of the file, and on this machine.
  private static func place(_ place: LivePlace) -> String {
    let who = PlainText.escapingControls(place.product.map { "\(place.member), played by \($0)" } ?? place.member)
    return place.given == place.here ? "\(place.here) (\(who))" : "\(place.given) is \(place.here) (\(who))"
  }

  /// `5,178 s of virtual time in 0.57 s`, `5.2 s of real time`.
  static func times(_ result: ScenarioResult) -> String {
    if result.live != nil { return "\(CountText.seconds(result.duration)) of real time" }
    return "\(CountText.seconds(result.duration)) of virtual time in \(CountText.seconds(result.elapsed))"
  }

  /// `500 of 500 seeds pass`, or `491 of 500 seeds pass, 17 is the smallest that does not`; of repeated runs `38 of 40 runs pass, …`.
  static func sweep(_ sweep: SeedSweep) -> String {
    let part = sweep.ran < sweep.planned ? " (\(CountText.grouped(sweep.planned - sweep.ran)) not run)" : ""
    let ran = CountText.of(sweep.ran, sweep.series.unit)
    let passed = "\(CountText.grouped(sweep.passed)) of \(ran) \(sweep.passed == 1 ? "passes" : "pass")\(part)"
    return sweep.failing.first.map { "\(passed), \(sweep.series.ordinal($0)) that does not" } ?? passed
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
}

/// What a run's exit code means (design: *verdict*).
public enum RunOutcome: Int32, Sendable {
  case passed = 0
  case failed = 1
  /// Nothing selected, or input that cannot be used.
  case badInput = 2
  /// Something could not run, or the harness broke.
  case couldNotRun = 3
  /// Ctrl-C or SIGTERM came before all of them had run: 128 + SIGINT, as shells write it.
  case interrupted = 130

  public init(_ run: RunRecord) {
    if run.ending == .interrupted {
      self = .interrupted
    } else if run.results.contains(where: { $0.verdict == .failed }) {
      self = .failed
    } else if run.results.contains(where: { !$0.verdict.isGood }) {
      self = .couldNotRun
    } else {
      // A shard may have nothing to do.
      self = run.results.isEmpty && run.part == nil ? .badInput : .passed
    }
  }
}
