import SansIO

/// UDP sockets that no host uses at the moment, by address: who binds it again gets the same socket.
///
/// All are kept equally long, so they leave in the order in which they came.
struct ParkedSockets {
  /// Sockets kept at most: the those of the calls that ended last.
  private let limit: Int

  private struct Stay {
    var until: Instant
    var socket: DatagramSocket
    /// False once the socket was taken, also when it was parked again since.
    var holds: Bool { socket.parkedUntil == until }
  }

  /// Those that are parked, and those that were taken: they come back to their address, most of them.
  private var sockets: [TransportAddress: DatagramSocket] = [:]
  private var count = 0
  private var stays: [Stay] = []
  private var head = 0

  /// - Parameter descriptors: that the process may have open; an eighth of them may rest here, and at most 2,048.
  init(of descriptors: Int) { limit = min(2_048, descriptors / 8) }

  var isEmpty: Bool { count == 0 }

  /// When the first of them leaves.
  var next: Instant? { isEmpty ? nil : stays[head].until }

  func holds(_ socket: DatagramSocket) -> Bool { socket.parkedUntil != nil && sockets[socket.local] === socket }

  /// False where no more are kept, or another socket has the address.
  mutating func park(_ socket: DatagramSocket, until end: Instant) -> Bool {
    let known = sockets[socket.local]
    guard count < limit, known?.parkedUntil == nil else { return false }
    if known !== socket { sockets[socket.local] = socket }
    socket.parkedUntil = end
    count += 1
    stays.append(Stay(until: end, socket: socket))
    return true
  }

  mutating func take(_ address: TransportAddress) -> DatagramSocket? {
    guard let socket = sockets[address], socket.parkedUntil != nil else { return nil }
    socket.parkedUntil = nil
    count -= 1
    skip()
    return socket
  }

  /// A socket that was taken is closed: it does not come back.
  mutating func forget(_ socket: DatagramSocket) {
    if socket.parkedUntil == nil, sockets[socket.local] === socket { sockets[socket.local] = nil }
  }

  /// One whose time is over; call until nil.
  mutating func takeExpired(at now: Instant) -> DatagramSocket? {
    guard let next, next <= now else { return nil }
    return take(stays[head].socket.local)
  }

  mutating func takeAll() -> [DatagramSocket] {
    var all: [DatagramSocket] = []
    while let socket = takeExpired(at: .distantFuture) { all.append(socket) }
    return all
  }

  /// Passes over the stays of sockets that are in use again.
  private mutating func skip() {
    while head < stays.count, !stays[head].holds { head += 1 }
    guard head == stays.count || head > 256 else { return }
    stays.removeFirst(head)
    head = 0
  }
}
