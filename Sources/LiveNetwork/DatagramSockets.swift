import NIOCore
import SansIO

/// The UDP sockets of one driver: bound, read, written, parked.
///
/// A socket outlives every error of a send and of a read: each concerns one datagram (RFC 8085 §5.2 calls such errors soft). What a host
/// releases is parked for a moment and given back when it binds the same address again, since a call binds two; late packets of the old
/// call are thrown away.
final class DatagramSockets {
  private unowned let driver: LiveDriver
  private let calls: any SocketCalls
  // Touched for every packet by code of one loop that cannot overlap itself.
  @exclusivity(unchecked) private var open = PortTable()
  @exclusivity(unchecked) private var parked = ParkedSockets(of: DescriptorLimit.current.soft)
  private let parkingTimer: LoopTimer
  private let slots = ReadSlots()
  private let batch = DatagramBatch()
  /// Whose datagrams the batch holds.
  @exclusivity(unchecked) private var batchSocket: DatagramSocket?

  init(_ driver: LiveDriver) {
    self.driver = driver
    calls = driver.calls
    parkingTimer = driver.loop.newTimer()
  }

  // MARK: - Opening and releasing

  func bind(_ port: PortID, _ address: TransportAddress) {
    if let socket = parked.take(address) { return adopt(socket, port) }
    do throws(SystemError) {
      let bound = try opened(address)
      let socket = DatagramSocket(self, descriptor: bound.descriptor, local: bound.address)
      driver.loop.watch(bound.descriptor, socket, reads: true, writes: false)
      adopt(socket, port)
    } catch {
      let failure = BindFailure(error)
      driver.tap.record(.bindFailed(address, failure))
      driver.tell(later: .bindFailed(port, address, failure))
    }
  }

  private func opened(_ address: TransportAddress) throws(SystemError) -> BoundSocket {
    do throws(SystemError) { return try calls.bind(address) } catch {
      // What is parked is the first to go when descriptors are few.
      guard error.isOfDescriptors, !parked.isEmpty else { throw error }
      for socket in parked.takeAll() { close(socket) }
      return try calls.bind(address)
    }
  }

  private func adopt(_ socket: DatagramSocket, _ port: PortID) {
    socket.port = port
    open.set(port, socket)
    if driver.tap.isObserved { driver.tap.record(.bound(socket.local, .datagram)) }
    driver.tell(later: .bound(port, socket.local))
  }

  /// False when no such port is open here.
  func unbind(_ port: PortID) -> Bool {
    guard let socket = open.remove(port) else { return false }
    if batchSocket === socket { transmit() }
    if driver.tap.isObserved { driver.tap.record(.unbound(socket.local, .datagram)) }
    tellDrops(socket)
    socket.release()
    let isFirst = parked.isEmpty
    if !parked.park(socket, until: Instant(.now() + driver.parkingTime)) {
      close(socket)
    } else if isFirst {
      armParking()
    }
    return true
  }

  /// What the kernel threw away while the socket was somebody's.
  private func tellDrops(_ socket: DatagramSocket) {
    guard let tell = driver.onQueueDrops, socket.port != nil else { return }
    let total = calls.dropped(socket.descriptor)
    if total > socket.dropsTold { tell(socket.local, total - socket.dropsTold) }
    socket.dropsTold = total
  }

  private func armParking() {
    guard let next = parked.next else { return }
    let close = { [weak self] in self?.closeExpired() ?? () }
    driver.loop.setTimer(parkingTimer, at: .uptimeNanoseconds(UInt64(next.nanoseconds)), .init(fire: close, abandon: {}))
  }

  private func closeExpired() {
    let now = Instant(.now())
    while let socket = parked.takeExpired(at: now) { close(socket) }
    armParking()
  }

  private func close(_ socket: DatagramSocket) {
    parked.forget(socket)
    driver.loop.forget(socket.descriptor)
    calls.close(socket.descriptor, isReset: false)
  }

