import Foundation
#if canImport(FoundationXML)
  import FoundationXML
#endif
import SansIO
import ScenarioModel
import Testing

@testable import Reports

@Suite struct ReportTests {
  private func result(_ verdict: Verdict, finding: Bool = false) -> ScenarioResult {
    var result = ScenarioResult(
      name: "basic/x", file: "scenarios/basic/x.yaml", summary: "a \"quoted\" <summary>", proves: ["RFC 3261 §13"], seed: 7,
      verdict: verdict,
      reason: verdict == .couldNotRun ? "no peer" : nil, duration: .milliseconds(1_500), elapsed: .microseconds(2_300),
      hosts: ["kallglot", "pbx"])
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
    #expect(RunOutcome(verdicts.map { result($0) }, selected: verdicts.count + 1).rawValue == 130)
  }

  @Test func `JUnit has a suite a folder, the seed and what is proven as properties, and the replay command with each case`() throws {
    let document = JUnitReport.document([result(.passed), result(.failed, finding: true), result(.couldNotRun)], elapsed: .seconds(1))
    #expect(document.contains("<testsuites name=\"kallglot-lab\" tests=\"3\" failures=\"1\" errors=\"1\" time=\"1.000000\">"))
    #expect(document.components(separatedBy: "<testsuite name=\"basic\"").count == 2)
    #expect(document.contains("<property name=\"seed\" value=\"7\"/>"))
    #expect(document.contains("<property name=\"proves x\" value=\"RFC 3261 §13\"/>"))
    #expect(document.contains("<failure type=\"RFC 3261 §13\" message=\"expected up, observed 403 &amp; &lt;no&gt;?\">"))
    #expect(document.contains("<error type=\"could not run\" message=\"no peer\"/>"))
    #expect(document.components(separatedBy: "<testcase classname=\"basic\" name=\"x\"").count == 4)
    #expect(document.components(separatedBy: "replay: kallglot-lab run scenarios/basic/x.yaml --seed 7").count == 4)
  }

  @Test func `JUnit is well-formed XML whatever stands in a result`() throws {
    final class Counter: NSObject, XMLParserDelegate {
      var cases = 0
      func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
      ) {
        if name == "testcase" { cases += 1 }
      }
    }
    let counter = Counter()
    let parser = XMLParser(data: Data(JUnitReport.document([result(.failed, finding: true), result(.void)], elapsed: .zero).utf8))
    parser.delegate = counter
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
    #expect(counter.cases == 2)
  }

  @Test func `JSON is what fixtures/results.schema.json says, and says no more`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let checker = try SchemaChecker(Data(contentsOf: root.appendingPathComponent("fixtures/results.schema.json")))
    let results = [result(.passed), result(.failed, finding: true), result(.couldNotRun)]
    #expect(try checker.problems(in: JSONReport.document(results, selected: 5, elapsed: .seconds(1))) == [])
    #expect(try checker.problems(in: JSONReport.document([], elapsed: .zero)) == [])
    let wrong = JSONReport.document(results, elapsed: .seconds(1)).replacingOccurrences(of: "\"seed\": \"7\"", with: "\"seed\": 7")
      .replacingOccurrences(of: "\"version\": 1", with: "\"version\": 2, \"more\": true")
    #expect(
      try checker.problems(in: wrong) == [
        "$.more is not described", "$.scenarios[1].seed is of type integer, not string",
        "$.scenarios[2].seed is of type integer, not string",
        "$.scenarios[3].seed is of type integer, not string", "$.version is not number(1)",
      ])
  }

  @Test func `JSON can be read back, an interrupted run says so`() throws {
    let document = try JSONDecoder().decode(
      JSONValue.self,
      from: Data(JSONReport.document([result(.passed), result(.failed, finding: true)], selected: 3, elapsed: .seconds(1)).utf8))
    #expect(document["version"] == .number(1))
    #expect(document["selected"] == .number(3))
    #expect(document["interrupted"] == .flag(true))
    #expect(document["scenarios"]?.elements[1]["findings"]?.elements[0]["frame"] == .text("pbx#5"))
  }
}

