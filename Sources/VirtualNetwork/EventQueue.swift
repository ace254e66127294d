import SansIO

/// What will happen at an instant.
enum SimulationEvent {
  case datagram(Delivery)
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
  /// The end of a pause.
  case goOn(host: Int, pause: Int)
  /// What was to happen to a host that is no more.
  case nothing
}

extension SimulationEvent {
  /// Whether it is an answer of a host's own system to what its program asked for.
  fileprivate func isNews(of host: Int) -> Bool {
    switch self {
    case .unreachable(let own, _, _), .bound(let own, _, _), .bindFailed(let own, _, _, _), .refused(let own, _, _),
      .closed(let own, _, _), .resolved(let own, _, _), .goOn(let own, _):
      own == host
    case .datagram, .segment, .resend, .nothing: false
    }
  }
}

/// A datagram on its way to where it arrives next.
struct Delivery {
  enum Place: Hashable {
    case host(Int)
    /// A NAT whose outside address it has, or a firewall before the host.
    case box(Int)
  }

  var datagram: Datagram
  var place: Place
}

/// Events ordered by (instant, insertion number).
///
/// Most are datagrams that arrive in the order in which they were sent: those wait in line, each behind the last one. Whatever is due
/// earlier than the last one of the line, and what is no datagram, is sorted by a heap.
struct EventQueue {
  private var line = DatagramLine()
  private var heap = EventHeap()
  private var lastTicket: UInt64 = 0
  /// When the earliest event is due; `.max` = there is none.
  private(set) var next = Int64.max

  @inline(__always)
  mutating func push(_ delivery: consuming Delivery, at instant: Int64) {
    guard instant >= line.last else { return push(.datagram(delivery), at: instant) }
    lastTicket += 1
    line.append(delivery, at: Moment(instant: instant, ticket: lastTicket))
    next = min(next, instant)
  }

  mutating func push(_ event: SimulationEvent, at instant: Int64) {
    lastTicket += 1
    heap.push(event, at: Moment(instant: instant, ticket: lastTicket))
    next = min(next, instant)
  }

  /// Whether the earliest event is the first datagram of the line, for ``popDatagram()``.
  var isDatagramNext: Bool { line.first.isBefore(heap.first) }

  /// Precondition: ``isDatagramNext``.
  @inline(__always)
  mutating func popDatagram() -> Delivery {
    let delivery = line.removeFirst()
    next = min(line.first.instant, heap.first.instant)
    return delivery
  }

  /// The earliest event, which stays; nil when there is none.
  var earliest: SimulationEvent? { isDatagramNext ? line.earliest.map { .datagram($0) } : heap.earliest }

  /// A host's program is no more: nothing of what it asked for is told to the next one.
  mutating func forget(_ host: Int) { heap.forget(host) }

  /// Takes the earliest event of those that are not in line. Precondition: there is one.
  mutating func pop() -> SimulationEvent {
    let event = heap.pop()
    next = min(line.first.instant, heap.first.instant)
    return event
  }
}

/// When an event happens, and before which others of the same instant.
struct Moment {
  static let never = Moment(instant: .max, ticket: .max)

  var instant: Int64
  var ticket: UInt64

  @inline(__always)
  func isBefore(_ other: Moment) -> Bool { instant == other.instant ? ticket < other.ticket : instant < other.instant }
}

/// Datagrams in the order in which they arrive: a ring.
private struct DatagramLine {
  private struct Waiting {
    var moment: Moment
    var delivery: Delivery?
  }

  /// As many as a power of two.
  private var ring = ContiguousArray(repeating: Waiting(moment: .never, delivery: nil), count: 16)
  private var head = 0
  private var count = 0
  private(set) var first = Moment.never
  /// When the last one arrives.
  private(set) var last = Int64.min

  mutating func append(_ delivery: consuming Delivery, at moment: Moment) {
    if count == ring.count { grow() }
    ring[(head + count) & (ring.count - 1)] = Waiting(moment: moment, delivery: delivery)
    if count == 0 { first = moment }
    count += 1
    last = moment.instant
  }

  var earliest: Delivery? { count == 0 ? nil : ring[head].delivery }

  /// Precondition: there is one.
  mutating func removeFirst() -> Delivery {
    guard let delivery = ring[head].delivery.take() else { preconditionFailure("nobody is in line") }
    head = (head + 1) & (ring.count - 1)
    count -= 1
    first = count == 0 ? .never : ring[head].moment
    if count == 0 { last = .min }
    return delivery
  }

  private mutating func grow() {
    let ordered = ring[head...] + ring[..<head]
    ring = ordered + ContiguousArray(repeating: Waiting(moment: .never, delivery: nil), count: ring.count)
    head = 0
  }
}

/// All other events: a 4-ary heap of small entries over a slab of events.
private struct EventHeap {
  private struct Entry {
    var moment: Moment
    var slot: Int
  }

  private var heap = ContiguousArray<Entry>()
  private var slab = ContiguousArray<SimulationEvent?>()
  private var free = ContiguousArray<Int>()

  @inline(__always) var first: Moment { heap.isEmpty ? .never : heap[0].moment }

  var earliest: SimulationEvent? { heap.isEmpty ? nil : slab[heap[0].slot] }

  mutating func push(_ event: SimulationEvent, at moment: Moment) {
    let slot = free.popLast() ?? slab.count
    if slot == slab.count { slab.append(event) } else { slab[slot] = event }
    let entry = Entry(moment: moment, slot: slot)
    heap.append(entry)
    var position = heap.count - 1
    while position > 0 {
      let parent = (position - 1) >> 2
      guard moment.isBefore(heap[parent].moment) else { break }
      heap[position] = heap[parent]
      position = parent
    }
    heap[position] = entry
  }

  /// What concerns a host alone becomes nothing.
  mutating func forget(_ host: Int) {
    for index in slab.indices where slab[index]?.isNews(of: host) == true { slab[index] = .nothing }
  }

  /// Precondition: there is one.
  mutating func pop() -> SimulationEvent {
    let slot = heap[0].slot
    let last = heap.removeLast()
    if !heap.isEmpty { sink(last) }
    free.append(slot)
    guard let event = slab[slot].take() else { preconditionFailure("an entry of the heap has an event") }
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
        if heap[child].moment.isBefore(heap[best].moment) { best = child }
        child += 1
      }
      guard heap[best].moment.isBefore(entry.moment) else { break }
      heap[position] = heap[best]
      position = best
    }
    heap[position] = entry
  }
}
