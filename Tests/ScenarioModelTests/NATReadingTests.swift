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
    ("{ nat: home, inside: [], outside: 203.0.113.7 }", "no member is behind it"),
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
    ("{ nat: home, inside: [pbx], outside: 203.0.113.7, prefix: \"64:ff9b::\" }", "with a 'prefix' this NAT translates IPv6"),
    ("{ nat: home, inside: [six], outside: 203.0.113.7, prefix: \"64:ff9b::1\" }", "is not an IPv6 prefix whose last 32 bits are 0"),
    ("{ nat: home, inside: [pbx], outside: 203.0.113.7, alg: wel }", "did you mean 'well'?"),
    ("{ nat: home, inside: [pbx], outside: 203.0.113.7, ports: odd }", "preserve, parity, contiguous, random, overload"),
    ("{ nat: home, inside: [pbx], outside: 203.0.113.7, forwards: [{ port: 5060, to: branch }] }", "branch is not directly behind home"),
    (
      "{ nat: home, inside: [pbx], outside: 203.0.113.7, forwards: [{ port: 5060, to: pbx }, { port: 5060, to: pbx }] }",
      "port 5060 is forwarded more than once"
    ),
    ("{ nat: home, inside: [office], outside: 203.0.113.7 }", "'office' is not one of"),
    ("{ firewall: edge, inside: [pbx], idle: 0 }", "the lifetime of a pinhole must be above 0"),
    ("{ firewall: pbx, inside: [branch] }", "'pbx' is a member of the cast"),
    ("{ firewall: edge, inside: [] }", "no member is behind it"),
    (
      "{ firewall: edge, inside: [pbx] }\n  - { firewall: edge, inside: [branch] }", "the firewall 'edge' appears more than once"
    ),
    ("{ firewall: edge, inside: [pbx] }\n  - { nat: home, inside: [pbx], outside: 203.0.113.7 }", "pbx is already behind edge"),
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
    ("expect: { nat: home, drops: expired, maps: pbx }", "only one of drops, maps, rewrites is allowed here"),
    ("expect: { latched: kallglot, to: there }", "'there' is not an address such as 203.0.113.7, or one with a port"),
    ("call: { from: pbx, to: account acme }", "account 'acme' is not given"),
    ("inject: { from: pbx, to: kallglot, tone: 440 Hz }", "pbx is not a wire member"),
  ])
  func `a mistake in what is expected of a NAT is told`(step: String, expected: String) {
    let text = "\(cast)  - { nat: home, inside: [pbx], outside: 203.0.113.7 }\nsteps:\n  - \(step)"
    #expect { try Scenario.read(text, file: "x.yaml") } throws: { "\($0)".contains(expected) }
  }

  @Test func `a NAT behind a NAT behind a firewall is reached at the outermost address, and a viewer inside sees less of it`() throws {
    let text =
      cast + """
          - { nat: home, inside: [pbx], outside: 100.64.0.7, ports: random, refresh: both, alg: keeps-contact, \
              forwards: [{ port: 5062, to: pbx }] }
          - { nat: carrier, inside: [home, branch], outside: 203.0.113.7 }
          - { firewall: edge, inside: carrier, idle: 20 s, tcpIdle: 1 min, refresh: inbound, allows: [5060, 5062] }
        steps:
          - reboot: edge
          - reboot: { box: home, outside: 100.64.0.9 }
          - move: { member: pbx, to: 10.0.0.99 }
        """
    let scenario = try Scenario.read(text, file: "x.yaml")
    let home = try #require(scenario.nats.first)
    #expect(home.ports == .random && home.refresh == .both && home.gateway == .keepsContact)
    #expect(home.forwards == [NATGiven.Forward(port: 5062, member: "pbx", inside: 5062)])
    #expect(
      scenario.firewalls == [
        FirewallGiven(
          name: "edge", inside: ["carrier"], idle: .seconds(20), streamIdle: .seconds(60), refresh: .inbound, allows: [5060, 5062])
      ])
    let pbx = try #require(scenario.member("pbx"))
    #expect(scenario.boxes(around: "pbx").map(\.name) == ["home", "carrier", "edge"])
    #expect(scenario.address(of: pbx, seenBy: "kallglot").description == "203.0.113.7")
    #expect(scenario.address(of: pbx, seenBy: "branch").description == "100.64.0.7")
    let names = ["10.0.0.99", "100.64.0.9", "203.0.113.7"].map { IPAddress($0).flatMap { scenario.name(of: $0) } }
    #expect(names == ["pbx", "pbx", "NAT carrier"])
    #expect(scenario.addresses(of: "pbx").map(\.description) == ["10.0.0.20", "100.64.0.7", "203.0.113.7", "10.0.0.99", "100.64.0.9"])
  }

  @Test func `behind a NAT64 a member with IPv6 reaches others below its prefix, and is reached at the outside address`() throws {
    let scenario = try Scenario.read(
      cast + "  - { nat: six4, inside: [six], outside: 203.0.113.7, prefix: \"64:ff9b::\" }\nsteps: []", file: "x.yaml")
    let (pbx, six) = (try #require(scenario.member("pbx")), try #require(scenario.member("six")))
    #expect(scenario.address(of: pbx, seenBy: "six").description == "64:ff9b::a00:14")
    #expect(scenario.address(of: six, seenBy: "pbx").description == "203.0.113.7")
  }

  @Test(arguments: [
    ("reboot: home", "'home' is not a NAT or firewall: network has none", ""),
    ("reboot: hom", "did you mean 'home'?", "{ nat: home, inside: [pbx], outside: 203.0.113.7 }"),
    ("reboot: { box: edge, outside: 203.0.113.9 }", "edge is a firewall, which has no outside address", "{ firewall: edge, inside: pbx }"),
    ("reboot: { box: home, outside: 10.0.0.21 }", "10.0.0.21 is the address of branch", "{ nat: home, inside: pbx, outside: 203.0.113.7 }"),
    ("move: { member: kallglot, to: 192.0.2.7 }", "kallglot is the endpoint", ""),
    ("move: { member: pbx, to: 10.0.0.21 }", "10.0.0.21 is the address of branch", ""),
    ("move: { member: pbx, to: \"2001:db8::7\" }", "is of another family than the address of pbx", ""),
  ])
  func `a step that reboots or moves what it cannot is told`(step: String, expected: String, network: String) {
    let boxes = network.isEmpty ? "  []" : "  - \(network)"
    #expect { try Scenario.read("\(cast)\(boxes)\nsteps: [{ \(step) }]", file: "x.yaml") } throws: { error in
      guard "\(error)".contains(expected) else {
        Issue.record("\(error)")
        return false
      }
      return true
    }
  }
}
