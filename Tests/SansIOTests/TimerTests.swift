import Testing

@testable import SansIO

private struct Key: SerialKey {
  let number: UInt32
  init(_ number: Int) { self.number = UInt32(number) }
}

@Suite struct DeadlineQueueTests {
  @Test func `against a plain list, whatever is set, moved and removed`() {
    var generator = SeededGenerator(seed: 7)
    var queue = DeadlineQueue<Key>()
    var model: [Int: Int64] = [:]
    for _ in 0..<5_000 {
      let key = Int.random(in: 0..<40, using: &generator)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0:
        queue.remove(Key(key))
        model[key] = nil
      case 1:
        let now = Instant(nanoseconds: Int64.random(in: 0..<200, using: &generator))
        let due = model.values.min().map { $0 <= now.nanoseconds } ?? false
        let taken = queue.takeExpired(at: now).map { Int($0.number) }
        #expect((taken != nil) == due)
        if let taken {
          #expect(model[taken] == model.values.min())
          model[taken] = nil
        }
      default:
        let instant = Int64.random(in: 0..<1_000, using: &generator)
        queue.set(Key(key), at: Instant(nanoseconds: instant))
        model[key] = instant
      }
      #expect(queue.count == model.count)
      #expect(queue.next?.nanoseconds == model.values.min())
    }
  }

  @Test func `equal instants leave in the order in which they were set`() {
    var queue = DeadlineQueue<Key>()
    for number in [3, 1, 2] { queue.set(Key(number), at: Instant(nanoseconds: 1)) }
    #expect([queue.takeExpired(at: .distantFuture), queue.takeExpired(at: .distantFuture)] == [Key(3), Key(1)])
  }
}
