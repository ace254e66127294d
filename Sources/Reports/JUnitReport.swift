import SansIO
import ScenarioModel

/// Results as JUnit XML that validates against the schema CI servers use (Jenkins xunit plugin, junit-10).
///
/// Of several seeds a scenario is one test case, with the findings of the smallest that did not pass.
/// One test suite a folder, with the seed, what each scenario proves and the `file:line` of what failed as its properties: that schema
/// gives a test case neither properties nor attributes for them.
public enum JUnitReport {
  public static func document(_ run: RunRecord) -> String {
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites name=\"kallglot-lab\" \(Counts(run.results).total) time=\"\(seconds(run.elapsed))\">\n"
    for (folder, results) in folders(run.results) { text += suite(folder, results, run.series) }
    return text + "</testsuites>\n"
  }

  /// In the order in which the first scenario of each folder stands.
  private static func folders(_ results: [ScenarioResult]) -> [(String, [ScenarioResult])] {
    var folders: [(name: String, results: [ScenarioResult])] = []
    for result in results {
      let name = folder(result)
      if let index = folders.firstIndex(where: { $0.name == name }) {
        folders[index].results.append(result)
      } else {
        folders.append((name, [result]))
      }
    }
    return folders
  }

  private static func suite(_ folder: String, _ results: [ScenarioResult], _ series: RunSeries) -> String {
    let time = results.reduce(Duration.zero) { $0 + $1.elapsed }
    let counts = Counts(results)
    var text =
      "  <testsuite name=\"\(escaped(folder))\" \(counts.total) skipped=\"\(counts.skipped)\" time=\"\(seconds(time))\">\n"
      + "    <properties>\n"
    switch series {
    case .seeds(let range) where range.count > 1: text += property("seeds", "\(range.lowerBound)..\(range.upperBound)")
    case .seeds(let range): text += property("seed", "\(range.lowerBound)")
    case .repeats(let count, let seed): text += property("seed", "\(seed)") + property("repeats", "\(count)")
    }
    for result in results where !result.proves.isEmpty { text += property("proves \(name(result))", result.proves.joined(separator: ", ")) }
    for result in results {
      if let place = result.findings.first?.place { text += property("at \(name(result))", place.description) }
    }
    text += "    </properties>\n"
    for result in results { text += testCase(result) }
    return text + "  </testsuite>\n"
  }

  private static func property(_ name: String, _ value: String) -> String {
    "      <property name=\"\(escaped(name))\" value=\"\(escaped(value))\"/>\n"
  }

  private static func testCase(_ result: ScenarioResult) -> String {
    let classname = folder(result).replacing("/", with: ".")
    let head = "    <testcase classname=\"\(escaped(classname))\" name=\"\(escaped(name(result)))\" time=\"\(seconds(result.elapsed))\">\n"
    return head + outcome(result) + "      <system-out>\(escaped(notes(result)))</system-out>\n    </testcase>\n"
  }

  private static func outcome(_ result: ScenarioResult) -> String {
    switch result.verdict {
    case .passed: return ""
    case .notApplicable: return "      <skipped message=\"\(escaped(result.reason ?? "not applicable"))\"/>\n"
    case .failed:
      let first = result.findings.first
      let seeds = result.sweep.map { "\(TextReport.sweep($0)): " } ?? ""
      let place = first?.place.map { "\($0): " } ?? ""
      let message = place + seeds + (first.map { "expected \($0.expected), observed \($0.observed)\(because($0))" } ?? "failed")
      let detail = result.findingLines.joined(separator: "\n")
      return "      <failure type=\"\(escaped(first?.rule ?? ""))\" message=\"\(escaped(message))\">\(escaped(detail))</failure>\n"
    case .couldNotRun, .void:
      // The first line says what is wrong; all of them stand in the text.
      let lines = (result.reason ?? "").split(separator: "\n")
      let head = "      <error type=\"\(escaped(result.verdict.rawValue))\" message=\"\(escaped(lines.first.map(String.init) ?? ""))\""
      return lines.count > 1 ? "\(head)>\(escaped(result.reason ?? ""))</error>\n" : "\(head)/>\n"
    }
  }

  private static func because(_ finding: Finding) -> String {
    finding.because.isEmpty ? "" : ", because \(finding.because.map(\.description).joined(separator: "; "))"
  }

  private static func notes(_ result: ScenarioResult) -> String {
    var lines = [result.summary]
    if !result.proves.isEmpty { lines.append("proves: \(result.proves.joined(separator: ", "))") }
    lines += result.proof?.lines ?? []
    if let sweep = result.sweep { lines.append(TextReport.sweep(sweep)) }
    lines.append("\(TextReport.times(result)), \(CountText.of(result.packets, "packet")), seed \(result.seed)")
    if let folder = result.folder { lines.append("captures: \(folder)") }
    return (lines + ["replay: \(result.replayCommand)"]).joined(separator: "\n")
  }

  // MARK: - Parts

  private struct Counts {
    let total: String
    let skipped: Int

    init(_ results: [ScenarioResult]) {
      let failures = results.count { $0.verdict == .failed }
      let errors = results.count { $0.verdict == .couldNotRun || $0.verdict == .void }
      total = "tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"\(errors)\""
      skipped = results.count { $0.verdict == .notApplicable }
    }
  }

  private static func folder(_ result: ScenarioResult) -> String {
    let folder = result.name.split(separator: "/").dropLast().joined(separator: "/")
    return folder.isEmpty ? "scenarios" : folder
  }

  private static func name(_ result: ScenarioResult) -> String { result.name.split(separator: "/").last.map(String.init) ?? result.name }

  private static func seconds(_ duration: Duration) -> String {
    let micro = max(0, duration.wholeNanoseconds / 1_000)
    let fraction = String(micro % 1_000_000)
    return "\(micro / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
  }

  /// XML text; control characters that XML 1.0 forbids become `?`.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case "\u{0}"..<" ", "\u{FFFE}", "\u{FFFF}": result += "?"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
