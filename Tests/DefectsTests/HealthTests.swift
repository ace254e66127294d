import Capture
import LabTesting
import SansIO
import ScenarioEngine
import ScenarioModel
import Testing

@testable import Defects

/// A host behind a flaw that changes nothing is the host itself.
@Suite struct HealthTests {
  private let scenario = """
    summary: Two calls over UDP and TCP with digest, a hold and a resume, through a NAT.
    proves: [CALL-01]
    given:
      accounts: { acme: { username: acme, password: generated } }
      sessions: { demo: { account: acme } }
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10 }
      pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
      other: { persona: asterisk-22, address: 192.0.2.30, transport: tcp, account: acme }
    network:
      - { between: [pbx, kallglot], delay: 20 ms, jitter: 5 ms, loss: 1 % }
    steps:
      - register: pbx
      - expect: { registered: pbx, within: 3 s }
      - call: { from: pbx, to: session demo, as: leg }
      - expect: { leg: leg, is: established, within: 3 s }
      - call: { from: other, to: session demo, as: second }
      - expect: { leg: second, is: established, within: 3 s }
      - speak: { who: pbx, tone: 440 Hz, for: 2 s }
      - hold: other
      - wait: 2 s
      - resume: other
      - wait: 6 s
      - hangUp: pbx
      - expect: { leg: leg, is: ended, within: 2 s }
    """

  private func captures(_ change: (Scenario) -> Scenario) throws -> (verdict: Verdict, captures: [Bytes], text: String) {
    let scenario = change(try ScenarioSuite.scenario(scenario, name: "two calls"))
    let sink = CaptureSink(.memory)
    let result = ScenarioSuite.run(scenario, observers: [sink])
    let bytes = result.hosts.indices.compactMap { sink.bytes(of: HostID(UInt16($0))) }
    return (result.verdict, bytes, ScenarioSuite.explanation(result))
  }

  @Test func `with a flaw that looks at everything and changes nothing, every capture stays byte for byte`() throws {
    let nothing = Defect("nothing", "It does nothing.", source: "-", at: [.endpoint, .persona], breaks: ["nothing"], .flaw(.none))
    let plain = try captures { $0 }
    let watched = try captures { scenario in
      scenario.cast.map(\.name).reduce(scenario) { $0.planting([nothing], at: $1) }
    }
    #expect(plain.verdict == .passed, "\(plain.text)")
    #expect(watched.captures == plain.captures)
    #expect(plain.captures.count == 3)
  }

  /// Both ends of a PCMA call with an error that they share, so that each hears the other well.
  @Test func `a law that both ends mistake alike is heard by who reads the packets without their codec (RFC 3551 §4.5.14)`() throws {
    let text = """
      summary: A call in PCMA whose tones are heard both ways.
      proves: [RFC 3551 §4.5.14]
      policy: { authentication: none, codecs: [PCMA] }
      given:
        accounts: { acme: { username: acme, password: generated } }
        sessions: { demo: { account: acme } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
      steps:
        - call: { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: established, codec: PCMA, within: 3 s }
        - speak: { who: pbx, tone: 440 Hz, for: 10 s }
        - expect: { hears: kallglot, tone: 440 Hz, within: 2 s }
        - wait: 8 s
      """
    let healthy = try ScenarioSuite.scenario(text, name: "a law")
    #expect(ScenarioSuite.run(healthy).verdict == .passed)
    let swapped = try #require(DefectCatalogue.defect("pcma-is-mu-law-both-ways"))
    let result = ScenarioSuite.run(healthy.planting([swapped], at: "pbx").planting([swapped], at: "kallglot"))
    #expect(result.verdict == .failed && !result.findings.isEmpty)
    for finding in result.findings { #expect(finding.rule == "audio-law, RFC 3551 §4.5.14", "\(finding)") }
  }
}
