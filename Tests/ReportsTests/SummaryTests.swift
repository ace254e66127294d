import SansIO
import ScenarioModel
import Testing

@testable import Reports

@Suite struct SummaryTests {
  private func result(_ name: String, _ verdict: Verdict, milliseconds: Int64) -> ScenarioResult {
    ScenarioResult(
      name: name, file: "\(name).yaml", summary: "", proves: [], seed: 1, verdict: verdict, duration: .seconds(2),
      elapsed: .milliseconds(milliseconds))
  }

  @Test func `the end of a long run's log tells the slowest, what did not pass and how to see it again`() {
    var results = (1...7).map { result("a/\($0)", .passed, milliseconds: Int64($0) * 1_000) }
    results[2].verdict = .failed
    results[2].findings = [
      Finding(rule: "RFC 3261 §9", expected: "ended", observed: "up", evidence: nil),
      Finding(rule: "x", expected: "y", observed: "z", evidence: nil),
    ]
    results[4].verdict = .couldNotRun
    results[4].reason = "no certificate"
    #expect(
      Summary.lines(RunRecord(results, selected: 9, elapsed: .seconds(30), ending: .interrupted)) == [
        "slowest:", "    7.00 s  a/7 (2.00 s of virtual time)", "    6.00 s  a/6 (2.00 s of virtual time)",
        "    5.00 s  a/5 (2.00 s of virtual time)", "    4.00 s  a/4 (2.00 s of virtual time)", "    3.00 s  a/3 (2.00 s of virtual time)",
        "not passed:", "  a/3  a/3.yaml and 1 more", "  a/5  could not run: no certificate",
        "interrupted: 7 of 9 scenarios ran, 2 did not",
        "7 scenarios: 5 passed, 1 failed, 1 could not run. 14.00 s of virtual time and 0 packets in 30.00 s.",
      ])
  }

  @Test func `scenarios that pass are one line, and a short run says nothing of what is slow`() {
    let results = (1...7).map { result("a/\($0)", .passed, milliseconds: Int64($0)) }
    #expect(
      Summary.lines(RunRecord(results, elapsed: .milliseconds(9_999))) == [
        "7 scenarios: 7 passed. 14.00 s of virtual time and 0 packets in 10.00 s."
      ])
    #expect(
      Summary.lines(RunRecord([result("a/1", .passed, milliseconds: 1)], elapsed: .milliseconds(1))) == [
        "1 scenario: 1 passed. 2.00 s of virtual time and 0 packets in 0.001 s."
      ])
    #expect(
      Summary.lines(RunRecord([], selected: 2, ending: .interrupted)) == [
        "interrupted: 0 of 2 scenarios ran, 2 did not", "0 scenarios: none ran. 0.000 s of virtual time and 0 packets in 0.000 s.",
      ])
  }

  @Test func `over several seeds the table has how many passed, the smallest that failed, and the command that shows it`() {
    func swept(_ name: String, failing: Set<UInt64>) -> ScenarioResult? {
      var tally = ScenarioTally(.seeds(1...1_500))
      for seed: UInt64 in 1...1_500 {
        var one = result(name, failing.contains(seed) ? .failed : .passed, milliseconds: 1)
        one.seed = seed
        tally.add(one, seed)
      }
      return tally.result
    }
    let results = [swept("a/1", failing: []), swept("a/2", failing: [40, 17]), swept("a/3", failing: Set(2...1_500))].compactMap(\.self)
    let run = RunRecord(results, series: .seeds(1...1_500), elapsed: .seconds(1))
    #expect(
      Summary.lines(run) == [
        "not always passed:", "    seeds passed  smallest failing  scenario", "  1,498 of 1,500                17  a/2",
        "    kallglot-lab run a/2.yaml --seed 17 --out out", "      1 of 1,500                 2  a/3",
        "    kallglot-lab run a/3.yaml --seed 2 --out out",
        "3 scenarios over seeds 1..1500 (4,500 runs): 1 passed, 2 failed. 9,000 s of virtual time and 0 packets in 1.00 s.",
      ])
    #expect(TextReport.lines(results[0]) == ["passed  a/1  1,500 of 1,500 seeds pass"])
    #expect(TextReport.lines(results[2])[0] == "FAILED  a/3  1 of 1,500 seeds passes, 2 is the smallest that does not")
    let document = JUnitReport.document(run)
    #expect(document.contains("<property name=\"seeds\" value=\"1..1500\"/>"))
    #expect(document.components(separatedBy: "<testcase ").count == 4)
    #expect(RunOutcome(run) == .failed)
  }

  @Test func `the live line has count, time, failures and who has run longest, and fits the terminal`() {
    var progress = RunProgress(total: 119)
    for name in ["basic/answered-udp", "nat/binding-expires", "tls/x"] { progress.began(name) }
    #expect(progress.line(elapsed: .seconds(65), width: 79, style: .plain) == "[  0/119] 1:05  basic/answered-udp and 2 more")
    progress.ended(result("basic/answered-udp", .failed, milliseconds: 1))
    progress.ended(result("tls/x", .passed, milliseconds: 1))
    #expect(progress.line(elapsed: .seconds(66), width: 79, style: .plain) == "[  2/119] 1:06  1 not passed  nat/binding-expires")
    #expect(
      progress.line(elapsed: .seconds(66), width: 79, style: .coloured)
        == "[  2/119] 1:06  \u{1B}[31m1 not passed  \u{1B}[0mnat/binding-expires")
    for width in 0...60 { #expect(progress.line(elapsed: .seconds(66), width: width, style: .plain).count <= max(width, 30)) }
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
