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
