import SansIO
import Testing

@testable import Impairments

@Suite struct LinkTests {
  private func link(_ change: (inout Impairment) -> Void) -> Impairment {
    var impairment = Impairment(delay: .milliseconds(10))
    change(&impairment)
    return impairment
  }

  // MARK: - Bandwidth

  @Test func `a packet takes its bits at the bottleneck's rate, headers counted, and waits for those before it`() {
    // 200 octets at 80 kbit/s take 20 ms: two at once, the second waits.
    let link = link { $0.bandwidth = Bandwidth(bitsPerSecond: 80_000, queue: .time(.seconds(1))) }
    #expect(link.passages(3, every: 0).map(\.first) == [30_000_000, 50_000_000, 70_000_000])
    #expect(link.passages(3).map(\.first) == [30_000_000, 30_000_000, 30_000_000])
  }

  @Test func `delay grows with the queue up to its length, and then its end is dropped (bufferbloat)`() {
    for queue in [Bandwidth.Queue.bytes(2_000), .time(.milliseconds(200))] {
      // 80 kbit/s carry a packet of 200 octets every 20 ms; twice as many come.
      let link = link { $0.bandwidth = Bandwidth(bitsPerSecond: 80_000, queue: queue) }
      let passages = link.passages(400, every: 10_000_000)
      let delays = passages.compactMap(\.first)
      #expect(delays.max() == 210_000_000)
      #expect(passages[..<10].allSatisfy { $0.first != nil })
      #expect(isNear(passages.lossRate, 0.5, within: 0.05))
      #expect(passages.allSatisfy { $0.first != nil || $0.cause == .queueFull })
    }
  }

  @Test func `a packet that finds the queue empty is sent, however small the queue`() {
    let link = link { $0.bandwidth = Bandwidth(bitsPerSecond: 80_000, queue: .bytes(0)) }
    #expect(link.passages(50).allSatisfy { $0.first == 30_000_000 })
    #expect(link.passages(2, every: 0).map(\.first) == [30_000_000, nil])
  }

  @Test func `what others send fills the same queue`() {
    func delays(_ crossTraffic: Int) -> ([Passage], Sample) {
      let link = link { $0.bandwidth = Bandwidth(bitsPerSecond: 1_000_000, queue: .time(.milliseconds(500)), crossTraffic: crossTraffic) }
      return (link.passages(20_000), Sample(link.passages(20_000).compactMap { $0.first.map { Double($0) / 1e6 } }))
    }
    // 200 octets take 1.6 ms; the mean wait of M/D/1 with a load of 0.5 and 12 ms a packet is 6 ms, and ours are 8 % more.
    #expect(isNear(delays(0).1.mean, 11.6, within: 1e-6))
    #expect(isNear(delays(500_000).1.mean, 11.6 + 7.5, within: 1.5))
    // More than the line carries: the queue is full, and what is too much is dropped.
    let (passages, overload) = delays(1_200_000)
    #expect(overload.mean > 450)
    // Small packets find room where large ones do not.
    #expect((0.001...0.02).contains(passages.lossRate))
  }

  @Test func `what waits in a queue is not overtaken when the link becomes wide again`() {
    var narrow = ImpairedLink(
      link { $0.bandwidth = Bandwidth(bitsPerSecond: 80_000, queue: .time(.seconds(1))) }, generator: SeededGenerator(seed: 1))
    for _ in 0..<10 { _ = narrow.pass(.datagram, octets: 200, at: .zero) }
    let now = Instant(nanoseconds: 50_000_000)
    #expect(narrow.isBusy(at: now, delay: 10_000_000))
    var wide = ImpairedLink(link { _ in }, at: now, after: narrow, generator: SeededGenerator(seed: 1))
    #expect(wide.pass(.datagram, octets: 200, at: now).first == 160_000_000)
    #expect(wide.pass(.datagram, octets: 200, at: Instant(nanoseconds: 300_000_000)).first == 10_000_000)
  }

  // MARK: - Outages and delay steps

  @Test func `an outage takes everything that is sent then, and nothing else`() {
    let once = link { $0.outages = [Outage(from: .milliseconds(100), for: .milliseconds(60))] }.passages(20)
    #expect(once.enumerated().filter { $1.first == nil }.map(\.offset) == [5, 6, 7])
    #expect(once.allSatisfy { $0.first != nil || $0.cause == .outage })
    let periodic = link { $0.outages = [Outage(from: .milliseconds(40), for: .milliseconds(20), every: .milliseconds(200))] }.passages(30)
    #expect(periodic.enumerated().filter { $1.first == nil }.map(\.offset) == [2, 12, 22])
  }

