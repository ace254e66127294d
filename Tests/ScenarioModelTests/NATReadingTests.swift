import SansIO
import Testing

@testable import ScenarioModel

private let cast = """
  summary: s
  cast:
    kallglot: { endpoint: default, address: 198.51.100.10 }
    pbx: { persona: plain-caller, address: 10.0.0.20 }
    branch: { persona: plain-caller, address: 10.0.0.21 }
    six: { persona: plain-caller, address: "2001:db8::1" }
  network:

  """

@Suite struct NATReadingTests {
  @Test func `a NAT has RFC 4787's defaults, and what is written`() throws {
    let text =
      cast + """
          - { nat: home, inside: pbx, outside: 203.0.113.7 }
          - { nat: office, inside: [branch], outside: 203.0.113.8, mapping: address-and-port, filtering: address, \
              lifetime: 30 s, tcpLifetime: 1 h, hairpin: off }
          - { between: [pbx, kallglot], delay: 5 ms }
        steps: []
        """
    let scenario = try Scenario.read(text, file: "x.yaml")
    #expect(
      scenario.nats == [
        NATGiven(
          name: "home", inside: ["pbx"], outside: IPAddress(v4: 0xCB00_7107), mapping: .endpointIndependent, filtering: .addressAndPort,
          lifetime: .seconds(300), streamLifetime: .seconds(7_440), hairpin: true),
        NATGiven(
          name: "office", inside: ["branch"], outside: IPAddress(v4: 0xCB00_7108), mapping: .addressAndPort, filtering: .address,
          lifetime: .seconds(30), streamLifetime: .seconds(3_600), hairpin: false),
      ])
    #expect(scenario.network.count == 1)
    let pbx = try #require(scenario.member("pbx"))
    #expect(scenario.address(of: pbx, seenBy: "kallglot").description == "203.0.113.7")
    #expect(scenario.address(of: pbx, seenBy: "pbx").description == "10.0.0.20")
  }

  @Test(arguments: [
    ("{ nat: home, inside: [pbx] }", "x.yaml:8:5: network[1]: the key 'outside' is missing"),
    (
      "{ nat: home, inside: [pbxx], outside: 203.0.113.7 }",
      "8:27: network[1].inside[1]: 'pbxx' is not one of kallglot, pbx, branch, six, did you mean 'pbx'?"
    ),
    ("{ nat: home, inside: [], outside: 203.0.113.7 }", "no member is behind this NAT"),
    ("{ nat: home, inside: [pbx, pbx], outside: 203.0.113.7 }", "pbx is listed twice"),
    ("{ nat: home, inside: [kallglot], outside: 203.0.113.7 }", "kallglot is the endpoint"),
    ("{ nat: home, inside: [six], outside: 203.0.113.7 }", "this NAT translates IPv4"),
    ("{ nat: home, inside: [pbx], outside: \"2001:db8::7\" }", "'2001:db8::7' is not an IPv4 address"),
    ("{ nat: home, inside: [pbx], outside: 10.0.0.21 }", "10.0.0.21 is the address of branch"),
    ("{ nat: pbx, inside: [branch], outside: 203.0.113.7 }", "'pbx' is a member of the cast"),
    ("{ nat: home, inside: [pbx], outside: 203.0.113.7, maping: address }", "unknown key 'maping' in network[1], did you mean 'mapping'?"),
    ("{ nat: home, inside: [pbx], outside: 203.0.113.7, filtering: address-and-prt }", "did you mean 'address-and-port'?"),
    ("{ nat: home, inside: [pbx], outside: 203.0.113.7, lifetime: 0 }", "the lifetime of a binding must be above 0"),
    (
      "{ nat: home, inside: [pbx], outside: 203.0.113.7 }\n  - { nat: home, inside: [branch], outside: 203.0.113.8 }",
      "9:12: network[2].nat: the NAT 'home' appears more than once"
    ),
    (
      "{ nat: home, inside: [pbx], outside: 203.0.113.7 }\n  - { nat: b, inside: [pbx], outside: 203.0.113.8 }",
      "pbx is already behind home"
    ),
    (
      "{ nat: home, inside: [pbx], outside: 203.0.113.7 }\n  - { nat: b, inside: [branch], outside: 203.0.113.7 }",
      "203.0.113.7 is the outside address of home"
    ),
  ])
  func `a mistake in a NAT is told with its place`(nat: String, expected: String) {
    #expect { try Scenario.read("\(cast)  - \(nat)\nsteps: []", file: "x.yaml") } throws: { error in
      guard "\(error)".contains(expected) else {
        Issue.record("\(error)")
        return false
      }
      return true
    }
  }

  @Test(arguments: [
    ("expect: { nat: hom, drops: expired }", "'hom' is not one of home, did you mean 'home'?"),
    ("expect: { nat: home, drops: expred }", "did you mean 'expired'?"),
    ("expect: { nat: home }", "x.yaml:10:13: steps[1].expect: expected one of the keys drops, maps"),
    ("expect: { nat: home, drops: expired, maps: pbx }", "only one of drops, maps is allowed here"),
    ("expect: { latched: kallglot, to: there }", "'there' is not an address such as 203.0.113.7, or one with a port"),
    ("call: { from: pbx, to: account acme }", "account 'acme' is not given"),
    ("inject: { from: pbx, to: kallglot, tone: 440 Hz }", "pbx is not a wire member"),
  ])
  func `a mistake in what is expected of a NAT is told`(step: String, expected: String) {
    let text = "\(cast)  - { nat: home, inside: [pbx], outside: 203.0.113.7 }\nsteps:\n  - \(step)"
    #expect { try Scenario.read(text, file: "x.yaml") } throws: { "\($0)".contains(expected) }
  }
}
