import Defects
import Testing

@testable import ScenarioModel

@Suite struct DefectReadingTests {
  private func read(endpoint: String = "", persona: String = "", wire: String = "") throws -> Scenario {
    try Scenario.read(
      """
      summary: a call
      proves: [CALL-01]
      given: { accounts: { acme: { username: acme } }, sessions: { demo: { account: acme } } }
      policy: { maxConcurrentCalls: 3 }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10\(endpoint) }
        pbx: { persona: plain-caller, address: 192.0.2.20, account: acme\(persona) }
        wire: { wire: raw, address: 192.0.2.30\(wire) }
      network:
        - { nat: home, inside: pbx, outside: 203.0.113.7, lifetime: 30 s }
      steps:
        - call: { from: pbx, to: session demo, as: leg }
        - send: { from: wire, to: kallglot, message: "x" }
        - expect: { leg: leg, is: established }
      """, file: "x.yaml")
  }

  private func mistake(endpoint: String = "", persona: String = "", wire: String = "") -> String {
    do { _ = try read(endpoint: endpoint, persona: persona, wire: wire) } catch { return "\(error)" }
    return "none"
  }

  @Test func `a member has one defect or several`() throws {
    let scenario = try read(endpoint: ", defect: cap-off-by-one", persona: ", defect: [marker-never-set, nat-binding-never-expires]")
    #expect(scenario.member("kallglot")?.defects.map(\.name) == ["cap-off-by-one"])
    #expect(scenario.member("pbx")?.defects.map(\.name) == ["marker-never-set", "nat-binding-never-expires"])
    #expect(scenario.member("wire")?.defects == [])
  }

  @Test func `a misspelt defect is told the one that was meant, not all of them`() {
    let text = mistake(endpoint: ", defect: rtcp-without-cnam")
    #expect(
      text.contains("'rtcp-without-cnam' is not one of \(DefectCatalogue.all.count) words that 'kallglot-lab schema --reference' lists"))
    #expect(text.hasSuffix(", did you mean 'rtcp-without-cname'?"))
  }

  @Test func `a mistake in the endpoint is one mistake: what needs an endpoint does not miss it`() {
    let text = """
      summary: s
      policy: { authentication: none }
      cast: { kallglot: { endpoint: default, address: 198.51.100 }, pbx: { persona: plain-caller, address: 192.0.2.20 } }
      steps:
        - options: pbx
        - expect: { pinged: pbx, status: 200, within: 1 s }
      """
    let problems = ScenarioFile.read(text, file: "x.yaml").problems.map(\.description)
    #expect(problems.count == 1 && problems[0].hasPrefix("x.yaml:3:"), "\(problems)")
  }

  @Test func `the endpoint's policy and a member's NAT are what their defects make of them, the scenario keeps what it gives`() throws {
    let scenario = try read(endpoint: ", defect: cap-off-by-one", persona: ", defect: nat-binding-never-expires")
    #expect((scenario.policy.maxConcurrentCalls, scenario.policyOfEndpoint.maxConcurrentCalls) == (3, 4))
    #expect(scenario.nats.first?.lifetime == .seconds(30))
    #expect(scenario.natsAsTheyAre.first?.lifetime == .seconds(1_000_000))
  }

  @Test func `a defect can be planted at the members whose role it is for, one of a NAT at those behind one`() throws {
    let scenario = try read()
    let names = { (name: String) in DefectCatalogue.defect(name).map { scenario.members(for: $0).map(\.name) } }
    #expect(names("cap-off-by-one") == ["kallglot"])
    #expect(names("nat-binding-never-expires") == ["pbx"])
    #expect(names("marker-never-set") == ["kallglot", "pbx"])
    let planted = scenario.planting([try #require(DefectCatalogue.defect("no-rtcp"))], at: "pbx")
    #expect(planted.cast.map { $0.defects.map(\.name) } == [[], ["no-rtcp"], []])
  }

  @Test func `a defect that is unknown is a mistake with its place and the nearest word`() {
    let text = mistake(persona: ", defect: marker-never-sett")
    #expect(text.hasPrefix("x.yaml:7:"), "\(text)")
    #expect(text.contains("did you mean 'marker-never-set'?"), "\(text)")
  }

  @Test func `a defect of the endpoint's is a mistake at a persona, and any is one at a wire member`() {
    let persona = mistake(persona: ", defect: [no-rtcp, cap-off-by-one]")
    #expect(persona.hasPrefix("x.yaml:7:"), "\(persona)")
    #expect(persona.contains("the defect 'cap-off-by-one' is one of the endpoint"), "\(persona)")
    #expect(mistake(wire: ", defect: no-rtcp").contains("'defect' goes only with"))
  }
}