  func stop() {
    transmit()
    driver.loop.stopTimer(parkingTimer)
    for socket in open.sockets {
      tellDrops(socket)
      close(socket)
    }
    for socket in parked.takeAll() { close(socket) }
    open = PortTable()
  }

  // MARK: - Sending

  func send(_ port: PortID, _ datagram: DatagramBatch.Datagram) {
    guard let socket = open[port] else { return }
    if batchSocket !== socket { transmit() }
    batchSocket = socket
    if batch.append(datagram) { return }
    transmit()
    batchSocket = socket
    // Longer than any datagram can be.
    if !batch.append(datagram) { fail(datagram, at: socket, .messageTooLong) }
  }

  /// Hands what waits to the kernel. The tap sees what it took.
  func transmit() {
    guard let socket = batchSocket else { return }
    batchSocket = nil
    if socket.isBlocked {
      for datagram in batch.items { hold(datagram, at: socket) }
      return batch.removeAll()
    }
    var index = 0
    // An error may be that of an earlier datagram, which the kernel reports once (ip(7), IP_RECVERR): then the same send succeeds.
    var isRepeated = false
    while index < batch.items.count {
      do throws(SystemError) {
        let taken = try calls.send(socket.descriptor, batch, from: index)
        for sent in batch.items[index..<index + taken] { left(sent, socket) }
        index += taken
        isRepeated = false
      } catch {
        if error == .wouldBlock {
          for datagram in batch.items[index...] { hold(datagram, at: socket) }
          break
        }
        if !isRepeated, takeErrors(socket) {
          isRepeated = true
          continue
        }
        fail(batch.items[index], at: socket, error)
        index += 1
        isRepeated = false
      }
    }
    batch.removeAll()
  }

  private func left(_ datagram: DatagramBatch.Datagram, _ socket: DatagramSocket) {
    driver.tap.datagram(.sent, from: socket.local, to: datagram.destination, datagram.bytes, datagram.label)
  }

  /// Keeps a datagram until the socket takes more; a few only.
  private func hold(_ datagram: DatagramBatch.Datagram, at socket: DatagramSocket) {
    guard socket.hold(datagram) else { return fail(datagram, at: socket, .wouldBlock) }
    driver.loop.watch(socket.descriptor, socket, reads: true, writes: true)
  }

  private func fail(_ datagram: DatagramBatch.Datagram, at socket: DatagramSocket, _ error: SystemError) {
    guard let port = socket.port else { return }
    let failure = SocketFailure(
      .send, local: socket.local, remote: datagram.destination, subject: datagram.label.subject, error: error)
    // A stream's packets fail by the hundred: once a cause.
    if socket.isNew(failure) { driver.tap.record(.event(failure)) }
    driver.tell(later: .sendFailed(port, to: datagram.destination, datagram.bytes, datagram.label, error))
  }

  /// The socket has room again.
  func writable(_ socket: DatagramSocket) {
    let waiting = socket.takeHeld()
    driver.loop.watch(socket.descriptor, socket, reads: true, writes: false)
    guard let port = socket.port else { return }
    for datagram in waiting { send(port, datagram) }
    driver.turnEnded()
  }

  // MARK: - Reading

  func readable(_ socket: DatagramSocket) {
    driver.isReading = true
    // A full vector has more behind it; so many vectors, then others have their turn.
    for _ in 0..<4 {
      do throws(SystemError) {
        let count = try calls.receive(socket.descriptor, into: slots)
        socket.hasRead()
        for index in 0..<count { deliver(slots.datagram(index), socket) }
        if count < ReadSlots.count { break }
      } catch {
        if error == .wouldBlock || !failedToRead(socket, error) { break }
      }
    }
    driver.turnEnded()
  }

  private func deliver(_ datagram: (source: TransportAddress, bytes: Bytes), _ socket: DatagramSocket) {
    guard let port = socket.port else { return }
    driver.tap.datagram(.received, from: datagram.source, to: socket.local, datagram.bytes, .none)
    driver.tell(.datagram(port, from: datagram.source, datagram.bytes))
  }

