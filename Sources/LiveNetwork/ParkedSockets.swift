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

  private var sockets: [TransportAddress: DatagramSocket] = [:]
  private var stays: [Stay] = []
  private var head = 0

  /// - Parameter descriptors: that the process may have open; an eighth of them may rest here, and at most 2,048.
  init(of descriptors: Int) { limit = min(2_048, descriptors / 8) }

  var isEmpty: Bool { sockets.isEmpty }

  /// When the first of them leaves.
  var next: Instant? { isEmpty ? nil : stays[head].until }

  func holds(_ socket: DatagramSocket) -> Bool { sockets[socket.local] === socket }

  /// False where no more are kept, or another socket has the address.
  mutating func park(_ socket: DatagramSocket, until end: Instant) -> Bool {
    guard sockets.count < limit, sockets[socket.local] == nil else { return false }
    sockets[socket.local] = socket
    socket.parkedUntil = end
    stays.append(Stay(until: end, socket: socket))
    return true
  }

  mutating func take(_ address: TransportAddress) -> DatagramSocket? {
    guard let socket = sockets.removeValue(forKey: address) else { return nil }
    socket.parkedUntil = nil
    skip()
    return socket
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
