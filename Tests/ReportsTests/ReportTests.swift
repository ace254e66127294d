import Foundation
import SansIO
import ScenarioModel
import Testing

@testable import Reports

@Suite struct ReportTests {
  private func result(_ verdict: Verdict, finding: Bool = false) -> ScenarioResult {
    var result = ScenarioResult(
      name: "basic/x", file: "scenarios/basic/x.yaml", summary: "a \"quoted\" <summary>", proves: ["RFC 3261 §13"], seed: 7, verdict: verdict,
      reason: verdict == .couldNotRun ? "no peer" : nil, duration: .milliseconds(1_500), elapsed: .microseconds(2_300), hosts: ["kallglot", "pbx"])
    if finding {
      var finding = Finding(rule: "RFC 3261 §13", expected: "up", observed: "403 & <no>\u{1}", evidence: FrameCitation(HostID(1), 5))
      finding.step = "expect leg"
      result.findings = [finding]
    }
    return result
  }

  @Test func `a finding shows rule, expected, observed, host#frame and the replay command`() {
    let text = TextReport.lines(result(.failed, finding: true)).joined(separator: "\n")
    for part in ["FAILED", "RFC 3261 §13", "expected  up", "observed  403 &", "pbx#5", "kallglot-lab run scenarios/basic/x.yaml --seed 7"] {
      #expect(text.contains(part), "\(part) is missing in \(text)")
    }
  }

  @Test(arguments: [
    ([Verdict.passed, .passed], RunOutcome.passed), ([.passed, .notApplicable], .passed), ([.passed, .failed, .couldNotRun], .failed),
    ([.passed, .couldNotRun], .couldNotRun), ([.void], .couldNotRun), ([], .badInput),
  ])
  func `exit codes: any failed 1, else any not run or void 3, nothing 2 (design 11)`(verdicts: [Verdict], status: RunOutcome) {
    #expect(RunOutcome(verdicts.map { result($0) }) == status)
  }

  @Test func `JUnit is well-formed XML with one case a scenario`() throws {
    let document = JUnitReport.document([result(.passed), result(.failed, finding: true), result(.couldNotRun)], elapsed: .seconds(1))
    #expect(document.contains("tests=\"3\" failures=\"1\" errors=\"1\""))
    #expect(document.contains("403 &amp; &lt;no&gt;?"))
    #expect(document.components(separatedBy: "<testcase ").count == 4)
  }

  @Test func `JSON can be read back`() throws {
    let document = JSONReport.document([result(.passed), result(.failed, finding: true)], elapsed: .seconds(1))
    let object = try #require(try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any])
    #expect(object["version"] as? Int == 1)
    let scenarios = try #require(object["scenarios"] as? [[String: Any]])
    let findings = try #require(scenarios[1]["findings"] as? [[String: Any]])
    #expect(findings[0]["frame"] as? String == "pbx#5")
    #expect(scenarios[0]["seed"] as? String == "7")
  }
}