  /// Whether to read on at once: the error was one that ICMP left behind.
  private func failedToRead(_ socket: DatagramSocket, _ error: SystemError) -> Bool {
    if takeErrors(socket) { return true }
    if let port = socket.port {
      let failure = SocketFailure(.receive, local: socket.local, error: error)
      if socket.isNew(failure) {
        driver.tap.record(.event(failure))
        driver.tell(later: .receiveFailed(port, error))
      }
    }
    // One that stays would make the loop spin.
    driver.loop.watch(socket.descriptor, socket, reads: false, writes: socket.isBlocked)
    let timer = driver.loop.newTimer()
    let resume = { [weak self, weak socket, driver] in
      driver.loop.stopTimer(timer)
      guard let self, let socket, self.isKnown(socket) else { return }
      driver.loop.watch(socket.descriptor, socket, reads: true, writes: socket.isBlocked)
    }
    driver.loop.setTimer(timer, at: .now() + .milliseconds(20), .init(fire: resume, abandon: {}))
    return false
  }

  private func isKnown(_ socket: DatagramSocket) -> Bool {
    socket.port.map { open[$0] === socket } ?? parked.holds(socket)
  }

  /// Takes in what came back for datagrams sent earlier; whether there was anything.
  @discardableResult
  func takeErrors(_ socket: DatagramSocket) -> Bool {
    var hasTaken = false
    while let returned = try? calls.nextError(socket.descriptor) {
      hasTaken = true
      guard returned.isReported, let port = socket.port else { continue }
      let failure = SocketFailure(.unreachable, local: socket.local, remote: returned.destination, error: returned.error)
      if socket.isNew(failure) { driver.tap.record(.event(failure)) }
      driver.tell(later: .unreachable(port, returned.destination, returned.error))
    }
    return hasTaken
  }
}

/// One UDP socket: whose it is, what waits for room, what was said of it already.
final class DatagramSocket: SocketHandler {
  /// Datagrams that wait for room at most.
  private static let heldLimit = 64

  // Touched for every packet by code of one loop that cannot overlap itself.
  let descriptor: Int32
  let local: TransportAddress
  /// nil while it is parked.
  @exclusivity(unchecked) var port: PortID?
  /// Of the kernel's count of drops.
  @exclusivity(unchecked) var dropsTold = 0
  /// nil while it is not parked.
  @exclusivity(unchecked) var parkedUntil: Instant?
  private unowned let owner: DatagramSockets
  @exclusivity(unchecked) private var held: [DatagramBatch.Datagram] = []
  @exclusivity(unchecked) private var reported: Set<SocketFailure> = []

  init(_ owner: DatagramSockets, descriptor: Int32, local: TransportAddress) {
    self.owner = owner
    self.descriptor = descriptor
    self.local = local
  }

  func ready(_ readiness: Readiness) {
    if readiness.isFailed { owner.takeErrors(self) }
    if readiness.isWritable { owner.writable(self) }
    if readiness.isReadable || readiness.isFailed { owner.readable(self) }
  }

  var isBlocked: Bool { !held.isEmpty }

  func hold(_ datagram: DatagramBatch.Datagram) -> Bool {
    guard held.count < Self.heldLimit else { return false }
    held.append(datagram)
    return true
  }

  func takeHeld() -> [DatagramBatch.Datagram] {
    defer { held = [] }
    return held
  }

  /// Whether this is said for the first time; bounded, since a peer chooses destinations. SIP messages are few, so each of theirs is.
  func isNew(_ failure: SocketFailure) -> Bool {
    switch failure.subject {
    case .request, .response: return true
    case .none, .keepAlive, .rtp, .rtcp, .dtls, .tlsHandshake, .tlsClose, .raw:
      guard reported.count < 64 else { return false }
      return reported.insert(failure).inserted
    }
  }

  /// Reading works: a later failure is news.
  func hasRead() {
    if !reported.isEmpty { reported = reported.filter { $0.act != .receive } }
  }

  func release() {
    port = nil
    if !held.isEmpty { held = [] }
    if !reported.isEmpty { reported = [] }
  }
}
