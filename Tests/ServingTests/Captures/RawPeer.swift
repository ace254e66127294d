import LiveNetwork
import NIOCore
import SIPMessage
import SansIO
import SecureTransport

/// A peer made of sockets alone: it sends what a test says and keeps every byte that crossed them.
// Unchecked: its state belongs to its loop; what a test reads it reads after ``stop()``.
final class RawPeer: NetworkHost, @unchecked Sendable {
  /// A UDP socket with where it sends to, or a connection.
  enum Wire: Hashable {
    case datagrams(PortID, to: TransportAddress)
    case stream(ConnectionID)
  }

  struct Missing: Error, CustomStringConvertible { var description: String }

  /// What crossed a connection, in each direction; with TLS what it carried, and the ciphertext.
  struct Stream {
    var local: TransportAddress
    var remote: TransportAddress
    var sent: [UInt8] = []
    var received: [UInt8] = []
    var sentCiphertext: [UInt8] = []
    var receivedCiphertext: [UInt8] = []
    var isTLS = false
    fileprivate var framer = StreamFramer()

    fileprivate mutating func hear(_ plaintext: Bytes) {
      received += plaintext.array
      framer.append(plaintext)
    }

    /// The next message that begins so.
    fileprivate mutating func message(_ isMeant: (String) -> Bool) -> SIPMessage? {
      while let frame = try? framer.next() { if case .message(let message) = frame, isMeant(message.bytes.text) { return message } }
      return nil
    }
  }

