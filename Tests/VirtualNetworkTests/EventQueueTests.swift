import SansIO
import Testing

@testable import VirtualNetwork

@Suite struct EventQueueTests {
  private func datagram(_ number: Int) -> Delivery {
    let datagram = Datagram(
      source: TransportAddress(alice, port: 1), destination: TransportAddress(bob, port: 2), bytes: Bytes("\(number)"), label: .none)
    return Delivery(datagram: datagram, place: .host(number))
  }

  /// Takes the earliest event; its number.
  private func take(_ queue: inout EventQueue) -> Int {
    guard !queue.isDatagramNext else { return number(queue.popDatagram()) }
    switch queue.pop() {
    case .datagram(let delivery): return number(delivery)
    case .resend(stream: let number, side: _, _, attempt: _): return number
    default: return -1
    }
  }

  private func number(_ delivery: Delivery) -> Int {
    guard case .host(let number) = delivery.place, delivery.datagram.bytes.text == "\(number)" else { return -1 }
    return number
  }

  private func timer(_ number: Int) -> SimulationEvent { .resend(stream: number, side: 0, SegmentID(sequence: 0), attempt: 1) }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `events leave by instant and then by insertion, whichever are datagrams and however they came`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var queue = EventQueue()
    var waiting: [(instant: Int64, number: Int)] = []
    var now: Int64 = 0
    for number in 0..<600 {
      // Mostly in order, so that the line is used, and grows and turns round; some earlier than the last one.
      let instant = now + (number % 7 == 0 ? Int64.random(in: 0...50, using: &generator) : 40)
      if number % 5 == 0 { queue.push(timer(number), at: instant) } else { queue.push(datagram(number), at: instant) }
      waiting.append((instant, number))
      guard number % 3 != 0 else { continue }
      now += Int64.random(in: 0...2, using: &generator)
      let first = waiting.indices.min { (waiting[$0].instant, waiting[$0].number) < (waiting[$1].instant, waiting[$1].number) } ?? 0
      try #require(queue.next == waiting[first].instant)
      #expect(take(&queue) == waiting.remove(at: first).number)
    }
    for event in waiting.sorted(by: { ($0.instant, $0.number) < ($1.instant, $1.number) }) { #expect(take(&queue) == event.number) }
    #expect(queue.next == .max && !queue.isDatagramNext)
  }
}
