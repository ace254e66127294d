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
      finding.step = "expect leg is up"
      finding.because = [.sentNone(member: "pbx", kind: "ACK"), .noLeg(member: "pbx")]
      finding.place = SourcePlace(file: "scenarios/basic/x.yaml", line: 17)
      finding.exhibit = Exhibit(FrameCitation(HostID(1), 5), at: Instant(nanoseconds: 4_000_000), .received, "403 Forbidden to INVITE")
      result.findings = [finding]
    }
    return result
  }

  @Test func `a finding begins with file:line and shows the message, its capture and its time, and how to see it again`() {
    var result = result(.failed, finding: true)
    (result.folder, result.captures) = ("out/basic/x", ["out/basic/x/kallglot.pcapng", "out/basic/x/pbx.pcapng"])
    #expect(
      TextReport.lines(result) == [
        "FAILED  basic/x  1.50 s of virtual time in 0.002 s", "  scenarios/basic/x.yaml:17  expect leg is up", "    rule      RFC 3261 §13",
        "    observed  403 & <no>?", "    because   pbx sent no ACK", "              pbx has no leg: no INVITE left or reached it",
        "    message   pbx#5 received at 0.004 s: 403 Forbidden to INVITE (out/basic/x/pbx.pcapng)",
        "    replay    kallglot-lab run scenarios/basic/x.yaml --seed 7 --out out",
      ])
  }

  @Test func `what inspect says of the captures stands behind the findings, and in JSON`() throws {
    var result = result(.failed, finding: true)
    result.inspected = ["kallglot: error #5 200 to INVITE has no ACK", "pbx: warning #7 x"]
    #expect(
      TextReport.lines(result).suffix(2) == [
        "    inspect   kallglot: error #5 200 to INVITE has no ACK", "              pbx: warning #7 x",
      ])
    #expect(JUnitReport.document(RunRecord([result])).contains("inspect   kallglot: error #5"))
    #expect(
      JSONReport.document(RunRecord([result])).contains("\"inspect\": [\"kallglot: error #5 200 to INVITE has no ACK\", \"pbx: warning"))
  }

  @Test func `a replay command leaves captures, and every shell reads it whatever the names are`() throws {
    var result = result(.failed)
    let names = ["a b/it's \"$x\" `id` \\ *?;&|<>(){}~#!/x", "--out", "ümlaut/x", "a/x[pcmu, it's $HOME]"]
    for name in names {
      (result.name, result.file) = (name, "\(name.prefix { $0 != "[" }).yaml")
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", result.replayCommand.replacing("kallglot-lab ", with: "printf '%s\\0' ", maxReplacements: 1)]
      process.standardOutput = output
      try process.run()
      let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).split(separator: "\0").map(String.init)
      process.waitUntilExit()
      let row = name.contains("[") ? ["--filter", "[pcmu, it's $HOME]"] : []
      #expect(words == ["run", name == "--out" ? "./--out.yaml" : result.file, "--seed", "7"] + row + ["--out", "out"])
    }
    (result.name, result.file, result.folder) = ("basic/x", "x.yaml", "/tmp/my runs/basic/x")
    #expect(result.replayCommand == "kallglot-lab run x.yaml --seed 7 --out '/tmp/my runs'")
  }

  @Test(arguments: [
    ([Verdict.passed, .passed], RunOutcome.passed), ([.passed, .notApplicable], .passed), ([.passed, .failed, .couldNotRun], .failed),
    ([.passed, .couldNotRun], .couldNotRun), ([.void], .couldNotRun), ([], .badInput),
  ])
  func `exit codes: any failed 1, else any not run or void 3, nothing 2 (design 11)`(verdicts: [Verdict], status: RunOutcome) {
    #expect(RunOutcome(RunRecord(verdicts.map { result($0) })) == status)
    #expect(RunOutcome(RunRecord(verdicts.map { result($0) }, ending: .interrupted)).rawValue == 130)
  }

  @Test func `JUnit has a suite a folder, the seed and what is proven as properties, and the replay command with each case`() throws {
    let document = JUnitReport.document(
      RunRecord([result(.passed), result(.failed, finding: true), result(.couldNotRun)], series: .once(seed: 7), elapsed: .seconds(1)))
    #expect(document.contains("<testsuites name=\"kallglot-lab\" tests=\"3\" failures=\"1\" errors=\"1\" time=\"1.000000\">"))
    #expect(document.components(separatedBy: "<testsuite name=\"basic\"").count == 2)
    #expect(document.contains("<property name=\"seed\" value=\"7\"/>"))
    #expect(document.contains("<property name=\"proves x\" value=\"RFC 3261 §13\"/>"))
    #expect(
      document.contains(
        "<failure type=\"RFC 3261 §13\" message=\"scenarios/basic/x.yaml:17: expected up, observed 403 &amp; &lt;no&gt;?, because pbx "
          + "sent no ACK; pbx has no leg: no INVITE left or reached it\">"
      ))
    #expect(document.contains("<property name=\"at x\" value=\"scenarios/basic/x.yaml:17\"/>"))
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
    let parser = XMLParser(data: Data(JUnitReport.document(RunRecord([result(.failed, finding: true), result(.void)])).utf8))
    parser.delegate = counter
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
    #expect(counter.cases == 2)
  }

  @Test func `no report carries a control character of a Reason-Phrase (XML 1.0 §2.2)`() {
    var hostile = result(.failed, finding: true)
    hostile.findings[0].observed = "486 \u{1B}[2JBusy\u{0}"
    var broken = result(.couldNotRun)
    broken.reason = "x.yaml:1:1: '\u{1B}[2J\u{0}' is not known"
    let run = RunRecord([hostile, broken])
    let reports = [JUnitReport.document(run), JSONReport.document(run), (TextReport.lines(hostile) + TextReport.lines(broken)).joined()]
    for report in reports {
      #expect(report.contains("[2JBusy"))
      #expect(report.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 32 && $0.value != 127 }, "\(report)")
    }
  }

  @Test func `JSON is what fixtures/results.schema.json says, and says no more`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let checker = try SchemaChecker(Data(contentsOf: root.appendingPathComponent("fixtures/results.schema.json")))
    let results = [result(.passed), result(.failed, finding: true), result(.couldNotRun)]
    #expect(try checker.problems(in: JSONReport.document(RunRecord(results, selected: 5, elapsed: .seconds(1)))) == [])
    #expect(try checker.problems(in: JSONReport.document(RunRecord([]))) == [])
    let wrong = JSONReport.document(RunRecord(results, elapsed: .seconds(1))).replacingOccurrences(
      of: "\"seed\": \"7\"", with: "\"seed\": 7"
    )
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
      from: Data(JSONReport.document(RunRecord([result(.passed), result(.failed, finding: true)], selected: 3, ending: .interrupted)).utf8))
    #expect(document["version"] == .number(1))
    #expect(document["selected"] == .number(3))
    #expect(document["interrupted"] == .flag(true))
    let finding = document["scenarios"]?.elements[1]["findings"]?.elements[0]
    #expect(finding?["frame"] == .text("pbx#5"))
    #expect(finding?["frameAtNanoseconds"] == .number(4_000_000))
    #expect(finding?["message"] == .text("403 Forbidden to INVITE"))
    #expect(finding?["file"] == .text("scenarios/basic/x.yaml"))
    #expect(finding?["line"] == .number(17))
    #expect(finding?["because"] == .array([.text("pbx sent no ACK"), .text("pbx has no leg: no INVITE left or reached it")]))
  }
}
