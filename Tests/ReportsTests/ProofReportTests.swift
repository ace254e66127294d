import Foundation
import Inspection
import ScenarioModel
import Testing

@testable import Reports

/// What was proven of a policy stands in each report.
@Suite struct ProofReportTests {
  private var result: ScenarioResult {
    var result = ScenarioResult(
      name: "policy/x", file: "scenarios/policy/x.yaml", summary: "s", proves: [], seed: 1, verdict: .passed, duration: .seconds(1),
      elapsed: .milliseconds(2))
    result.proof = PolicyProof(
      [
        .init(
          rule: "keys-in-clear", setting: "sdesOverClear", standing: .broken, text: "SDES key outside TLS: once in 2 descriptions", count: 2
        ),
        .init(
          rule: "rtp-outside-srtp", setting: "requireSRTP", standing: .proven, text: "no RTP outside SRTP in 812 packets of 2 streams",
          count: 812),
        .init(rule: "password-in-clear", setting: "", standing: .proven, text: "no password in clear in 9 messages", count: 9),
        .init(
          rule: "codec-off-list", setting: "codecs", standing: .notProven, text: "no codec off the list", count: 0,
          reason: "no RTP was seen"),
      ])
    return result
  }

  private static let lines = [
    "broken: SDES key outside TLS: once in 2 descriptions",
    "proven: no RTP outside SRTP in 812 packets of 2 streams; no password in clear in 9 messages",
    "not proven: no codec off the list: no RTP was seen",
  ]

  @Test func `the text report ends a scenario with what was proven, over how many packets, and what was not`() {
    #expect(TextReport.lines(result).suffix(3) == Self.lines.map { "    \($0)" })
    var live = result
    live.proof?.isOneSided = true
    #expect(TextReport.lines(live).last == "    not proven, seen from one side: no codec off the list: no RTP was seen")
    #expect(TextReport.lines(live).contains { $0.hasPrefix("    proven, seen from one side: no RTP outside SRTP in 812 packets") })
  }

  @Test func `JUnit has it with the test case`() {
    let document = JUnitReport.document(RunRecord([result]))
    for line in Self.lines { #expect(document.contains("\(line)\n"), "\(document)") }
  }

  @Test func `JSON has each observer with its setting, its standing and its count, and is read back`() throws {
    let text = JSONReport.document(RunRecord([result]))
    #expect(
      text.contains(
        "\"proof\": {\"seenFrom\": \"both sides\", \"observers\": [{\"rule\": \"keys-in-clear\", \"setting\": \"sdesOverClear\", "
          + "\"standing\": \"broken\", "), "\(text)")
    let read = try JSONDecoder().decode(JSONResults.self, from: Data(text.utf8)).record
    #expect(read.results.first?.proof == result.proof)
    #expect(JSONReport.document(read) == text)
  }
}
