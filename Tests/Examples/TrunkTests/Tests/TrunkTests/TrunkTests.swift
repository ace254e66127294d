import LabTesting
import Testing

/// Scenario files of our own, each a test.
@Suite struct OurScenarios {
  @Test(arguments: try ScenarioSuite("scenarios", beside: #filePath).scenarios)
  func `the trunk behaves`(scenario: Scenario) {
    let result = ScenarioSuite.run(scenario)
    #expect(result.verdict == .passed, "\(ScenarioSuite.explanation(result))")
  }
}

/// Scenarios written in Swift, where a test wants to compute: here over each transport, and with its eye on the messages themselves.
@Suite struct OurCalls {
  private func call(over transport: String, loss: Int = 0) throws -> Scenario {
    try ScenarioSuite.scenario(
      """
      summary: A call over \(transport) with \(loss) % loss.
      given:
        accounts: { acme: { username: acme, password: generated } }
        sessions: { demo: { account: acme } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx:      { persona: asterisk-22, address: 192.0.2.20, transport: \(transport), account: acme }
      network:
        - { between: [pbx, kallglot], delay: 15 ms, loss: \(loss) % }
      steps:
        - call:   { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: established, within: 20 s }
        - hangUp: pbx
        - expect: { leg: leg, is: ended, because: hang-up, within: 20 s }
      """, name: "call over \(transport)")
  }

  @Test(arguments: ["udp", "tcp"])
  func `a call takes us a challenged INVITE, another with credentials, and a BYE`(transport: String) throws {
    let transcript = Transcript()
    let result = ScenarioSuite.run(try call(over: transport), observers: [transcript])
    #expect(result.verdict == .passed, "\(ScenarioSuite.explanation(result))")
    #expect(transcript.lines(of: "pbx") == ["pbx: INVITE", "pbx: ACK", "pbx: INVITE", "pbx: ACK", "pbx: BYE"])
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `a fifth of all packets may be lost, whatever the seed`(seed: UInt64) throws {
    let result = ScenarioSuite.run(try call(over: "udp", loss: 20), seed: seed)
    #expect(result.verdict == .passed, "\(ScenarioSuite.explanation(result))")
  }

  @Test func `a mistake in a scenario is told with its line`() {
    #expect { try ScenarioSuite.scenario("summary: x\nsteps: []", name: "x") } throws: { "\($0)".contains("the key 'cast' is missing") }
  }
}
