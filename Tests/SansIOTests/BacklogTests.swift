import SansIO
import Testing

@Suite struct BacklogTests {
  @Test func `what is added while another is looked at comes behind all that was there`() {
    var backlog = Backlog<Int>()
    backlog.append(1)
    backlog.append(2)
    var seen: [Int] = []
    while let number = backlog.next() {
      seen.append(number)
      if number < 10 { backlog.append(number * 10) }
    }
    #expect(seen == [1, 2, 10, 20] && backlog.isEmpty)
  }

  @Test func `what was taken out is let go at once, and its place is used again`() {
    final class Thing {}
    var backlog = Backlog<Thing>()
    weak var first: Thing?
    for round in 0..<100 {
      let thing = Thing()
      if round == 0 { first = thing }
      backlog.append(thing)
      backlog.append(Thing())
      #expect(backlog.next() === thing && backlog.count == 1)
      #expect(backlog.next() != nil && backlog.next() == nil)
    }
    #expect(first == nil && backlog.count == 0)
  }

  @Test func `the order holds when it is never quite empty`() {
    var backlog = Backlog<Int>()
    var (added, taken) = (0, 0)
    for _ in 0..<1_000 {
      for _ in 0..<3 {
        backlog.append(added)
        added += 1
      }
      for _ in 0..<2 {
        #expect(backlog.next() == taken)
        taken += 1
      }
    }
    while let number = backlog.next() {
      #expect(number == taken)
      taken += 1
    }
    #expect(taken == added)
  }
}
