import SansIO

/// What will happen at an instant.
enum SimulationEvent {
  case datagram(host: Int, from: TransportAddress, to: TransportAddress, Bytes, Label)
  /// A datagram to a NAT's outside address has come there.
  case atNAT(nat: Int, from: TransportAddress, to: TransportAddress, Bytes, Label)
  /// ICMP port unreachable comes back to a sender.
  case unreachable(host: Int, PortID, TransportAddress)
  case bound(host: Int, PortID, TransportAddress)
  case bindFailed(host: Int, PortID, TransportAddress, BindFailure)
  case segment(SegmentInFlight)
  /// A lost segment's retransmission timer.
  case resend(stream: Int, side: Int, SegmentID, attempt: Int)
  case refused(host: Int, ConnectionID, ConnectFailure)
  case closed(host: Int, ConnectionID, Closure)
  case resolved(host: Int, QueryID, NameAnswer)
}

/// Events ordered by (instant, insertion number): a 4-ary heap of small entries over a slab of events.
struct EventQueue {
  private struct Entry {
    var instant: Int64
    var ticket: UInt64
    var slot: Int32

    @inline(__always)
    func isBefore(_ other: Entry) -> Bool { instant == other.instant ? ticket < other.ticket : instant < other.instant }
  }

  private var heap = ContiguousArray<Entry>()
  private var slab = ContiguousArray<SimulationEvent?>()
  private var free = ContiguousArray<Int32>()
  private var lastTicket: UInt64 = 0

  var isEmpty: Bool { heap.isEmpty }
  var count: Int { heap.count }
  @inline(__always) var next: Int64 { heap.isEmpty ? .max : heap[0].instant }

  mutating func push(_ event: SimulationEvent, at instant: Int64) {
    let slot: Int32
    if let reused = free.popLast() {
      slot = reused
      slab[Int(slot)] = event
    } else {
      slot = Int32(slab.count)
      slab.append(event)
    }
    lastTicket += 1
    let entry = Entry(instant: instant, ticket: lastTicket, slot: slot)
    heap.append(entry)
    var position = heap.count - 1
    while position > 0 {
      let parent = (position - 1) >> 2
      guard entry.isBefore(heap[parent]) else { break }
      heap[position] = heap[parent]
      position = parent
    }
    heap[position] = entry
  }

  /// Takes the earliest event. Precondition: there is one.
  mutating func pop() -> SimulationEvent {
    let slot = heap[0].slot
    let last = heap.removeLast()
    if !heap.isEmpty { sink(last) }
    free.append(slot)
    guard let event = slab[Int(slot)].take() else { preconditionFailure("an entry of the heap has an event") }
    return event
  }

  private mutating func sink(_ entry: Entry) {
    var position = 0
    let count = heap.count
    while true {
      let first = position << 2 + 1
      guard first < count else { break }
      var best = first
      let end = min(first + 4, count)
      var child = first + 1
      while child < end {
        if heap[child].isBefore(heap[best]) { best = child }
        child += 1
      }
      guard heap[best].isBefore(entry) else { break }
      heap[position] = heap[best]
      position = best
    }
    heap[position] = entry
  }
}

/// One wake-up a host: an indexed binary heap without dictionaries, so that a host's deadline can move at every call without leaving
/// stale events behind.
struct WakeQueue {
  private var instants = ContiguousArray<Int64>()
  private var heap = ContiguousArray<Int32>()
  private var positions = ContiguousArray<Int32>()

  mutating func addHost() {
    instants.append(.max)
    positions.append(-1)
  }

  @inline(__always) var next: Int64 { heap.isEmpty ? .max : instants[Int(heap[0])] }
  /// The host with the earliest wake-up. Precondition: there is one.
  var first: Int { Int(heap[0]) }

  @inline(__always)
  mutating func set(_ host: Int, _ instant: Int64) {
    guard instants[host] != instant else { return }
    move(host, instant)
  }

  private mutating func move(_ host: Int, _ instant: Int64) {
    let old = instants[host]
    instants[host] = instant
    let position = Int(positions[host])
    if old == .max {
      heap.append(Int32(host))
      positions[host] = Int32(heap.count - 1)
      rise(heap.count - 1)
    } else if instant == .max {
      remove(at: position)
    } else if instant < old {
      rise(position)
    } else {
      sink(position)
    }
  }

  private func isBefore(_ left: Int32, _ right: Int32) -> Bool {
    let (first, second) = (instants[Int(left)], instants[Int(right)])
    return first == second ? left < right : first < second
  }

  private mutating func remove(at position: Int) {
    positions[Int(heap[position])] = -1
    let last = heap.removeLast()
    guard position < heap.count else { return }
    heap[position] = last
    positions[Int(last)] = Int32(position)
    rise(position)
    sink(Int(positions[Int(last)]))
  }

  private mutating func rise(_ start: Int) {
    var position = start
    let host = heap[position]
    while position > 0, isBefore(host, heap[(position - 1) / 2]) {
      place(heap[(position - 1) / 2], position)
      position = (position - 1) / 2
    }
    place(host, position)
  }

  private mutating func sink(_ start: Int) {
    var position = start
    let host = heap[position]
    while true {
      var child = position * 2 + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, isBefore(heap[child + 1], heap[child]) { child += 1 }
      guard isBefore(heap[child], host) else { break }
      place(heap[child], position)
      position = child
    }
    place(host, position)
  }

  private mutating func place(_ host: Int32, _ position: Int) {
    heap[position] = host
    positions[Int(host)] = Int32(position)
  }
}
