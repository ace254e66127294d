import Foundation
import ScenarioModel
import Testing

@testable import LabTesting

@Suite struct ScenarioSuiteTests {
  private func scenario(status: Int) throws -> Scenario {
    try ScenarioSuite.scenario(
      """
      summary: A wrong password is refused.
      given: { accounts: { acme: { username: acme, password: right } }, sessions: { demo: { account: acme } } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20, account: acme, password: wrong }
      steps:
        - call: { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: refused, status: \(status), within: 2 s }
      """, name: "refused")
  }

  @Test func `a failure is explained with step, rule, expected, observed, frame, captures and replay`() throws {
    let text = ScenarioSuite.explanation(ScenarioSuite.run(try scenario(status: 401)))
    #expect(
      text == """
        refused failed (A wrong password is refused.)
          refused:8  expect leg is refused with 401 within 2.0 seconds
            rule      RFC 3261 §13.2.2, contract 8.1
            observed  refused with 403 Forbidden
            because   policy step 5, authentication: response does not match the password
            message   pbx#5 received at 0.004 s: 403 Forbidden to INVITE
            replay    kallglot-lab run refused --seed 1 --out out
            captures  none: set LAB_CAPTURES to a folder to get them
        """)
  }

  @Test func `an observer sees the messages of a run`() throws {
    let transcript = Transcript()
    #expect(ScenarioSuite.run(try scenario(status: 403), observers: [transcript]).verdict == .passed)
    #expect(transcript.lines(of: "kallglot") == ["kallglot: 401 INVITE", "kallglot: 403 INVITE"])
  }

  @Test func `captures go to a folder of their own where the environment names one, or the test`() throws {
    let scenario = try scenario(status: 403)
    #expect(ScenarioSuite.captureFolder(scenario, 1, [:]) == nil)
    #expect(ScenarioSuite.captureFolder(scenario, 1, ["LAB_CAPTURES": ""]) == nil)
    #expect(ScenarioSuite.captureFolder(scenario, 1, ["LAB_CAPTURES": "c"]) == "c/refused")
    #expect(ScenarioSuite.captureFolder(scenario, 7, ["LAB_CAPTURES": "c"]) == "c/refused-seed-7")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("suite-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(ScenarioSuite.run(scenario, folder: folder).folder == folder)
    #expect(FileManager.default.fileExists(atPath: "\(folder)/pbx.pcapng"))
  }

  @Test func `paths are beside the test's own file; what is not there is told`() {
    #expect(ScenarioSuite.resolve("scenarios", beside: "/a/b/Test.swift") == "/a/b/scenarios")
    #expect(ScenarioSuite.resolve("/x", beside: "/a/b/Test.swift") == "/x")
    #expect(ScenarioSuite.resolve("scenarios", beside: nil) == "scenarios")
    #expect(throws: SourceProblem.self) { try ScenarioSuite("nowhere", beside: #filePath) }
  }
}
