import SansIO
import ScenarioModel

/// Results as JUnit XML, in the form that CI servers read.
public enum JUnitReport {
  public static func document(_ results: [ScenarioResult], elapsed: Duration) -> String {
    let failures = results.count { $0.verdict == .failed }
    let errors = results.count { $0.verdict == .couldNotRun || $0.verdict == .void }
    let skipped = results.count { $0.verdict == .notApplicable }
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"\(errors)\" time=\"\(seconds(elapsed))\">\n"
    text += "  <testsuite name=\"kallglot-lab\" tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"\(errors)\" "
    text += "skipped=\"\(skipped)\" time=\"\(seconds(elapsed))\">\n"
    for result in results { text += testCase(result) }
    return text + "  </testsuite>\n</testsuites>\n"
  }

  private static func testCase(_ result: ScenarioResult) -> String {
    let folder = result.name.split(separator: "/").dropLast().joined(separator: ".")
    let name = result.name.split(separator: "/").last.map(String.init) ?? result.name
    let head = "    <testcase classname=\"\(escaped(folder))\" name=\"\(escaped(name))\" time=\"\(seconds(result.elapsed))\""
    switch result.verdict {
    case .passed: return head + "/>\n"
    case .notApplicable: return head + "><skipped message=\"\(escaped(result.reason ?? "not applicable"))\"/></testcase>\n"
    case .failed:
      let message = result.findings.first.map { "\($0.rule): expected \($0.expected), observed \($0.observed)" } ?? "failed"
      let detail = TextReport.lines(result).dropFirst().joined(separator: "\n")
      return head + ">\n      <failure message=\"\(escaped(message))\">\(escaped(detail))</failure>\n    </testcase>\n"
    case .couldNotRun, .void:
      return head + ">\n      <error message=\"\(escaped("\(result.verdict.rawValue): \(result.reason ?? "")"))\"/>\n    </testcase>\n"
    }
  }

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
