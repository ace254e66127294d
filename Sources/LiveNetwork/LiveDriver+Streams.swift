import Glibc
import NIOCore
import NIOPosix
import SansIO

/// A TCP connection of the host; without a channel while it is being opened.
struct LiveConnection {
  var channel: (any Channel)?
  var local: TransportAddress
  var remote: TransportAddress
  /// Writes that the kernel has not taken yet.
  var pendingWrites = 0
  var isClosing = false
  /// FIN follows the writes that the kernel has not taken yet.
  var isFinishing = false
  /// How it will have ended.
  var closure: Closure = .orderly
}

/// Turns what a TCP connection reads into arrivals.
final class StreamReceiver: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private unowned let driver: LiveDriver
  private let id: ConnectionID

  init(_ driver: LiveDriver, _ id: ConnectionID) {
    self.driver = driver
    self.id = id
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    driver.isReading = true
    driver.streamRead(id, Bytes(unwrapInboundIn(data)))
  }

  func channelReadComplete(context: ChannelHandlerContext) { driver.readCompleted() }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { driver.streamEnded(id) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    driver.streamFailed(id, (error as? IOError)?.errnoCode == ETIMEDOUT ? .timedOut : .reset)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { driver.streamGone(id) }
}

extension LiveDriver {
  // MARK: - Opening

  func bindListener(_ port: PortID, _ address: TransportAddress) {
    opening.insert(port)
    ServerBootstrap(group: eventLoop)
      .serverChannelOption(.backlog, value: 1_024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture { try accepted(channel, port) }
      }
      .bind(to: address.socketAddress)
      .whenComplete { [self] result in
        opening.remove(port)
        switch result {
        case .success(let channel):
          guard released.remove(port) == nil, !isStopped else { return channel.close(promise: nil) }
          let real = TransportAddress(channel.localAddress) ?? address
          listeners[port] = channel
          tap.record(.bound(real, .listener))
          tell(.bound(port, real))
        case .failure(let error):
          let failure = BindFailure(error)
          tap.record(.bindFailed(address, failure))
          tell(.bindFailed(port, address, failure))
        }
      }
  }

  private func accepted(_ channel: any Channel, _ port: PortID) throws {
    guard let local = TransportAddress(channel.localAddress), let remote = TransportAddress(channel.remoteAddress), !isStopped else {
      return channel.close(promise: nil)
    }
    let id = ConnectionID(nextConnection)
    nextConnection += 2
    connections[id] = LiveConnection(channel: channel, local: local, remote: remote)
    try channel.pipeline.syncOperations.addHandler(StreamReceiver(self, id))
    tap.accepted(id, local: local, remote: remote)
    // The channel becomes active after its initializer; only then can it be written to or closed.
    eventLoop.execute { [self] in
      if connections[id] != nil { tell(.accepted(id, port, local: local, remote: remote)) }
    }
  }

  func open(_ id: ConnectionID, from source: IPAddress?, to destination: TransportAddress) {
    let local = TransportAddress(source ?? (destination.address.isIPv6 ? .anyV6 : .anyV4), port: 0)
    connections[id] = LiveConnection(channel: nil, local: local, remote: destination)
    var bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(.seconds(32))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(StreamReceiver(self, id)) }
      }
    if source != nil { bootstrap = bootstrap.bind(to: local.socketAddress) }
    bootstrap.connect(to: destination.socketAddress).whenComplete { [self] result in
      switch result {
      case .success(let channel): opened(id, channel, destination)
      case .failure(let error):
        guard connections.removeValue(forKey: id) != nil else { return }
        tell(.refused(id, ConnectFailure(error)))
      }
    }
  }

  private func opened(_ id: ConnectionID, _ channel: any Channel, _ destination: TransportAddress) {
    guard connections[id] != nil, let local = TransportAddress(channel.localAddress), !isStopped else { return channel.close(promise: nil) }
    connections[id]?.channel = channel
    connections[id]?.local = local
    tap.opened(id, local: local, remote: destination)
    tell(.opened(id, local: local, remote: destination))
  }

  // MARK: - Bytes

  func write(_ id: ConnectionID, _ bytes: Bytes, _ label: Label) {
    guard let connection = connections[id], let channel = connection.channel, !connection.isClosing, !connection.isFinishing else { return }
    tap.stream(.sent, id, bytes, label)
    connections[id]?.pendingWrites += 1
    let promise = eventLoop.makePromise(of: Void.self)
    promise.futureResult.whenComplete { [self] _ in written(id) }
    write(ByteBuffer(bytes: bytes.array), to: channel, promise: promise)
  }

  private func written(_ id: ConnectionID) {
    guard var connection = connections[id] else { return }
    connection.pendingWrites -= 1
    connections[id] = connection
    guard connection.pendingWrites == 0 else { return }
    if connection.isClosing { return close(connection) }
    if connection.isFinishing { connection.channel?.close(mode: .output, promise: nil) }
    tell(.drained(id))
  }

  func streamRead(_ id: ConnectionID, _ bytes: Bytes) {
    guard let connection = connections[id] else { return }
    tap.stream(.received, id, bytes, .none)
    // After its own close the host hears nothing more.
    if !connection.isClosing { tell(.bytes(id, bytes)) }
  }

  // MARK: - Ends

  func finish(_ id: ConnectionID) {
    guard let connection = connections[id], let channel = connection.channel, !connection.isClosing, !connection.isFinishing else { return }
    connections[id]?.isFinishing = true
    tap.finished(.sent, id)
    flush()
    if connections[id]?.pendingWrites == 0 { channel.close(mode: .output, promise: nil) }
  }

  func close(_ id: ConnectionID, _ mode: SansIO.CloseMode) {
    guard let connection = connections[id] else { return }
    // Still being opened: nobody has heard of it.
    guard connection.channel != nil else { return connections[id] = nil }
    connections[id]?.isClosing = true
    if mode == .reset {
      connections[id]?.closure = .reset
      tap.reset(.sent, id)
      close(connection, lingering: false)
    } else {
      if !connection.isFinishing { tap.finished(.sent, id) }
      flush()
      if connections[id]?.pendingWrites == 0 { close(connection) }
    }
  }

  private func close(_ connection: LiveConnection, lingering: Bool = true) {
    guard let channel = connection.channel else { return }
    // A linger time of zero makes the kernel send RST (socket(7)).
    guard !lingering, let options = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
    options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
  }

  func streamEnded(_ id: ConnectionID) {
    guard let connection = connections[id] else { return }
    tap.finished(.received, id)
    if connection.isClosing { connection.channel?.close(promise: nil) } else { tell(.ended(id)) }
  }

  func streamFailed(_ id: ConnectionID, _ closure: Closure) {
    guard connections[id] != nil else { return }
    connections[id]?.closure = closure
    if closure == .reset { tap.reset(.received, id) }
  }

  func streamGone(_ id: ConnectionID) {
    guard let connection = connections.removeValue(forKey: id), connection.channel != nil else { return }
    tap.forget(id)
    tell(.closed(id, connection.closure))
  }
}
