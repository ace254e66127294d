import LabTesting
import SansIO
import ScenarioEngine
import ScenarioModel
import Testing

@testable import LiveStage

/// The same hosts and the same engine, on the virtual stage and on real sockets of this machine.
@Suite(.serialized, .timeLimit(.minutes(15))) struct BothWorldsTests {
  private func scenario(_ transport: String) throws -> Scenario {
    try Scenario.read(
      """
      summary: a call
      given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20, transport: \(transport), account: acme }
      steps:
        - call: { from: pbx, to: session demo, as: leg }
        - expect: { leg: leg, is: established, within: 2 s }
        - speak: { who: pbx, tone: 440 Hz, for: 1 s }
        - expect: { hears: kallglot, tone: 440 Hz, within: 2 s }
        - hangUp: pbx
        - expect: { leg: leg, is: ended, because: hang-up, within: 2 s }
      """, file: "x.yaml")
  }

  @Test(arguments: ["udp", "tcp", "tls"])
  func `one script passes in both worlds, and each host sends the same messages in them`(transport: String) async throws {
    let scenario = try scenario(transport)
    let (virtual, live) = (Transcript(), Transcript())
    let first = try VirtualStage(scenario, seed: 1, sinks: [virtual]).run()
    let stage = try LiveStage(scenario, sinks: [live])
    let second = await stage.run()
    #expect(stage.droppedTasks == 0)
    #expect(first.verdict == .passed, "\(ScenarioSuite.explanation(first))")
    #expect(second.verdict == .passed, "\(ScenarioSuite.explanation(second))")
    for host in ["pbx", "kallglot"] { #expect(live.lines(of: host) == virtual.lines(of: host)) }
    if transport != "tls" {
      #expect(virtual.lines(of: "pbx") == ["INVITE", "ACK", "INVITE", "ACK", "BYE"].map { "pbx: \($0)" })
    }
  }

  @Test func `a live run never uses the seed: two of them share no identifier`() async throws {
    final class CallIDs: JournalSink, @unchecked Sendable {
      var found: Set<String> = []
      func hostAdded(_ host: HostID, name: String) {}
      func packet(_ packet: PacketRecord) {
        for line in packet.payload.text.split(separator: "\r\n")
        where line.hasPrefix("Call-ID:") || line.contains("nonce=") || line.hasPrefix("From:") {
          found.insert(String(line))
        }
      }
      func record(_ record: JournalRecord) {}
      func finish(at now: Instant) {}
    }
    let scenario = try scenario("udp")
    let (first, second, virtual, again) = (CallIDs(), CallIDs(), CallIDs(), CallIDs())
    _ = try await LiveStage(scenario, sinks: [first]).run()
    _ = try await LiveStage(scenario, sinks: [second]).run()
    _ = try VirtualStage(scenario, seed: 0, sinks: [virtual]).run()
    _ = try VirtualStage(scenario, seed: 0, sinks: [again]).run()
    #expect(first.found.count >= 3)
    #expect(first.found.isDisjoint(with: second.found))
    #expect(first.found.isDisjoint(with: virtual.found))
    #expect(virtual.found == again.found)
  }
}
