import Impairments
import SansIO
import Testing

@testable import ScenarioModel

@Suite struct ImpairmentReadingTests {
  private func link(_ keys: String, files: [String: String] = [:]) throws -> Impairment {
    let text = """
      summary: s
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        pbx: { persona: plain-caller, address: 192.0.2.20 }
      network:
        - { from: pbx, to: kallglot, \(keys) }
      steps: []
      """
    let read = ScenarioFile.read(text, file: "scenarios/x.yaml", loader: .files(files))
    if let problem = read.problems.first { throw problem }
    return try #require(read.scenarios.first?.network.first).impairment
  }

  @Test func `a link is read with every kind of jitter`() throws {
    #expect(try link("jitter: 8 ms").jitter == .uniform(.milliseconds(8)))
    #expect(
      try link("jitter: { gamma: 10 ms, shape: 3, correlation: 30 %, keepOrder: true }").jitter
        == Jitter(.gamma(mean: .milliseconds(10), shape: 3), correlation: .percent(30), keepsOrder: true))
    #expect(try link("jitter: { normal: 5 ms }").jitter == Jitter(.normal(.milliseconds(5))))
    #expect(try link("jitter: { fixed: 40 ms }").jitter == Jitter(.fixed(.milliseconds(40))))
  }

  @Test func `a link is read with every model of loss`() throws {
    #expect(try link("loss: 3 %").loss == .random(.percent(3)))
    let burst = try #require(GilbertElliott(rate: .percent(3), length: 2.5))
    #expect(try link("loss: { burst: { rate: 3 %, length: 2.5 } }").loss == .gilbertElliott(burst))
    #expect(
      try link("loss: { gilbertElliott: { toBad: 1 %, toGood: 25 %, inGood: 0.5 % } }").loss
        == .gilbertElliott(GilbertElliott(toBad: 0.01, toGood: 0.25, lossInGood: 0.005)))
    #expect(
      try link("loss: { states: { p13: 1 %, p31: 50 %, p32: 20 %, p23: 60 %, p14: 0.5 % } }").loss
        == .markov(FourStates(p13: 0.01, p31: 0.5, p32: 0.2, p23: 0.6, p14: 0.005)))
  }

  @Test func `a link is read with its bottleneck, its outages and all else`() throws {
    let read = try link(
      "delay: 20 ms, delaySteps: { after: 5 s, delay: 80 ms }, duplicate: 1 %, reorder: { every: 10, by: 40 ms }, bandwidth: 1.5 Mbit/s, "
        + "queue: 64 kB, crossTraffic: 900 kbit/s, outage: [{ from: 1 s, for: 2 s }, { for: 100 ms, every: 10 s }], corrupt: 2 %, "
        + "pastChecksum: true")
    var link = Impairment(
      delay: .milliseconds(20), duplicate: .percent(1), reordering: Reordering(.every(10), by: .milliseconds(40)))
    link.delaySteps = [DelayStep(after: .seconds(5), delay: .milliseconds(80))]
    link.bandwidth = Bandwidth(bitsPerSecond: 1_500_000, queue: .bytes(64_000), crossTraffic: 900_000)
    link.outages = [Outage(from: .seconds(1), for: .seconds(2)), Outage(for: .milliseconds(100), every: .seconds(10))]
    link.corruption = Corruption(.percent(2), passesChecksum: true)
    #expect(read == link)
  }

  @Test func `keys beside a preset are changes to it`() throws {
    var lte = ImpairmentPreset.lte.impairment
    #expect(try link("preset: lte") == lte)
    lte.loss = .random(.percent(5))
    #expect(try link("preset: lte, loss: 5 %") == lte)
  }

  @Test func `a pattern is a file beside the scenario, and a mistake in it has its place there`() throws {
    let read = try link("pattern: patterns/a.txt", files: ["scenarios/patterns/a.txt": "lost x 2\nlink\n"])
    #expect(read.list == PacketList([1: .lost(.listed), 2: .lost(.listed)], cycle: 3))
    #expect(
      throws: SourceProblem(
        file: "scenarios/patterns/a.txt", line: 2, column: 3, "'fast' is not 'lost' or a time such as '21.5 ms', or 'link'")
    ) {
      try link("pattern: patterns/a.txt", files: ["scenarios/patterns/a.txt": "lost\n  fast\n"])
    }
  }

  @Test func `fates are read by the numbers of their packets, and outlast what changes the link`() throws {
    let read = try link("fates: { 3: lost, 17: \"21.5 ms, again 30 ms\" }")
    #expect(read.list?.entries == [3: .lost(.listed), 17: try Passage.parse("21.5 ms, again 30 ms")])
    #expect(read.list?.outlastsChanges == true)
  }

  @Test(arguments: [
    ("the 50th to 80th RTP", 50...80, 0), ("the ACK of the 200", 1...1, 200), ("every ACK of the 202", 1...Int.max, 200),
    ("the 2nd ACK of the 486", 2...2, 486),
  ])
  func `messages are named by ranges, and ACKs by what they acknowledge`(text: String, occurrences: ClosedRange<Int>, status: Int) {
    let message = MessageText.parse(text)
    #expect(message?.occurrences == occurrences)
    #expect(message?.acknowledged == UInt16(status))
  }

  @Test(arguments: ["the 80th to 50th RTP", "the BYE of the 200", "the ACK of the 100", "the 5th to RTP", "the ACK of 200"])
  func `what names no message is refused`(text: String) { #expect(MessageText.parse(text) == nil) }
}
