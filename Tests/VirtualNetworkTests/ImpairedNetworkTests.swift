import Impairments
import SansIO
import Testing

@testable import VirtualNetwork

@Suite struct ImpairedNetworkTests {
  private func run(_ pair: Pair, count: Int = 200) {
    for index in 0..<count {
      pair.simulation.run(until: milliseconds(Int64(index) * 20))
      pair.send("\(index)")
    }
    pair.simulation.run(until: milliseconds(20_000))
  }

  private func heavy() -> Impairment {
    var link = Impairment(
      delay: .milliseconds(20), jitter: Jitter(.gamma(mean: .milliseconds(10), shape: 2), correlation: .percent(50)),
      loss: .random(.percent(5)), duplicate: .percent(5), reordering: Reordering(.share(.percent(5))))
    if let bursts = GilbertElliott(rate: .percent(10), length: 3) { link.loss = .gilbertElliott(bursts) }
    link.bandwidth = Bandwidth(bitsPerSecond: 20_000, queue: .time(.milliseconds(60)), crossTraffic: 8_000)
    link.corruption = Corruption(.percent(3))
    link.outages = [Outage(from: .seconds(1), for: .milliseconds(200))]
    return link
  }

  @Test func `why a packet is lost is in its fate`() {
    let pair = Pair(link: heavy())
    run(pair, count: 1_000)
    let fates = Set(pair.sink.packets.map(\.fate))
    for cause in [LossCause.burst, .queueFull, .outage, .corrupted] { #expect(fates.contains(.lost(cause)), "\(cause)") }
    #expect(fates.isSuperset(of: [.delivered, .duplicated, .heldBack]))
    #expect(!fates.contains(.lost(.random)))
  }

  @Test func `recorded fates give the same packets without the draws, to the nanosecond`() throws {
    let first = Pair(link: heavy(), records: true)
    run(first)
    let plan = first.simulation.recordedFates
    #expect(plan.count > 100)
    let again = Pair(seed: 2, link: heavy(), fates: try FatePlan.parse(plan.text))
    run(again)
    #expect(again.sink.lines == first.sink.lines)
    #expect(again.second.log == first.second.log)
  }

  @Test func `what a plan leaves out takes the delay`() {
    let pair = Pair(link: heavy(), fates: FatePlan())
    run(pair, count: 50)
    #expect(pair.sink.packets.allSatisfy { $0.fate == .delivered })
    #expect(pair.second.log.count == 51)
  }

  @Test func `a link changes during the run: what is under way arrives, what comes later is treated anew`() {
    let pair = Pair(link: Impairment(delay: .milliseconds(30)))
    pair.simulation.run(until: milliseconds(10))
    pair.send("first")
    pair.simulation.run(until: milliseconds(20))
    pair.simulation.setLink(from: HostID(0), to: HostID(1), Impairment(loss: .always))
    pair.send("second")
    pair.simulation.run(until: milliseconds(50))
    pair.simulation.setLink(from: HostID(0), to: HostID(1), Impairment(delay: .milliseconds(5)))
    pair.send("third")
    pair.simulation.run(until: milliseconds(100))
    #expect(
      pair.second.log.dropFirst() == ["0.040 datagram first from 192.0.2.1:5060", "0.055 datagram third from 192.0.2.1:5060"])
  }

  @Test func `a link that is impaired twice does not lose the same packets twice`() {
    func lost(_ pair: Pair) -> [Bool] { pair.sink.packets.filter { $0.direction == .sent }.map { $0.fate == .lost(.random) } }
    let pair = Pair(link: .perfect)
    for round in 1...2 {
      pair.simulation.run(until: milliseconds(Int64(round) * 100))
      pair.simulation.setLink(from: HostID(0), to: HostID(1), Impairment(loss: .random(.percent(50))))
      for index in 0..<40 { pair.send("\(index)") }
    }
    let all = lost(pair)
    #expect(all[..<40] != all[40...])
  }

  @Test func `a flipped bit that passes the checksum arrives, and says that it is broken`() {
    var link = Impairment(delay: .milliseconds(5))
    link.corruption = Corruption(.always, passesChecksum: true)
    let pair = Pair(link: link)
    pair.simulation.run(until: milliseconds(1))
    pair.send("hello")
    pair.simulation.run(until: milliseconds(10))
    #expect(pair.sink.packets.map(\.fate) == [.corrupted, .corrupted])
    #expect(pair.sink.packets[0].payload.text == "hello")
    #expect(pair.sink.packets[1].payload.text != "hello")
    #expect(pair.sink.packets[1].label.isDeliberatelyBroken)
  }

  @Test func `a fault is over after its time, and wants packets of its direction alone`() {
    let pair = Pair(link: Impairment(delay: .milliseconds(1)))
    pair.simulation.run(until: milliseconds(10))
    var fault = Fault("drop RTP", sender: HostID(0), subject: .rtp(payloadType: 0), occurrences: 1...Int.max, action: .drop)
    (fault.receiver, fault.lifetime) = (HostID(1), .milliseconds(100))
    let number = pair.simulation.add(fault)
    var other = fault
    other.receiver = HostID(0)
    let unmet = pair.simulation.add(other)
    for index in 1..<15 {
      pair.simulation.run(until: milliseconds(Int64(index) * 20))
      pair.send("\(index)", Label(.rtp(payloadType: 8)))
    }
    #expect(pair.simulation.fault(number)?.struck == 5)
    #expect(pair.simulation.fault(unmet)?.seen == 0)
  }

  @Test func `the ACK of a 2xx is told from that of a refusal`() {
    let pair = Pair()
    var fault = Fault("drop the ACK of the 200", subject: .request("ACK"), occurrences: 1...Int.max, action: .drop)
    fault.acknowledged = 200
    let number = pair.simulation.add(fault)
    var (success, refusal) = (Label(.request("ACK")), Label(.request("ACK")))
    (success.acknowledgedStatus, refusal.acknowledgedStatus) = (200, 486)
    for label in [refusal, success, refusal] { pair.send("ACK", label) }
    #expect(pair.simulation.fault(number)?.struck == 1)
    #expect(pair.sink.packets.map(\.fate) == [.delivered, .dropped(fault: number), .delivered])
  }
}
