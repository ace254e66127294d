import SansIO

/// One TCP connection of the host.
///
/// ```
///  connecting ── up ──► open ── finish, close / bytes first ──► finishing ── all taken / FIN ──► finished
/// ```
/// It ends when both sides have finished, when it breaks, or a while after the host has left.
final class LiveConnection: SocketHandler {
  enum State { case connecting, open, finishing, finished }

  let id: ConnectionID
  let descriptor: Int32
  var local: TransportAddress
  let remote: TransportAddress
  var state = State.connecting
  /// The host has closed it and hears its end alone.
  var hasLeft = false
  var hasPeerFinished = false
  /// The kernel takes no more for now.
  var isBlocked = false
  var isDirty = false
  var queue = StreamQueue()
  let timer: LoopTimer
  private unowned let owner: StreamConnections

  init(_ owner: StreamConnections, _ id: ConnectionID, descriptor: Int32, local: TransportAddress, remote: TransportAddress) {
    self.owner = owner
    self.id = id
    self.descriptor = descriptor
    self.local = local
    self.remote = remote
    timer = owner.newTimer()
  }

  func ready(_ readiness: Readiness) { owner.ready(self, readiness) }
}
