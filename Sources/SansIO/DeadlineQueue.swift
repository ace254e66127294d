/// Deadlines by key, the earliest first: what a host with thousands of legs uses so that `nextDeadline` is never a scan.
///
/// An indexed 4-ary heap: set, move and remove are O(log n), ``next`` is O(1). Equal instants leave in the order in which they were set,
/// so that two runs agree.
public struct DeadlineQueue<Key: Hashable & Sendable>: Sendable {
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

  @usableFromInline var heap: [Entry] = []
  @usableFromInline var positions: [Key: Int] = [:]
  @usableFromInline var nextTicket: UInt64 = 0

  @inlinable public init() {}

  @inlinable public var isEmpty: Bool { heap.isEmpty }
  @inlinable public var count: Int { heap.count }
  /// The earliest deadline.
  @inlinable public var next: Instant? { heap.first.map { Instant(nanoseconds: $0.instant) } }

  @inlinable public subscript(key: Key) -> Instant? {
    positions[key].map { Instant(nanoseconds: heap[$0].instant) }
  }

  /// Sets, moves (or with nil removes) the deadline of `key`. Setting the same instant again changes nothing.
  @inlinable public mutating func set(_ key: Key, at instant: Instant?) {
    guard let instant else {
      remove(key)
      return
    }
    if let position = positions[key] {
      guard heap[position].instant != instant.nanoseconds else { return }
      heap[position] = Entry(instant: instant.nanoseconds, ticket: takeTicket(), key: key)
      siftDown(siftUp(position))
    } else {
      heap.append(Entry(instant: instant.nanoseconds, ticket: takeTicket(), key: key))
      positions[key] = heap.count - 1
      siftUp(heap.count - 1)
    }
  }

  @inlinable public mutating func remove(_ key: Key) {
    guard let position = positions.removeValue(forKey: key) else { return }
    let last = heap.removeLast()
    guard position < heap.count else { return }
    heap[position] = last
    positions[last.key] = position
    siftDown(siftUp(position))
  }

  /// Takes the earliest key that is due at `now`; call until nil.
  @inlinable public mutating func takeExpired(at now: Instant) -> Key? {
    guard let first = heap.first, first.instant <= now.nanoseconds else { return nil }
    remove(first.key)
    return first.key
  }

  @inlinable mutating func takeTicket() -> UInt64 {
    nextTicket += 1
    return nextTicket
  }

  @discardableResult @inlinable
  mutating func siftUp(_ start: Int) -> Int {
    var position = start
    let entry = heap[position]
    while position > 0 {
      let parent = (position - 1) / 4
      guard entry.isBefore(heap[parent]) else { break }
      place(heap[parent], at: position)
      position = parent
    }
    place(entry, at: position)
    return position
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
      place(heap[best], at: position)
      position = best
    }
    place(entry, at: position)
  }

  @inlinable mutating func place(_ entry: Entry, at position: Int) {
    heap[position] = entry
    positions[entry.key] = position
  }
}