  @Test func `an acknowledgement waits for the end of an outage instead of being lost`() {
    var down = ImpairedLink(link { $0.outages = [Outage(for: .milliseconds(60))] }, generator: SeededGenerator(seed: 1))
    #expect(down.pass(.acknowledgement, octets: 40, at: Instant(nanoseconds: 20_000_000)).first == 50_000_000)
    #expect(down.pass(.segment, octets: 40, at: Instant(nanoseconds: 20_000_000)) == .lost(.outage))
  }

  @Test func `outages and delay steps count from when the link got them`() {
    let impairment = link {
      $0.outages = [Outage(for: .milliseconds(30))]
      $0.delaySteps = [DelayStep(after: .milliseconds(50), delay: .milliseconds(70))]
    }
    var link = ImpairedLink(impairment, at: Instant(nanoseconds: 1_000_000_000), generator: SeededGenerator(seed: 1))
    let passages = (0..<4).map { link.pass(.datagram, octets: 200, at: Instant(nanoseconds: 1_000_000_000 + $0 * 20_000_000)) }
    #expect(passages.map(\.first) == [nil, nil, 10_000_000, 70_000_000])
  }

  // MARK: - Order, copies, damage

  @Test func `every n-th datagram, or a share of them, is held back`() {
    let gap = link { $0.reordering = Reordering(.every(5), by: .milliseconds(50)) }.passages(10)
    #expect(gap.map(\.first) == [10, 10, 10, 10, 60, 10, 10, 10, 10, 60].map { $0 * 1_000_000 })
    #expect(gap.map(\.fate).count { $0 == .heldBack } == 2)
    let share = link { $0.reordering = Reordering(.share(.percent(10)), by: .milliseconds(50)) }.passages(20_000)
    #expect(isNear(Double(share.count(where: \.isHeldBack)) / 20_000, 0.1, within: 0.007))
  }

  @Test func `a share of the datagrams comes twice, and no segment does`() {
    let passages = link { $0.duplicate = .percent(20) }.passages(20_000)
    #expect(isNear(Double(passages.count { $0.second != nil }) / 20_000, 0.2, within: 0.01))
    var link = ImpairedLink(link { $0.duplicate = .always }, generator: SeededGenerator(seed: 1))
    #expect(link.pass(.segment, octets: 100, at: .zero).second == nil)
  }

  @Test func `a flipped bit is found by the checksum, unless it is told to pass: then it is one bit`() {
    let lost = link { $0.corruption = Corruption(.percent(5)) }.passages(20_000)
    #expect(isNear(lost.lossRate, 0.05, within: 0.005))
    #expect(lost.allSatisfy { $0.first != nil || $0.cause == .corrupted })
    let passed = link { $0.corruption = Corruption(.percent(5), passesChecksum: true) }.passages(20_000)
    #expect(passed.lossRate == 0)
    let payload = Bytes([UInt8](repeating: 0, count: 20))
    for passage in passed where passage.flippedBit != nil {
      #expect(passage.damaged(payload).array.reduce(0) { $0 + $1.nonzeroBitCount } == 1)
      #expect(passage.fate == .corrupted)
    }
    #expect(passed.count { $0.flippedBit != nil } > 800)
  }

  // MARK: - Lists and presets

  @Test func `what is listed has nothing of the models`() {
    let link = link {
      $0.loss = .always
      $0.list = PacketList([2: Passage(after: 5_000_000)])
    }
    #expect(link.passages(3).map(\.first) == [nil, 5_000_000, nil])
  }

  @Test func `packets keep their numbers when the impairment changes`() {
    let listed = link { $0.list = PacketList([4: .lost(.listed)]) }
    var before = ImpairedLink(link { _ in }, generator: SeededGenerator(seed: 1))
    for _ in 0..<2 { _ = before.pass(.datagram, octets: 100, at: .zero) }
    var link = ImpairedLink(listed, after: before, generator: SeededGenerator(seed: 1))
    #expect((0..<3).map { _ in link.pass(.datagram, octets: 100, at: .zero).first } == [10_000_000, nil, 10_000_000])
    #expect(link.packets == 5)
  }

  @Test(arguments: ImpairmentPreset.allCases)
  func `a preset loses no more than a call survives`(preset: ImpairmentPreset) {
    let passages = preset.impairment.passages(20_000)
    #expect(passages.lossRate < 0.03)
    #expect(!preset.impairment.isSteady)
  }

  @Test func `an upload on a DSL line is seen as delay of hundreds of milliseconds`() {
    let delays = ImpairmentPreset.dslUplinkFull.impairment.delays(20_000)
    #expect(delays.mean > 100)
    #expect(delays.values.allSatisfy { $0 <= 515.001 })
  }

  @Test func `whatever does nothing is steady`() {
    #expect(Impairment.perfect.isSteady)
    #expect(Impairment(delay: .seconds(1), jitter: Jitter(.normal(.zero), correlation: .percent(50))).isSteady)
    #expect(!Impairment(loss: .random(Ratio(1, of: 1_000_000))).isSteady)
  }
}