@Suite struct SummaryTests {
  private func result(_ name: String, _ verdict: Verdict, milliseconds: Int64) -> ScenarioResult {
    ScenarioResult(
      name: name, file: "\(name).yaml", summary: "", proves: [], seed: 1, verdict: verdict, duration: .seconds(2),
      elapsed: .milliseconds(milliseconds))
  }

  @Test func `the end of a log tells the slowest, what did not pass and how to see it again`() {
    var results = (1...7).map { result("a/\($0)", .passed, milliseconds: Int64($0) * 10) }
    results[2].verdict = .failed
    results[2].findings = [
      Finding(rule: "RFC 3261 §9", expected: "ended", observed: "up", evidence: nil),
      Finding(rule: "x", expected: "y", observed: "z", evidence: nil),
    ]
    results[4].verdict = .couldNotRun
    results[4].reason = "no certificate"
    #expect(
      Summary.lines(results, selected: 9, elapsed: .milliseconds(300)) == [
        "slowest:", "       70.0 ms  a/7 (2.000 s virtual)", "       60.0 ms  a/6 (2.000 s virtual)",
        "       50.0 ms  a/5 (2.000 s virtual)",
        "       40.0 ms  a/4 (2.000 s virtual)", "       30.0 ms  a/3 (2.000 s virtual)", "not passed:",
        "  a/3  RFC 3261 §9: expected ended, observed up (-); 1 more findings", "    kallglot-lab run a/3.yaml --seed 1",
        "  a/5  could not run: no certificate", "    kallglot-lab run a/5.yaml --seed 1", "interrupted: 7 of 9 scenarios ran",
        "7 scenarios: 5 passed, 1 failed, 1 could not run. 14.000 s of virtual time and 0 packets in 300.0 ms.",
      ])
  }

  @Test func `few scenarios that pass are one line`() {
    #expect(Summary.lines([result("a/1", .passed, milliseconds: 1)], elapsed: .milliseconds(1)).count == 1)
    #expect(
      Summary.lines([], selected: 2, elapsed: .zero) == [
        "interrupted: 0 of 2 scenarios ran", "0 scenarios: none ran. 0.000 s of virtual time and 0 packets in 0.0 ms.",
      ])
  }

  @Test func `the live line has count, time, failures and who has run longest, and fits the terminal`() {
    var progress = RunProgress(total: 119)
    for name in ["basic/answered-udp", "nat/binding-expires", "tls/x"] { progress.began(name) }
    #expect(progress.line(elapsed: .seconds(65), width: 79, style: .plain) == "[  0/119] 1:05  basic/answered-udp and 2 more")
    progress.ended(result("basic/answered-udp", .failed, milliseconds: 1))
    progress.ended(result("tls/x", .passed, milliseconds: 1))
    #expect(progress.line(elapsed: .seconds(66), width: 79, style: .plain) == "[  2/119] 1:06  1 failed  nat/binding-expires")
    #expect(
      progress.line(elapsed: .seconds(66), width: 79, style: .coloured)
        == "[  2/119] 1:06  \u{1B}[31m1 failed  \u{1B}[0mnat/binding-expires")
    for width in 0...60 { #expect(progress.line(elapsed: .seconds(66), width: width, style: .plain).count <= max(width, 26)) }
  }

  @Test(
    arguments: [
      (true, [:], true, TextStyle.coloured), (false, [:], false, .plain), (true, ["NO_COLOR": "1"], true, .plain),
      (true, ["NO_COLOR": ""], true, .coloured),
      (true, ["CI": "true"], false, .coloured), (true, ["TERM": "dumb"], false, .plain), (false, ["TERM": "xterm"], false, .plain),
    ] as [(Bool, [String: String], Bool, TextStyle)])
  func `colours and the live line are for terminals, and can be refused`(
    isTerminal: Bool, environment: [String: String], isLive: Bool, style: TextStyle
  ) {
    let terminal = Terminal(isTerminal: isTerminal, environment: environment)
    #expect(terminal.isLive == isLive && terminal.style == style)
  }
}
