/// Deadlines by key, the earliest first: what a host with thousands of legs uses so that `nextDeadline` is never a scan.
///
/// A 4-ary heap whose entries are never moved by key: an entry that was replaced or removed stays in it until it comes to the top, or until
/// such entries outnumber the others. So setting costs one look-up and a sift that compares numbers only. ``next`` is O(1): the top is
/// always an entry that holds. Equal instants leave in the order in which they were set, so that two runs agree.
///
/// What holds for a key is found by its number (``SerialTable``): those in use at one time should be close together.
public struct DeadlineQueue<Key: SerialKey>: Sendable {
  @usableFromInline struct Entry: Sendable {
    @usableFromInline var instant: Int64
    @usableFromInline var ticket: UInt64
    @usableFromInline var key: Key

    @inlinable init(instant: Int64, ticket: UInt64, key: Key) {
      self.instant = instant
      self.ticket = ticket
      self.key = key
    }

    @inlinable func isBefore(_ other: Entry) -> Bool {
      instant == other.instant ? ticket < other.ticket : instant < other.instant
    }
  }

  /// What holds for a key: the entry with this ticket.
  @usableFromInline struct Holding: Sendable {
    @usableFromInline var instant: Int64
    @usableFromInline var ticket: UInt64

    @inlinable init(instant: Int64, ticket: UInt64) {
      self.instant = instant
      self.ticket = ticket
    }
  }

  @usableFromInline var heap: [Entry] = []
  @usableFromInline var holdings = SerialTable<Holding>()
  @usableFromInline var nextTicket: UInt64 = 0

  @inlinable public init() {}

  @inlinable public var isEmpty: Bool { holdings.isEmpty }
  @inlinable public var count: Int { holdings.count }
  /// The earliest deadline.
  @inlinable public var next: Instant? { heap.first.map { Instant(nanoseconds: $0.instant) } }

  @inlinable public subscript(key: Key) -> Instant? { holdings[key.number].map { Instant(nanoseconds: $0.instant) } }

  /// Sets, moves (or with nil removes) the deadline of `key`. Setting the same instant again changes nothing.
  @inlinable public mutating func set(_ key: Key, at instant: Instant?) {
    guard let instant else { return remove(key) }
    let previous = holdings[key.number]
    guard previous?.instant != instant.nanoseconds else { return }
    nextTicket += 1
    holdings[key.number] = Holding(instant: instant.nanoseconds, ticket: nextTicket)
    heap.append(Entry(instant: instant.nanoseconds, ticket: nextTicket, key: key))
    siftUp(heap.count - 1)
    if let previous { forget(previous.ticket) }
  }

  @inlinable public mutating func remove(_ key: Key) {
    if let holding = holdings.remove(key.number) { forget(holding.ticket) }
  }

  /// Takes the earliest key that is due at `now`; call until nil.
  @inlinable public mutating func takeExpired(at now: Instant) -> Key? {
    guard let first = heap.first, first.instant <= now.nanoseconds else { return nil }
    holdings.remove(first.key.number)
    forget(first.ticket)
    return first.key
  }

  /// The entry with this ticket holds no more: gone if it was on top, together with those like it that come up.
  @inlinable mutating func forget(_ ticket: UInt64) {
    if heap.first?.ticket == ticket {
      repeat { removeFirst() } while heap.first.map { holdings[$0.key.number]?.ticket != $0.ticket } ?? false
    } else if heap.count > 64, heap.count > 2 * holdings.count {
      compact()
    }
  }

  @inlinable mutating func removeFirst() {
    let last = heap.removeLast()
    guard !heap.isEmpty else { return }
    heap[0] = last
    siftDown(0)
  }

  /// Keeps the entries that hold.
  @inlinable mutating func compact() {
    heap.removeAll { holdings[$0.key.number]?.ticket != $0.ticket }
    guard heap.count > 1 else { return }
    for position in stride(from: (heap.count - 2) / 4, through: 0, by: -1) { siftDown(position) }
  }

  @inlinable mutating func siftUp(_ start: Int) {
    var position = start
    let entry = heap[position]
    while position > 0 {
      let parent = (position - 1) / 4
      guard entry.isBefore(heap[parent]) else { break }
      heap[position] = heap[parent]
      position = parent
    }
    heap[position] = entry
  }

  @inlinable mutating func siftDown(_ start: Int) {
    var position = start
    let entry = heap[position]
    while true {
      let firstChild = position * 4 + 1
      guard firstChild < heap.count else { break }
      var best = firstChild
      for child in firstChild..<min(firstChild + 4, heap.count) where heap[child].isBefore(heap[best]) { best = child }
      guard heap[best].isBefore(entry) else { break }
      heap[position] = heap[best]
      position = best
    }
    heap[position] = entry
  }
}
