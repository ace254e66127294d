import SansIO
import Testing

@testable import RTP

@Suite struct ReceptionLedgerTests {
  private let packet: Int64 = 20_000_000

  /// Packets of 20 ms by their numbers, each at its time but where it says otherwise.
  private func ledger(_ numbers: [Int], from first: UInt16 = 0, interval: Int64 = 5_000_000_000) -> ReceptionLedger {
    var ledger = ReceptionLedger(interval: interval)
    var newest = 0
    for number in numbers {
      newest = max(newest, number)
      ledger.take(first &+ UInt16(truncatingIfNeeded: number), at: Int64(newest) * packet, jitter: 1)
    }
    return ledger
  }

  @Test func `a number that is jumped over is lost until it comes, and a copy is none of both (RFC 3550 §A.1)`() {
    let figures = ledger([0, 1, 4, 3, 3, 5, 1]).figures
    #expect(figures.loss.received == 5 && figures.loss.lost == 1)
    #expect(figures.reordered == 1 && figures.duplicates == 2)
  }

  @Test func `the wrap of 16 bits is nothing special (RFC 3550 §A.1)`() {
    let figures = ledger(Array(0..<100).filter { $0 != 36 }, from: 65_500).figures
    #expect(figures.loss.received == 99 && figures.loss.lost == 1)
  }

  @Test func `an outage of five seconds is in the interval in which it was, and the later ones are whole`() {
    let figures = ledger(Array(0..<2_000).filter { !(500..<750).contains($0) }).figures
    #expect(figures.windows.map(\.loss.lost) == [0, 0, 250, 0, 0, 0, 0, 0])
    #expect(figures.worst?.start == 10_000_000_000)
    #expect(figures.loss.lost == 250 && figures.loss.received == 1_750)
  }

  @Test func `a silence is no loss, and its interval has no packets`() {
    var ledger = ReceptionLedger()
    for number in 0..<200 { ledger.take(UInt16(number), at: Int64(number < 100 ? number : number + 900) * packet, jitter: 0) }
    let figures = ledger.figures
    #expect(figures.loss.lost == 0 && figures.windows.count == 5)
    #expect(figures.windows.map(\.loss.expected) == [100, 0, 0, 0, 100])
  }

  @Test func `packets that came too late to be played are discarded, whether late or taken out (RFC 3611 §4.7.1)`() {
    var ledger = ReceptionLedger()
    for number in [0, 1, 3, 4] { ledger.take(UInt16(number), at: Int64(number) * packet, jitter: 0) }
    ledger.take(2, at: 5 * packet, jitter: 0, isDiscarded: true)
    ledger.discard(4)
    ledger.discard(400)
    #expect(ledger.figures.loss.discarded == 2 && ledger.figures.loss.received == 3 && ledger.figures.loss.lost == 0)
  }

  @Test func `a sequence that starts over loses nothing`() {
    var ledger = ReceptionLedger()
    for number in [10, 11, 12, 40_000, 40_001, 40_003] { ledger.take(UInt16(number), at: Int64(number) * 1_000, jitter: 0) }
    #expect(ledger.figures.loss.received == 6 && ledger.figures.loss.lost == 1)
  }

  @Test func `of a long stream the last hour's intervals are kept, and the worst of all`() {
    var ledger = ReceptionLedger(interval: 1_000_000_000)
    var count = 0
    for number in 0..<40_000 where !(100..<150).contains(number) {
      ledger.take(UInt16(truncatingIfNeeded: number), at: Int64(number) * packet, jitter: 0)
      count += 1
    }
    let figures = ledger.figures
    #expect(figures.windows.count == 720 && figures.worst?.start == 2_000_000_000)
    #expect(figures.loss.received == count && figures.loss.lost == 50)
  }

  @Test(arguments: 0..<20)
  func `whatever the order, each number has one fate, and the intervals add up to the whole`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var (ledger, arrivals) = (ReceptionLedger(), [(time: Int64, number: Int)]())
    for number in 0..<1_000 where Int.random(in: 0..<10, using: &generator) > 0 {
      arrivals.append((Int64(number) * packet + Int64.random(in: 0..<200_000_000, using: &generator), number))
    }
    arrivals.sort { $0.time < $1.time }
    for (time, number) in arrivals { ledger.take(UInt16(number), at: time, jitter: 0) }
    let figures = ledger.figures
    // What the first one had overtaken is before the stream.
    #expect(figures.loss.received == arrivals.count { $0.number >= arrivals[0].number })
    #expect(figures.windows.reduce(0) { $0 + $1.loss.expected } == figures.loss.expected)
    #expect(figures.windows.reduce(0) { $0 + Int($1.reordered) } == figures.reordered)
  }
}
