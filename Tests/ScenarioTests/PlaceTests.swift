import LabTesting
import ScenarioModel
import Testing

/// Places in what a wire member writes by rule are filled from messages that came.
@Suite struct PlaceTests {
  private let head = """
    summary: s
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10 }
      wire: { wire: raw, address: 192.0.2.30 }
      probe: { wire: raw, address: 192.0.2.31 }
    allowViolations: [response-destination]
    steps:
      - call: { from: kallglot, to: wire, as: leg }
      - expect: { message: wire, start: "INVITE *", as: invite, within: 1 s }

    """

  private func run(_ steps: String) throws -> ScenarioResult { ScenarioSuite.run(try Scenario.read(head + steps, file: "places.yaml")) }

  @Test func `header fields, tag, phrase, body and URI of reply and request are filled, and the length of the body is known`() throws {
    let steps = """
        - reply:
            from: wire
            to: probe
            status: "486 ${invite.CSeq.number} is busy"
            tag: "${invite.From.tag}-back"
            headers: { Subject: "of ${invite.CSeq}", Content-Type: text/plain, Content-Length: "${body.length}" }
            body: "seen ${invite.CSeq}"
        - expect:
            message: probe
            start: "SIP/2.0 486 1 is busy"
            headers: { Subject: of 1 INVITE, Content-Length: 13, To: "*-back" }
            body: seen 1 INVITE
            within: 1 s
        - request: { from: wire, to: probe, method: INFO, uri: "sip:${tag.one}@192.0.2.31", headers: { Subject: "${invite.start}" } }
        - expect: { message: probe, start: "INFO sip:*@192.0.2.31 SIP/2.0", headers: { Subject: "INVITE sip:*" }, within: 1 s }
        - expect: { message: probe, containing: "${", times: none, within: 0 }

      """
    #expect(throws: SourceProblem.self) { try run(steps) }
    let result = try run(steps.replacing("  - expect: { message: probe, containing: \"${\", times: none, within: 0 }\n", with: ""))
    #expect(result.verdict == .passed, "\(ScenarioSuite.explanation(result))")
  }

  @Test func `what the message does not have is a finding of the step that wanted it`() throws {
    let result = try run("  - reply: { from: wire, to: kallglot, status: 200 OK, headers: { Subject: \"${invite.Subject}\" } }\n")
    #expect(result.verdict == .failed)
    #expect(result.findings.first?.observed.hasSuffix("has no Subject") == true, "\(result.findings)")
  }
}
