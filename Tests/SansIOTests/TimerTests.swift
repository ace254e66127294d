import Testing

@testable import SansIO

@Suite struct TimerTableTests {
  private enum Name: Int, CaseIterable { case a, b, c }

  @Test func `timers fire in the order of their instants, ties by their order in the enum, each once`() {
    var table = TimerTable<Name>()
    table.set(.c, at: Instant(nanoseconds: 5))
    table.set(.b, at: Instant(nanoseconds: 5))
    table.set(.a, at: Instant(nanoseconds: 9))
    #expect(table.next == Instant(nanoseconds: 5))
    #expect(table.takeExpired(at: Instant(nanoseconds: 4)) == nil)
    #expect(table.takeExpired(at: Instant(nanoseconds: 9)) == .b)
    #expect(table.takeExpired(at: Instant(nanoseconds: 9)) == .c)
    #expect(table.takeExpired(at: Instant(nanoseconds: 9)) == .a)
    #expect(table.takeExpired(at: Instant(nanoseconds: 9)) == nil)
    #expect(table.next == nil)
  }

  @Test func `setting moves a timer, stopping silences it`() {
    var table = TimerTable<Name>()
    table.set(.a, at: Instant(nanoseconds: 5))
    table.set(.a, at: Instant(nanoseconds: 8))
    #expect(table[.a] == Instant(nanoseconds: 8))
    table.stop(.a)
    #expect(table.next == nil)
  }
}

@Suite struct DeadlineQueueTests {
  @Test func `against a plain list, whatever is set, moved and removed`() {
    var generator = SeededGenerator(seed: 7)
    var queue = DeadlineQueue<Int>()
    var model: [Int: Int64] = [:]
    for _ in 0..<5_000 {
      let key = Int.random(in: 0..<40, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0:
        queue.remove(key)
        model[key] = nil
      case 1:
        let now = Instant(nanoseconds: Int64.random(in: 0..<200, using: &generator))
        let due = model.values.min().map { $0 <= now.nanoseconds } ?? false
        let taken = queue.takeExpired(at: now)
        #expect((taken != nil) == due)
        if let taken {
          #expect(model[taken] == model.values.min())
          model[taken] = nil
        }
      default:
        let instant = Int64.random(in: 0..<1_000, using: &generator)
        queue.set(key, at: Instant(nanoseconds: instant))
        model[key] = instant
      }
      #expect(queue.count == model.count)
      #expect(queue.next?.nanoseconds == model.values.min())
    }
  }

  @Test func `equal instants leave in the order in which they were set`() {
    var queue = DeadlineQueue<String>()
    for key in ["c", "a", "b"] { queue.set(key, at: Instant(nanoseconds: 1)) }
    #expect([queue.takeExpired(at: .distantFuture), queue.takeExpired(at: .distantFuture)] == ["c", "a"])
  }
}
