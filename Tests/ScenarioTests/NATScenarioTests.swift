import LabTesting
import ScenarioEngine
import ScenarioModel
import Testing

@Suite struct NATScenarioTests {
  private func changed(_ name: String, _ old: String, _ new: String) throws -> ScenarioResult {
    let file = "\(Place.root)/scenarios/nat/\(name).yaml"
    let text = try ScenarioLibrary.text(of: file)
    #expect(text.contains(old), "\(name) has no '\(old)'")
    return ScenarioSuite.run(try Scenario.read(text.replacing(old, with: new), file: file))
  }

  @Test(arguments: [
    ("registers-and-is-called", "lifetime: 30 s", "lifetime: 1 ms"),
    ("registers-and-is-called-tcp", "outside: 203.0.113.7", "outside: 203.0.113.7, tcpLifetime: 1 min"),
    ("private-contact-flow", "allowViolations:", "policy: { natContact: contact }\nallowViolations:"),
    ("private-contact-by-the-book", "natContact: contact", "natContact: flow"),
    ("private-sdp-latching", "address: 10.0.0.20", "address: 192.0.2.20"),
    ("symmetric-nat-latching", "mapping: address-and-port", "mapping: endpoint-independent"),
    ("binding-expires", "lifetime: 30 s", "lifetime: 1 min"),
    ("keep-alive-holds-binding", "lifetime: 30 s", "lifetime: 15 s"),
    ("stranger-filtered", "filtering: address-and-port", "filtering: endpoint-independent"),
    ("full-cone-lets-in", "filtering: endpoint-independent", "filtering: address"),
    ("second-source-does-not-steal", ", rtp-source", ""),
    ("two-behind-one-address", "inside: [acmePBX, boltPBX]", "inside: [acmePBX]"),
    ("allowlist-counts-the-outside", "allow: [203.0.113.7]", "allow: [10.0.0.20]"),
  ])
  func `a NAT scenario fails when what it is about is taken away`(name: String, old: String, new: String) throws {
    #expect(try changed(name, old, new).verdict == .failed)
  }

  @Test func `a finding names what a NAT dropped while the step waited (RFC 4787 §4.3)`() throws {
    let result = try changed(
      "binding-expires", "- expect: { nat: home, drops: expired, from: kallglot, times: 7, within: 35 s }",
      "- expect: { leg: leg, is: established, within: 2 s }")
    let causes = try #require(result.findings.first).because
    #expect(causes.contains(.nat("home", .expired, source: "kallglot", count: 3)), "\(causes)")
  }
}