  struct Datagram: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
    var payload: Bytes
  }

  private struct Waiter {
    var attempt: () -> Bool
    var promise: EventLoopPromise<Void>
  }

  let address: IPAddress
  private let loop: SocketLoop
  private var driver: LiveDriver!
  private let tls: TLSContext?
  private var engines: [ConnectionID: TLSConnection] = [:]
  private var lastPort: UInt32 = 0
  private var lastConnection: UInt32 = 0
  private var bound: [PortID: TransportAddress] = [:]
  private var ready: Set<ConnectionID> = []
  private var accepted: [ConnectionID] = []
  private var waiters: [Waiter] = []
  private var unread: [(port: PortID, from: TransportAddress, Bytes)] = []
  private(set) var datagrams: [Datagram] = []
  private(set) var streams: [ConnectionID: Stream] = [:]

  init(_ address: IPAddress, tls: TLSContext? = nil) throws {
    loop = try SocketLoop()
    self.address = address
    self.tls = tls
    driver = LiveDriver(self, name: "peer", on: loop)
    driver.start()
  }

  func stop() async throws {
    try await driver.stop().get()
    try await loop.shutdownGracefully()
  }

  // MARK: - What the test does

  func bind() async throws -> (port: PortID, address: TransportAddress) { try await open(.datagram) }

  /// A port for RTP and the one above it for RTCP.
  func bindMedia(_ port: UInt16) async throws -> (port: PortID, address: TransportAddress) {
    _ = try await open(.datagram, port + 1)
    return try await open(.datagram, port)
  }

  func listen() async throws -> TransportAddress { try await open(.listener).address }

  private func open(_ kind: PortKind, _ port: UInt16 = 0) async throws -> (port: PortID, address: TransportAddress) {
    let id = try await perform { peer, out in
      peer.lastPort += 1
      out.bind(PortID(peer.lastPort), TransportAddress(peer.address, port: port), kind)
      return PortID(peer.lastPort)
    }
    let address = try await wait("a bound port") { $0.bound[id] }
    return (id, address)
  }

  func connect(to remote: TransportAddress, tls isTLS: Bool = false) async throws -> Wire {
    let id = try await perform { peer, out in
      peer.lastConnection += 2
      let id = ConnectionID(peer.lastConnection)
      if isTLS, let context = peer.tls { peer.engines[id] = TLSConnection(context, serverName: nil, entropy: .system, epoch: .virtual) }
      out.open(id, from: peer.address, to: remote)
      return id
    }
    return try await wait("a connection to \(remote)") { $0.ready.contains(id) ? .stream(id) : nil }
  }

  func accept() async throws -> Wire { .stream(try await wait("an accepted connection") { $0.accepted.first }) }

  func send(_ bytes: Bytes, over wire: Wire) async throws { try await send([bytes], over: wire) }

  /// Sends all of them in one turn of the loop: no other test comes between them, however busy the machine is.
  func send(_ pieces: [Bytes], over wire: Wire) async throws {
    try await perform { peer, out in for piece in pieces { peer.send(piece, over: wire, &out) } }
  }

  private func send(_ bytes: Bytes, over wire: Wire, _ out: inout Outbox) {
    switch wire {
    case .datagrams(let port, to: let remote):
      guard let local = bound[port] else { return }
      datagrams.append(Datagram(source: local, destination: remote, payload: bytes))
      out.datagram(port, to: remote, bytes, .none)
    case .stream(let id):
      streams[id]?.sent += bytes.array
      if let engine = engines[id] { act(engine.send(bytes, at: .zero), id, &out) } else { out.bytes(id, bytes, .none) }
    }
  }

  func finish(_ wire: Wire) async throws {
    guard case .stream(let id) = wire else { return }
    try await perform { peer, out in
      if let engine = peer.engines[id] { peer.act(engine.close(at: .zero), id, &out) }
      out.finish(id)
    }
  }

  func local(_ wire: Wire) async throws -> TransportAddress {
    try await perform { peer, _ in
      switch wire {
      case .datagrams(let port, to: _): peer.bound[port]
      case .stream(let id): peer.streams[id]?.local
      }
    } ?? TransportAddress(address, port: 0)
  }

  /// The next message over the wire whose first line begins so; others are passed over.
  ///
  /// - Parameter words: also in it. On a busy machine responses are repeated, and come after those of the next call.
  func message(_ start: String, with words: String..., over wire: Wire) async throws -> SIPMessage {
    let isMeant: @Sendable (String) -> Bool = { text in text.hasPrefix(start) && words.allSatisfy { text.contains($0) } }
    return try await wait("'\(start)' \(words)") { peer in
      switch wire {
      case .datagrams(let port, to: _):
        guard let index = peer.unread.firstIndex(where: { $0.port == port && isMeant($0.2.text) }) else { return nil }
        return try? SIPMessage.parse(peer.unread.remove(at: index).2)
      case .stream(let id): return peer.streams[id]?.message(isMeant)
      }
    }
  }

  /// A datagram that is no SIP message, from anywhere.
  func packet(on port: PortID) async throws {
    _ = try await wait("a packet") { peer in peer.unread.firstIndex { $0.port == port }.map { peer.unread.remove(at: $0).2 } }
  }

  private func perform<Value: Sendable>(_ body: @escaping @Sendable (RawPeer, inout Outbox) -> Value) async throws -> Value {
    let promise = driver.eventLoop.makePromise(of: Value.self)
    driver.command { [self] _, out in promise.succeed(body(self, &out)) }
    return try await promise.futureResult.get()
  }

  /// Waits until `find` has found something, at most ten seconds.
  private func wait<Value: Sendable>(_ what: String, _ find: @escaping @Sendable (RawPeer) -> Value?) async throws -> Value {
    let promise = driver.eventLoop.makePromise(of: Value.self)
    driver.eventLoop.execute { [self] in
      if let value = find(self) { return promise.succeed(value) }
      let done = driver.eventLoop.makePromise(of: Void.self)
      waiters.append(
        Waiter(
          attempt: {
            guard let value = find(self) else { return false }
            promise.succeed(value)
            return true
          }, promise: done))
      let late = driver.eventLoop.scheduleTask(in: .seconds(30)) {
        promise.fail(Missing(description: "\(what) did not come"))
        done.succeed()
      }
      done.futureResult.whenComplete { _ in late.cancel() }
    }
    return try await promise.futureResult.get()
  }

  // MARK: - NetworkHost

  func start(at now: Instant, _ out: inout Outbox) {}
  func wake(at now: Instant, _ out: inout Outbox) {}
  var nextDeadline: Instant? { nil }

  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    switch arrival {
    case .bound(let port, let address): bound[port] = address
    case .datagram(let port, from: let source, let bytes):
      if let local = bound[port] { datagrams.append(Datagram(source: source, destination: local, payload: bytes)) }
      unread.append((port, source, bytes))
    case .accepted(let id, _, local: let local, remote: let remote):
      streams[id] = Stream(local: local, remote: remote)
      accepted.append(id)
    case .opened(let id, local: let local, remote: let remote):
      streams[id] = Stream(local: local, remote: remote, isTLS: engines[id] != nil)
      if let engine = engines[id] { act(engine.start(at: .zero), id, &out) } else { ready.insert(id) }
    case .bytes(let id, let bytes):
      if let engine = engines[id] {
        streams[id]?.receivedCiphertext += bytes.array
        act(engine.receive(bytes, at: .zero), id, &out)
      } else {
        streams[id]?.hear(bytes)
      }
    default: break
    }
    waiters.removeAll { waiter in
      guard waiter.attempt() else { return false }
      waiter.promise.succeed()
      return true
    }
  }

  private func act(_ outputs: [TLSConnection.Output], _ id: ConnectionID, _ out: inout Outbox) {
    for output in outputs {
      switch output {
      case .ciphertext(let bytes, isHandshake: _):
        streams[id]?.sentCiphertext += bytes.array
        out.bytes(id, bytes, .none)
      case .plaintext(let bytes): streams[id]?.hear(bytes)
      case .established: ready.insert(id)
      case .secret, .closedByPeer, .failed: break
      }
    }
  }
}
