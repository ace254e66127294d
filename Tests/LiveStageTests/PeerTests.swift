import LabTesting
import SansIO
import ScenarioEngine
import ScenarioModel
import Testing

@testable import LiveStage

/// Products of others in the places of members.
@Suite(.timeLimit(.minutes(15))) struct PeerTests {
  private let text = """
    product: Asterisk 22
    address: 127.31.1.2
    transport: tcp
    cannot: [hold, re-INVITE]
    commands:
      call: [asterisk, -rx, "channel originate PJSIP/trunk/{target} application Milliwatt"]
      hangUp: [asterisk, -rx, "hangup {callID}"]
    """

  @Test func `a peer file says where a product is, what it cannot do, and how it is asked`() throws {
    let peer = try PeerFile.read(text, file: "asterisk.yaml")
    #expect(peer.address.description == "127.31.1.2" && peer.transport == .tcp && peer.product == "Asterisk 22")
    #expect(peer.cannot == [.hold, .reinvite])
    #expect(
      peer.commands[.call]?.filled(["target": "sip:a@127.64.2.1:5060", "user": "a"]) == [
        "asterisk", "-rx", "channel originate PJSIP/trunk/sip:a@127.64.2.1:5060 application Milliwatt",
      ])
  }

  @Test(arguments: [
    ("address: 127.31.1.2\ncanot: [hold]", "p.yaml:2:1: unknown key 'canot', did you mean 'cannot'?"),
    ("address: 127.31.1.2\ncannot: [holt]", "p.yaml:2:10: cannot[1]: 'holt' is not one of"),
    ("address: 127.0.0.2\ncommands: { call: [x, \"{tarket}\"] }", "'{tarket}' is not a place of call, did you mean 'target'?"),
    ("address: 127.0.0.2\ncommands: { dial: [x] }", "did you mean 'call'?"),
  ])
  func `a mistake in a peer file is named with its place and the nearest word`(text: String, message: String) {
    let problem = #expect(throws: SourceProblem.self) { try PeerFile.read(text, file: "p.yaml") }
    #expect(problem?.description.contains(message) == true, "\(problem?.description ?? "")")
  }

  @Test func `a command runs without a shell, and its output is kept`() {
    #expect(PeerProcess.run(["/bin/echo", "$HOME; ls", "*"]) == .init(code: 0, output: "$HOME; ls *\n"))
    #expect(PeerProcess.run(["sh", "-c", "echo out; echo err >&2; exit 7"]) == .init(code: 7, output: "out\nerr\n"))
    #expect(PeerProcess.run(["/no/such/program"]) == .init(code: nil, output: "No such file or directory"))
  }

  private func scenario(_ steps: String, cast: String = "pbx: { persona: plain-caller, address: 192.0.2.20 }") throws -> Scenario {
    try Scenario.read(
      """
      summary: x
      given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        \(cast)
      steps:
      \(steps)
      """, file: "x.yaml")
  }

  @Test(arguments: [
    ([:], "peer.yaml at 192.0.2.1 does not reach 127/8, where kallglot would be: --at kallglot="),
    (["kallglot": "203.0.113.77"], "this machine does not have the address 203.0.113.77 for kallglot"),
    (["kalglot": "127.31.9.8"], "nobody in the scenario is called kalglot"),
    (["pbx": "127.31.9.8", "kallglot": "127.31.9.7"], "pbx is peer.yaml, which is where it is"),
  ])
  func `a product on another machine needs our members at addresses that it reaches`(own: [String: String], reason: String) async throws {
    var run = LiveRun(peers: ["pbx": try PeerFile.read("address: 192.0.2.1", file: "peer.yaml")])
    run.addresses = own.compactMapValues { IPAddress($0) }
    let result = await run.run(try scenario("  - wait: 1 ms"))
    #expect(result.verdict == .notApplicable && result.reason?.hasPrefix(reason) == true, "\(result.reason ?? "")")
  }

  @Test func `a member of ours is at the address of this machine that it is given`() async throws {
    var run = LiveRun()
    run.addresses = ["kallglot": try #require(IPAddress("127.31.250.9"))]
    let result = await run.run(try scenario("  - options: pbx\n  - expect: { pinged: pbx, status: 200, within: 8 s }"))
    let place = result.live?.first { $0.member == "kallglot" }
    #expect(result.verdict == .passed && place?.here == IPAddress("127.31.250.9"), "\(result.live ?? [])")
  }

  private func run(_ scenario: Scenario, _ peer: String) async throws -> ScenarioResult {
    await LiveRun(peers: ["pbx": try PeerFile.read(peer, file: "peer.yaml")]).run(scenario)
  }

  @Test(arguments: [
    ("  - hold: pbx", "address: 127.31.9.9\ncannot: [hold]", "nobody"),
    ("  - register: pbx", "address: 127.31.9.9\ncannot: [register]", "pbx is peer.yaml, which cannot register"),
    ("  - register: pbx", "address: 127.31.9.9", "peer.yaml has no command 'register': pbx, which is peer.yaml, cannot register"),
    (
      "  - expect: { hears: pbx, tone: 440 Hz }", "address: 127.31.9.9",
      "no packet shows whether pbx hears 440 Hz, and peer.yaml says nothing of itself"
    ),
    ("  - wait: 1 s", "address: 127.31.9.9\ntransport: tcp", "pbx calls over udp in the scenario, peer.yaml over tcp"),
  ])
  func `what a product cannot do does not apply, with its sentence`(steps: String, peer: String, reason: String) async throws {
    let result = try await run(try scenario(steps), peer)
    // Whoever has no call has none to hold: that is the scenario's own mistake.
    if reason == "nobody" { return #expect(result.verdict == .failed) }
    #expect(result.verdict == .notApplicable)
    #expect(result.reason == reason)
  }

  @Test func `a command that fails makes the run void with its output`() async throws {
    let result = try await run(
      try scenario("  - call: { from: pbx, to: session demo, as: leg }\n  - expect: { leg: leg, is: established, within: 5 s }"),
      "address: 127.31.9.9\ncommands: { call: [sh, -c, \"echo {target} {call} {user}; exit 2\"] }")
    #expect(result.verdict == .void)
    #expect(result.reason?.contains("the command of pbx ended with exit code 2") == true, "\(result.reason ?? "")")
    #expect(result.reason?.hasSuffix("100.10:5060 leg sess_demo\n") == true, "\(result.reason ?? "")")
  }
}
