import NIOCore
import SansIO

/// The TCP connections of one driver.
///
/// What the kernel took is what the tap sees: bytes that still wait when a connection breaks never appear as sent.
final class StreamConnections {
  private static let connectTime: TimeAmount = .seconds(32)
  /// How long a peer's FIN is waited for after ours, when the host has left.
  private static let lingerTime: TimeAmount = .seconds(1)
  /// How long what was written may wait for the peer, when the host has left.
  private static let leavingTime: TimeAmount = .seconds(32)
  private static let passingTime: TimeAmount = .milliseconds(10)
  private static let bufferSize = 65_536
  /// Bytes that may wait for a peer that does not read, behind those of the write that met it.
  private static let queueLimit = 1_000_000

  private unowned let driver: LiveDriver
  private let calls: any SocketCalls
  // Looked at once a turn by code of one loop that cannot overlap itself.
  @exclusivity(unchecked) private var connections: [ConnectionID: LiveConnection] = [:]
  private var nextID: UInt32 = 1
  @exclusivity(unchecked) private var dirty: [LiveConnection] = []
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: StreamConnections.bufferSize, alignment: 16)

  init(_ driver: LiveDriver) {
    self.driver = driver
    calls = driver.calls
  }

  deinit { buffer.deallocate() }

  // MARK: - Opening

  func accept(_ accepted: AcceptedSocket, _ port: PortID) {
    let id = ConnectionID(nextID)
    nextID += 2
    let connection = LiveConnection(self, id, descriptor: accepted.descriptor, local: accepted.local, remote: accepted.remote)
    connection.state = .open
    connections[id] = connection
    driver.loop.watch(accepted.descriptor, connection, reads: true, writes: false)
    driver.tap.accepted(id, local: accepted.local, remote: accepted.remote)
    driver.tell(.accepted(id, port, local: accepted.local, remote: accepted.remote))
  }

  func open(_ id: ConnectionID, from source: IPAddress?, to destination: TransportAddress) {
    let local = TransportAddress(source ?? (destination.address.isIPv6 ? .anyV6 : .anyV4), port: 0)
    do throws(SystemError) {
      let socket = try calls.connect(from: source == nil ? nil : local, to: destination)
      let connection = LiveConnection(self, id, descriptor: socket.descriptor, local: local, remote: destination)
      connections[id] = connection
      driver.loop.watch(socket.descriptor, connection, reads: false, writes: true)
      let timer = connection.timer
      driver.loop.setTimer(
        timer, at: .now() + Self.connectTime,
        .init(fire: { [weak self, weak connection] in if let connection { self?.refused(connection, .timedOut) } }, abandon: {}))
    } catch {
      driver.tap.record(.event(SocketFailure(.connect, local: local, remote: destination, error: error)))
      driver.tell(later: .refused(id, ConnectFailure(error)))
    }
  }

  private func refused(_ connection: LiveConnection, _ error: SystemError) {
    guard connections[connection.id] === connection else { return }
    driver.tap.record(.event(SocketFailure(.connect, local: connection.local, remote: connection.remote, error: error)))
    remove(connection, isReset: true)
    driver.tell(.refused(connection.id, ConnectFailure(error)))
    driver.turnEnded()
  }

  private func finishConnecting(_ connection: LiveConnection) {
    do throws(SystemError) { connection.local = try calls.finishConnecting(connection.descriptor) } catch {
      return refused(connection, error)
    }
    driver.loop.stopTimer(connection.timer)
    connection.state = .open
    driver.loop.watch(connection.descriptor, connection, reads: true, writes: false)
    driver.tap.opened(connection.id, local: connection.local, remote: connection.remote)
    driver.tell(.opened(connection.id, local: connection.local, remote: connection.remote))
    driver.turnEnded()
  }

  // MARK: - Writing

  func write(_ id: ConnectionID, _ bytes: Bytes, _ label: Label) {
    guard let connection = connections[id], connection.state == .open, !connection.hasLeft else { return }
    if connection.isBlocked, connection.queue.byteCount > Self.queueLimit { return giveUp(connection, label) }
    connection.queue.append(bytes, label)
    markDirty(connection)
  }

  /// The peer does not read: what it makes us write must not fill our memory.
  private func giveUp(_ connection: LiveConnection, _ label: Label) {
    let (local, remote) = (connection.local, connection.remote)
    driver.tap.record(.event(SocketFailure(.send, local: local, remote: remote, subject: label.subject, error: .wouldBlock)))
    driver.tap.reset(.sent, connection.id)
    ended(connection, .reset, isReset: true)
  }

  /// What TLS carries is seen where its ciphertext is: when the kernel took it.
  func plaintext(_ id: ConnectionID, _ direction: PacketRecord.Direction, _ bytes: Bytes, _ label: Label) {
    guard let connection = connections[id] else { return }
    if direction == .received || connection.queue.isEmpty { return driver.tap.plaintext(direction, id, bytes, label) }
    connection.queue.note(bytes, label)
  }

  private func markDirty(_ connection: LiveConnection) {
    guard !connection.isDirty else { return }
    connection.isDirty = true
    dirty.append(connection)
  }

  func flush() {
    guard !dirty.isEmpty else { return }
    let all = dirty
    dirty.removeAll(keepingCapacity: true)
    for connection in all {
      connection.isDirty = false
      if !connection.isBlocked { transmit(connection) }
    }
  }

  private func transmit(_ connection: LiveConnection) {
    let hadBytes = !connection.queue.isEmpty
    while !connection.queue.isEmpty {
      let count = connection.queue.gather(into: buffer)
      do throws(SystemError) {
        let taken = try calls.write(connection.descriptor, UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
        for chunk in connection.queue.take(taken) { left(chunk, connection) }
        // A partial write: the kernel's buffer is full.
        if taken < count { return block(connection) }
      } catch {
        return error.isPassing ? block(connection, polls: error != .wouldBlock) : broke(connection, error)
      }
    }
    connection.isBlocked = false
    if hadBytes, !connection.hasLeft { driver.tell(later: .drained(connection.id)) }
    if connection.state == .finishing { sendFIN(connection) }
  }

  private func left(_ chunk: StreamQueue.Chunk, _ connection: LiveConnection) {
    switch chunk.kind {
    case .wire: driver.tap.stream(.sent, connection.id, chunk.bytes, chunk.label)
    case .plaintext: driver.tap.plaintext(.sent, connection.id, chunk.bytes, chunk.label)
    }
  }

  /// Waits for room; where the kernel lacks memory, for a while.
  private func block(_ connection: LiveConnection, polls: Bool = false) {
    connection.isBlocked = true
    guard polls else { return watch(connection) }
    let timer = driver.loop.newTimer()
    let retry = { [weak self, weak connection, driver] in
      driver.loop.stopTimer(timer)
      guard let self, let connection, self.connections[connection.id] === connection else { return }
      self.writable(connection)
    }
    driver.loop.setTimer(timer, at: .now() + Self.passingTime, .init(fire: retry, abandon: {}))
  }

  private func watch(_ connection: LiveConnection) {
    driver.loop.watch(
      connection.descriptor, connection, reads: !connection.hasPeerFinished, writes: connection.isBlocked)
  }

  private func writable(_ connection: LiveConnection) {
    connection.isBlocked = false
    watch(connection)
    transmit(connection)
    driver.turnEnded()
  }

  // MARK: - Reading

  private func readable(_ connection: LiveConnection) {
    driver.isReading = true
    // So much in one turn, then others have theirs.
    for _ in 0..<4 {
      guard connections[connection.id] === connection, !connection.hasPeerFinished else { break }
      do throws(SystemError) {
        let count = try calls.read(connection.descriptor, into: buffer)
        guard count > 0 else {
          peerFinished(connection)
          break
        }
        received(connection, Bytes(Array(buffer[0..<count])))
        if count < buffer.count { break }
      } catch {
        if !error.isPassing { broke(connection, error) }
        break
      }
    }
    driver.turnEnded()
  }

  private func received(_ connection: LiveConnection, _ bytes: Bytes) {
    driver.tap.stream(.received, connection.id, bytes, .none)
    // After its own close the host hears nothing more.
    if !connection.hasLeft { driver.tell(.bytes(connection.id, bytes)) }
  }

  private func peerFinished(_ connection: LiveConnection) {
    connection.hasPeerFinished = true
    driver.tap.finished(.received, connection.id)
    if connection.state == .finished { return ended(connection, .orderly) }
    watch(connection)
    if !connection.hasLeft { driver.tell(.ended(connection.id)) }
  }

  // MARK: - Ends

  func finish(_ id: ConnectionID) {
    guard let connection = connections[id], connection.state == .open, !connection.hasLeft else { return }
    connection.state = .finishing
    markDirty(connection)
  }

  func close(_ id: ConnectionID, _ mode: SansIO.CloseMode) {
    guard let connection = connections[id], !connection.hasLeft else { return }
    // Still being opened: nobody has heard of it.
    if connection.state == .connecting { return remove(connection, isReset: true) }
    connection.hasLeft = true
    guard mode == .orderly else {
      driver.tap.reset(.sent, id)
      return ended(connection, .reset, isReset: true)
    }
    if connection.state == .finished { return linger(connection) }
    connection.state = .finishing
    markDirty(connection)
    end(connection, after: Self.leavingTime, .timedOut)
  }

  private func end(_ connection: LiveConnection, after time: TimeAmount, _ closure: Closure) {
    let end = { [weak self, weak connection] in
      guard let self, let connection else { return }
      self.ended(connection, closure, isReset: closure != .orderly)
    }
    driver.loop.setTimer(connection.timer, at: .now() + time, .init(fire: end, abandon: {}))
  }

  private func sendFIN(_ connection: LiveConnection) {
    connection.state = .finished
    do throws(SystemError) { try calls.finish(connection.descriptor) } catch { return broke(connection, error) }
    driver.tap.finished(.sent, connection.id)
    if connection.hasPeerFinished { return ended(connection, .orderly) }
    if connection.hasLeft { linger(connection) }
  }

  /// Closing at once would reset the connection when bytes of the peer are unread, and with it what was just written.
  private func linger(_ connection: LiveConnection) {
    if connection.hasPeerFinished { return ended(connection, .orderly) }
    end(connection, after: Self.lingerTime, .orderly)
  }

  private func broke(_ connection: LiveConnection, _ error: SystemError) {
    if error == .timedOut { return ended(connection, .timedOut) }
    driver.tap.reset(.received, connection.id)
    ended(connection, .reset)
  }

  private func ended(_ connection: LiveConnection, _ closure: Closure, isReset: Bool = false) {
    guard connections[connection.id] === connection else { return }
    remove(connection, isReset: isReset)
    driver.tap.forget(connection.id)
    driver.tell(later: .closed(connection.id, closure))
    driver.deliver()
  }

  private func remove(_ connection: LiveConnection, isReset: Bool) {
    connections[connection.id] = nil
    driver.loop.stopTimer(connection.timer)
    driver.loop.forget(connection.descriptor)
    calls.close(connection.descriptor, isReset: isReset)
  }

  func stop() {
    flush()
    for connection in connections.values {
      if connection.state != .connecting { driver.tap.finished(.sent, connection.id) }
      driver.loop.stopTimer(connection.timer)
      driver.loop.forget(connection.descriptor)
      calls.close(connection.descriptor, isReset: connection.state == .connecting)
    }
    (connections, dirty) = ([:], [])
  }

  // MARK: - Readiness

  func ready(_ connection: LiveConnection, _ readiness: Readiness) {
    if connection.state == .connecting { return finishConnecting(connection) }
    if readiness.isWritable, connection.isBlocked { writable(connection) }
    if readiness.isReadable || readiness.isFailed { readable(connection) }
    // Both directions are shut, or it broke while nothing was left to read: its error is all there is.
    if readiness.isFailed, connections[connection.id] === connection, connection.hasPeerFinished {
      broke(connection, .connectionReset)
      driver.turnEnded()
    }
  }

  func newTimer() -> LoopTimer { driver.loop.newTimer() }
}
