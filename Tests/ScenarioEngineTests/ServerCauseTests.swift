import SansIO
import ScenarioModel
import Testing

@testable import ScenarioEngine

/// What a finding says where no server of a domain took a request (RFC 3263 §4.3).
@Suite struct ServerCauseTests {
  private static let zone = """
    summary: x
    given:
      names:
        - { srv: _sip._tcp.trunk.example.com, target: a.example.com, port: 5099, priority: 1 }
        - { srv: _sip._tcp.trunk.example.com, target: b.example.com, port: 5060, priority: 2 }
        - { host: a.example.com, addresses: 192.0.2.31 }
        - { host: b.example.com, addresses: 192.0.2.32 }
    cast:
      pbx: { persona: plain-caller, address: 192.0.2.20, transport: tcp }
      a: { persona: plain-caller, address: 192.0.2.31, transport: tcp }
      b: { persona: plain-caller, address: 192.0.2.32, transport: tcp, rejectsWith: 503 }
      wire: { wire: raw, address: 192.0.2.33, transport: tcp }

    """

  private func because(_ steps: String) throws -> [String] {
    let scenario = try Scenario.read(Self.zone + steps, file: "x.yaml", name: "x")
    return try VirtualStage(scenario, seed: 1).run().findings.flatMap { $0.because.map(\.description) }
  }

  @Test func `a call that no server took names each that was tried, and why it fell`() throws {
    let steps = """
      steps:
        - call: { from: pbx, to: "sip:x@trunk.example.com", as: leg }
        - expect: { leg: leg, is: established, within: 1 s }
      """
    let causes = try because(steps)
    let sentence =
      "pbx's request had no server: none of 2 servers took the request: 192.0.2.31:5099 over TCP: connection refused; "
      + "192.0.2.32:5060 over TCP: 503 Service Unavailable"
    #expect(causes.contains(sentence), "\(causes)")
  }

  @Test func `a call to a name that does not exist, and one to a sips URI over TCP, say so`() throws {
    func call(_ uri: String) throws -> [String] {
      try because("steps:\n  - call: { from: pbx, to: \"\(uri)\", as: leg }\n  - expect: { leg: leg, is: established, within: 1 s }\n")
    }
    let gone = "pbx's request had no server: no server was found for a.b.example.com: a.b.example.com does not exist"
    #expect(try call("sip:x@a.b.example.com").contains(gone) == false, "the zone does not know it: it goes to the trunk")
    let secure = "pbx's request had no server: no server was found for trunk.example.com: it needs TLS, which is not configured here"
    let causes = try call("sips:x@trunk.example.com")
    #expect(causes.contains(secure), "\(causes)")
    let clear = try call("sips:x@elsewhere.example.com")
    #expect(
      clear.contains { $0.contains("a request for a sips URI is sent over TLS alone, and 192.0.2.33:5060 over TCP is not TLS") }, "\(clear)"
    )
  }
}
