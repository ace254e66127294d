import Impairments
import SansIO
import ScenarioModel
import Testing

@testable import ScenarioEngine

@Suite struct ShrinkerTests {
  /// The call comes up only when the first INVITE and its 200 arrive at once.
  private let text = """
    summary: s
    policy: { authentication: none }
    given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
    cast:
      kallglot: { endpoint: default, address: 198.51.100.10 }
      pbx: { persona: plain-caller, address: 192.0.2.20, account: acme }
    network:
      - { between: [pbx, kallglot], delay: 10 ms, jitter: 5 ms, loss: 40 % }
    steps:
      - options: pbx
      - wait: 2 s
      - call: { from: pbx, to: session demo, as: leg }
      - expect: { leg: leg, is: established, within: 200 ms }
      - wait: 2 s
    """

  private func scenario() throws -> Scenario { try Scenario.read(text, file: "x.yaml") }

  /// A seed with which it fails.
  private func failing(_ scenario: Scenario) throws -> UInt64 {
    try #require((1...20 as ClosedRange<UInt64>).first { VirtualRun.run(scenario, seed: $0).verdict == .failed })
  }

  @Test func `a replay of recorded fates is the same run, packet by packet`() throws {
    let scenario = try scenario()
    let (first, second) = (PacketLog(), PacketLog())
    let recorded = VirtualRun.run(scenario, seed: 3, fates: .recorded, observers: [first])
    let plan = try FatePlan.parse(try #require(recorded.fates).text)
    let replayed = VirtualRun.run(scenario, seed: 3, fates: .replayed(plan), observers: [second])
    #expect(plan.count > 5)
    #expect(first.lines == second.lines && !first.lines.isEmpty)
    #expect(replayed.verdict == recorded.verdict)
  }

  @Test func `recording changes nothing of a run`() throws {
    let (first, second) = (PacketLog(), PacketLog())
    _ = VirtualRun.run(try scenario(), seed: 3, observers: [first])
    _ = VirtualRun.run(try scenario(), seed: 3, fates: .recorded, observers: [second])
    #expect(first.lines == second.lines)
  }

  @Test func `a failing run shrinks to the packets and steps that matter, and fails by itself`() throws {
    let scenario = try scenario()
    let seed = try failing(scenario)
    var shrinker = Shrinker(scenario, seed: seed)
    let shrunk = try shrinker.shrink()
    #expect((1...2).contains(shrunk.fates.count) && shrunk.fatesBefore > 10)
    #expect(shrunk.fates.entries.allSatisfy { $0.passage.first == nil })
    // The ping stays where its packets give the others their numbers.
    #expect(shrunk.steps == [2, 3] || shrunk.steps == [0, 2, 3])
    let read = try Scenario.read(shrunk.text, file: "left.yaml")
    #expect(VirtualRun.run(read, seed: shrunk.needsSeed ? seed : 1).verdict == .failed)
    // Without its one fate it passes: that is what mattered.
    let healed = shrunk.text.split(separator: "\n").map { line in
      line.contains("fates:")
        ? String(line.prefix(upTo: line.firstRange(of: ", fates:")?.lowerBound ?? line.endIndex)) + " }" : String(line)
    }.joined(separator: "\n")
    #expect(VirtualRun.run(try Scenario.read(healed, file: "left.yaml"), seed: shrunk.needsSeed ? seed : 1).verdict == .passed)
  }

  @Test func `what passes is not shrunk`() throws {
    var shrinker = Shrinker(try Scenario.read(text.replacing("40 %", with: "0"), file: "x.yaml"), seed: 1)
    #expect(throws: Shrinker.Refusal.didNotFail(.passed)) { try shrinker.shrink() }
  }
}

private final class PacketLog: JournalSink {
  var lines: [String] = []
  func hostAdded(_ host: HostID, name: String) {}
  func packet(_ packet: PacketRecord) {
    lines.append("\(packet.at) \(packet.host.rawValue) \(packet.direction) \(packet.source) \(packet.payload.count) \(packet.fate)")
  }
  func record(_ record: JournalRecord) {}
  func finish(at now: Instant) {}
}
