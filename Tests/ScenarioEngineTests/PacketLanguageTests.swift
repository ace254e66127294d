import SansIO
import ScenarioModel
import Testing

@testable import ScenarioEngine

private func scenario(_ steps: String) -> String {
  """
  summary: s
  policy: { authentication: none }
  given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
  cast:
    kallglot: { endpoint: default, address: 198.51.100.10 }
    wire: { wire: raw, address: 192.0.2.30, mediaPort: 4000 }
  steps:
    - send:
        from: wire
        to: kallglot
        message: |
          INVITE sip:sess_demo@sip.kallglot.com SIP/2.0
          Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK-p;rport
          Max-Forwards: 70
          From: <sip:wire@192.0.2.30>;tag=w1
          To: <sip:sess_demo@sip.kallglot.com>
          Call-ID: p@192.0.2.30
          CSeq: 1 INVITE
          Contact: <sip:wire@192.0.2.30>
          Content-Type: application/sdp
          Content-Length: ${body.length}

          v=0
          o=wire 1 1 IN IP4 192.0.2.30
          s=-
          c=IN IP4 192.0.2.30
          t=0 0
          m=audio 4000 RTP/AVP 0
    - expect: { message: wire, start: "SIP/2.0 200 *", within: 1 s }
    - request: { from: wire, to: kallglot, method: ACK }

  """ + steps
}

private func run(_ step: String) throws -> ScenarioResult {
  try VirtualStage(try Scenario.read(scenario("  - expect: \(step)\n"), file: "x.yaml"), seed: 1).run()
}

@Suite struct PacketLanguageTests {
  @Test(arguments: [
    "{ packet: wire, payloadType: 0, payload: \"ff\", times: 5, within: 200 ms }", "{ packet: wire, marker: true, times: exactly 1 }",
    "{ packet: wire, what: RTCP, within: 8 s }", "{ packet: wire, ssrc: other, within: 200 ms }",
  ])
  func `what comes to the media port is read from its octets (RFC 3550 §5.1)`(step: String) throws {
    let result = try run(step)
    #expect(result.verdict == .passed, "\(result.findings)")
  }

  @Test(arguments: [
    "{ packet: wire, payloadType: 8, within: 200 ms }", "{ packet: wire, payload: \"d5\", within: 200 ms }",
    "{ packet: wire, marker: true, times: 2, within: 200 ms }", "{ packet: wire, ssrc: same, within: 10 ms }",
  ])
  func `what does not come so is a finding that shows the last packet`(step: String) throws {
    let result = try run(step)
    #expect(result.verdict == .failed)
    #expect(result.findings.first?.observed.contains("payload type 0, ") == true || step.contains("same"), "\(result.findings)")
  }

  @Test func `members have ports of their own, and a port is no address`() {
    let text = scenario("").replacing("address: 192.0.2.30,", with: "address: \"192.0.2.30:70000\",")
    #expect(
      ScenarioFile.read(text, file: "x.yaml").problems.map(\.description) == [
        "x.yaml:6:31: cast.wire.address: '192.0.2.30:70000' is not an IP address, alone or with a port"
      ])
  }
}

/// Media ports are counted by what hosts bind.
@Suite struct MediaPortTests {
  @Test(arguments: ["192.0.2.20", "\"192.0.2.20:5080\"", "\"192.0.2.20:6000\""])
  func `a port on which a member listens for SIP is no media port, whatever its number`(address: String) throws {
    let text = """
      summary: s
      given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, account: acme, address: \(address) }
      steps:
        - expect: { ports: pbx, opened: 0 }
        - call: { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: established, within: 2 s }
        - expect: { ports: pbx, open: 1 }
      """
    let result = try VirtualStage(try Scenario.read(text, file: "x.yaml"), seed: 1).run()
    #expect(result.verdict == .passed, "\(result.findings)")
  }
}
