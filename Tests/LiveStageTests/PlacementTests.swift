import SansIO
import ScenarioModel
import Testing

@testable import LiveStage

/// Addresses of a scenario in a network of this machine.
@Suite struct PlacementTests {
  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  private func literal(_ text: String, _ length: Int = 32) throws -> AddressLiteral {
    AddressLiteral(try address(text), prefixLength: length)
  }

  @Test func `the last two octets stay, and a range holds here what it holds in the file (RFC 4632 §3.1)`() throws {
    let literals = [try literal("198.51.100.10"), try literal("192.0.2.20"), try literal("192.0.2.0", 24), try literal("192.0.2.64", 26)]
    let plan = try #require(LoopbackPlan(literals))
    #expect(plan.places[literals[0]] == .init(number: 100 << 8 | 10, prefixLength: 32))
    #expect(plan.places[literals[2]] == .init(number: 2 << 8, prefixLength: 24))
    #expect(plan.places[literals[3]] == .init(number: 2 << 8 | 64, prefixLength: 26))
  }

  @Test(arguments: [
    ("192.0.0.0", 9, "192.128.0.1", "192.0.2.20"), ("192.0.2.0", 24, "203.0.2.7", "192.0.2.7"), ("10.0.0.0", 8, "11.0.0.1", "10.0.0.1"),
  ])
  func `where two octets do not tell, other bits do`(network: String, length: Int, outside: String, inside: String) throws {
    let (range, out, within) = (try literal(network, length), try literal(outside), try literal(inside))
    let plan = try #require(LoopbackPlan([range, out, within]))
    let place = try #require(plan.places[range])
    #expect(!place.contains(try #require(plan.places[out]).number))
    #expect(place.contains(try #require(plan.places[within]).number))
    #expect(plan.places[out]?.number != plan.places[within]?.number)
  }

  @Test func `addresses are found wherever a scenario writes them, sections of an RFC are not (RFC 3261 §13.2.2.4)`() throws {
    let scenario = try Scenario.read(
      """
      summary: As RFC 3261 §13.2.2.4 says of 192.0.2.99.
      proves: [RFC 3261 §13.2.2.4]
      policy: { allow: [192.0.2.0/24, "::ffff:203.0.113.128/121"] }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        wire: { wire: raw, address: 192.0.2.30 }
      steps:
        - send:
            from: wire
            to: kallglot
            message: |
              OPTIONS sip:198.51.100.10 SIP/2.0
              Via: SIP/2.0/UDP 192.0.2.30:5060;branch=z9hG4bK1
              c: 0.0.0.0 127.0.0.1 1.2.3.4.5 v1.2.3.4 224.2.1.1/127
      """, file: "x.yaml")
    #expect(
      scenario.addressLiterals == [
        try literal("192.0.2.0", 24), try literal("192.0.2.30"), try literal("198.51.100.10"), try literal("203.0.113.128", 25),
      ])
    let moved = try scenario.relocated {
      AddressLiteral(IPAddress(v4: 127 << 24 | UInt32($0.address.low & 0xFFFF)), prefixLength: $0.prefixLength)
    }
    #expect(moved.cast.map(\.address.description) == ["127.0.100.10", "127.0.2.30"])
    #expect(moved.policy.allow.map(\.description) == ["127.0.2.0/24", "127.0.113.128/25"])
    #expect(moved.steps[0].text.contains("OPTIONS sip:127.0.100.10 SIP/2.0"))
    #expect(moved.summary == scenario.summary && moved.proves == scenario.proves)
    #expect(moved.steps[0].place == scenario.steps[0].place)
  }

  @Test(arguments: [
    (
      "network: [{ between: [pbx, kallglot], delay: 20 ms }]",
      "the link between pbx and kallglot (delay 0.02 seconds) exists in virtual time only"
    ),
    ("network: [{ nat: home, inside: [pbx], outside: 203.0.113.7 }]", "the NAT 'home' exists in virtual time only"),
    ("", nil),
  ])
  func `what only virtual time has is said`(network: String, reason: String?) throws {
    let scenario = try Scenario.read(
      """
      summary: x
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20 }
      \(network)
      steps: [{ wait: 1 s }]
      """, file: "x.yaml")
    #expect(scenario.virtualMeans.first == reason)
  }
}
