import SansIO
import ScenarioModel
import Testing

@testable import Reports

@Suite struct GitHubReportTests {
  private let report = GitHubReport(workingDirectory: "/repo/tests", workspace: "/repo")

  private func result(_ verdict: Verdict = .failed, file: String = "x.yaml", observed: String = "b") -> ScenarioResult {
    var result = ScenarioResult(name: "t/x[1, 2]", file: file, summary: "", proves: [], seed: 7, verdict: verdict, hosts: ["pbx"])
    if verdict == .failed {
      result.findings = [Finding(rule: "RFC 1, §2", expected: "a", observed: observed, evidence: FrameCitation(HostID(0), 5))]
      result.findings[0].place = SourcePlace(file: file, line: 17)
    }
    return result
  }

  @Test func `a command's text and properties are escaped as the toolkit of GitHub does it, CR LF included`() {
    #expect(GitHubReport.data("50 %\r\na:b,c\n::error::") == "50 %25%0D%0Aa:b,c%0A::error::")
    #expect(GitHubReport.property("a:b,c%\r\n") == "a%3Ab%2Cc%25%0D%0A")
  }

  @Test func `each finding is one command on one line, whatever a peer wrote`() {
    let lines = report.annotations(result(observed: "x\r\n::set-output name=a::b"))
    #expect(lines.count == 1 && lines[0].unicodeScalars.allSatisfy { $0 != "\n" && $0 != "\r" })
    #expect(
      lines[0].hasPrefix("::error file=tests/x.yaml,line=17,title=t/x[1%2C 2]%3A RFC 1%2C §2::expected a, observed x%0D%0A::set-output"))
    #expect(lines[0].hasSuffix("%0Amessage: pbx#5%0Areplay: \(result().replayCommand)"))
  }

  @Test func `neither annotations nor the summary carry control characters that a peer wrote`() {
    let hostile = result(observed: "486 \u{1B}[2JBusy\u{0}\u{9B}")
    let text = report.annotations(hostile).joined() + report.summary(RunRecord([hostile], series: .once(seed: 7), elapsed: .seconds(1)))
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 32 && !(127...159).contains($0.value) })
    #expect(text.contains("observed 486 ?[2JBusy??"))
  }

  @Test func `a scenario that could not run has an annotation that says why, one that passed has none`() {
    var missing = result(.couldNotRun)
    missing.reason = "x.yaml:3:1: unknown key\n_t.yaml:4:20: no such word"
    let lines = report.annotations(missing)
    #expect(lines.count == 2 && lines[0].hasPrefix("::error file=tests/x.yaml,line=3,title=t/x[1%2C 2]::could not run: unknown key%0A"))
    #expect(lines.last?.hasPrefix("::error file=tests/_t.yaml,line=4,") == true)
    missing.reason = "no peer"
    #expect(report.annotations(missing).first?.contains("x.yaml,line=1,title=t/x[1%2C 2]::could not run: no peer%0A") == true)
    #expect(report.annotations(result(.passed)) == [] && report.annotations(result(.notApplicable)) == [])
  }

  @Test(arguments: [
    ("x.yaml", "tests/x.yaml"), ("./a/x.yaml", "tests/a/x.yaml"), ("/repo/a.yaml", "a.yaml"), ("/elsewhere/a.yaml", "/elsewhere/a.yaml"),
    ("/repository/a.yaml", "/repository/a.yaml"),
  ])
  func `paths are relative to the repository`(file: String, path: String) { #expect(report.path(file) == path) }

  @Test func `without a repository's folder they are relative to the working directory`() {
    #expect(GitHubReport(workingDirectory: "/repo/tests").path("/repo/tests/a.yaml") == "a.yaml")
    #expect(GitHubReport(workingDirectory: "/").path("a.yaml") == "a.yaml")
  }

  @Test func `the summary is a table of what did not pass, with the counts`() {
    let text = report.summary(RunRecord([result(), result(.passed)], series: .once(seed: 7), elapsed: .seconds(1)))
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines[0] == "### Kallglot Lab: failed")
    #expect(lines[1] == "| Scenario | Where | Rule | Observed | Seed | Replay |")
    #expect(lines[3].hasPrefix("| t/x\\[1, 2\\] | tests/x.yaml:17 | RFC 1, §2 | b | 7 | `kallglot-lab run x.yaml --seed 7"))
    #expect(lines.last?.hasPrefix("2 scenarios: 1 passed, 1 failed. ") == true)
    #expect(!report.summary(RunRecord([result(.passed)])).contains("|"))
  }

  @Test func `nothing that a peer wrote is Markdown, HTML or another cell`() {
    #expect(GitHubReport.cell("<img> a|b `c` *d* [e](f)\r\n@g & \u{1}") == "&lt;img&gt; a\\|b \\`c\\` \\*d\\* \\[e\\](f)  \\@g &amp; ?")
    #expect(GitHubReport.code("a | `b`\r\nc") == "`` a \\| `b` c ``")
  }

  @Test func `the summary of many failures has a hundred rows and says how many more there are`() {
    let text = report.summary(RunRecord((0..<150).map { _ in result() }))
    #expect(text.components(separatedBy: "\n| t/x").count == 101)
    #expect(text.contains("… and 50 more findings."))
  }
}
