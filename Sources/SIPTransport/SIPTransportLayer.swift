import SIPMessage
import SansIO
import SecureTransport

/// The transport layer of RFC 3261 §18: sockets, connections, framing, TLS under SIP.
///
/// Messages go up as ``Event``s with the ``Flow`` they came by; bytes go down on a flow. UDP stands in `SIPTransportLayer+Datagrams`,
/// connections in `SIPTransportLayer+Connections`.
public final class SIPTransportLayer {
  public enum Event: Sendable {
    /// The address is the real one where port 0 was asked for.
    case listening(TransportListener)
    case listenFailed(TransportListener, BindFailure)
    case message(InboundMessage)
    /// Bytes that are not a SIP message. Where they leave unknown where the next one begins, ``flowFailed(_:_:)`` follows.
    case malformed(SIPParseError, Bytes, Flow)
    /// A request that no transaction was made for was answered with this status.
    case rejected(InboundMessage, status: Int, warning: String)
    /// A peer connected; nothing was read yet.
    case accepted(Flow)
    /// A connection of ours is up, TLS included.
    case flowOpened(Flow)
    case flowFailed(Flow, FlowFailure)
    /// A message did not leave; the flow itself goes on.
    case sendFailed(Bytes, Label, Flow, SystemError)
    /// ICMP came back for something that was sent to the flow's remote address; `isNew`: for the first time since it was heard of.
    case unreachable(Flow, SystemError, isNew: Bool)
    /// Reading or accepting failed at a listener, which goes on.
    case socketFailed(SocketFailure)
    /// Connections are taken again.
    case acceptsAgain(TransportListener)
    case keepAlive(Flow)
  }

  /// How long a connection may take to become useful: TLS up, on an accepted TCP connection the first message, and later the rest of a
  /// message that has begun. 64·T1.
  public static let patience: Int64 = 32_000_000_000

  /// The listeners with their real addresses once they are bound.
  @exclusivity(unchecked) public internal(set) var listeners: [TransportListener]
  let serverTLS: TLSContext?
  let clientTLS: TLSContext?
  let entropy: Entropy
  let epoch: Epoch
  let limits: SIPLimits
  let firstPort: UInt32
  var nextConnection: UInt32
  @exclusivity(unchecked) var connections: [ConnectionID: StreamConnection] = [:]
  /// Connections we opened, by where they go.
  var outgoing: [SIPTarget: ConnectionID] = [:]
  @exclusivity(unchecked) var deadlines = DeadlineQueue<ConnectionID>()
  /// Who hears nothing, not even what is wrong with a request that cannot be read.
  public var gate = DropGate.open
  /// UDP peers that ICMP reported unreachable and that have sent nothing since.
  var unreachable: Set<TransportAddress> = []
  /// Requests rejected so far; it makes their To tags differ.
  var rejections = 0

  /// - Parameters:
  ///   - serverTLS: for TLS listeners; a listener without it fails.
  ///   - clientTLS: for connections to TLS targets.
  ///   - firstPort: listeners are numbered from here, in their order.
  ///   - firstConnection: even; connections of ours are numbered from here in steps of two.
  public init(
    listeners: [TransportListener], serverTLS: TLSContext?, clientTLS: TLSContext?, entropy: Entropy, epoch: Epoch,
    limits: SIPLimits = .standard, firstPort: PortID = PortID(1), firstConnection: ConnectionID = ConnectionID(2)
  ) {
    precondition(firstConnection.isMintedByHost, "a host mints even connection ids")
    self.listeners = listeners
    self.serverTLS = serverTLS
    self.clientTLS = clientTLS
    self.entropy = entropy
    self.epoch = epoch
    self.limits = limits
    self.firstPort = firstPort.rawValue
    nextConnection = firstConnection.rawValue
  }

  public func start(at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    for (index, listener) in listeners.enumerated() {
      let port = PortID(firstPort + UInt32(index))
      switch listener.transport {
      case .udp: out.bind(port, listener.address, .datagram)
      case .tcp: out.bind(port, listener.address, .listener)
      case .tls:
        if serverTLS == nil {
          events.append(.listenFailed(listener, .other("no certificate is configured")))
        } else {
          out.bind(port, listener.address, .listener)
        }
      case .ws, .wss: events.append(.listenFailed(listener, .other("SIP over WebSocket is not offered yet")))
      }
    }
  }

  /// Whether an arrival belongs to this layer.
  public func owns(_ arrival: Arrival) -> Bool {
    switch arrival {
    case .bound(let port, _), .bindFailed(let port, _, _), .datagram(let port, from: _, _), .unreachable(let port, _, _),
      .sendFailed(let port, to: _, _, _, _), .receiveFailed(let port, _), .acceptFailed(let port, _), .acceptsAgain(let port),
      .accepted(_, let port, local: _, remote: _):
      listener(of: port) != nil
    case .opened(let id, local: _, remote: _), .refused(let id, _), .bytes(let id, _), .ended(let id), .closed(let id, _), .drained(let id):
      connections[id] != nil
    case .resolved: false
    }
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    switch arrival {
    case .bound(let port, let address):
      guard let index = index(of: port) else { return }
      listeners[index].address = address
      events.append(.listening(listeners[index]))
    case .bindFailed(let port, _, let failure):
      if let listener = listener(of: port) { events.append(.listenFailed(listener, failure)) }
    case .datagram(let port, from: let source, let bytes): receiveDatagram(port, source, bytes, at: now, &out, &events)
    case .sendFailed, .receiveFailed, .unreachable, .acceptFailed, .acceptsAgain: tell(arrival, &events)
    case .accepted(let id, let port, local: let local, remote: let remote):
      accept(id, port, local: local, remote: remote, at: now, &out, &events)
    case .opened(let id, local: let local, remote: _): opened(id, local: local, at: now, &out, &events)
    case .refused(let id, let failure): fail(id, .refused(failure), &events)
    case .bytes(let id, let bytes): receiveBytes(id, bytes, at: now, &out, &events)
    case .ended(let id): ended(id, at: now, &out, &events)
    case .closed(let id, let closure): fail(id, .closed(closure), &events)
    case .drained, .resolved: break
    }
  }

  /// Closes connections that are ending or did not become useful in time.
  public func wake(at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    while let id = deadlines.takeExpired(at: now) { expire(id, at: now, &out, &events) }
  }

  /// O(1).
  public var nextDeadline: Instant? { deadlines.next }

  // MARK: - Sending

  /// The flow to a target: the UDP socket of its family, or a connection, opened if there is none yet.
  public func flow(to target: SIPTarget, at now: Instant, _ out: inout Outbox) -> Flow {
    guard target.transport.isReliable else {
      let index = listenerIndex(.udp, near: target.address.address)
      let local = index.map { listeners[$0].address } ?? TransportAddress(target.address.address.isIPv6 ? .anyV6 : .anyV4, port: 0)
      return Flow(transport: .udp, local: local, remote: target.address, path: .port(PortID(firstPort + UInt32(index ?? Int(UInt16.max)))))
    }
    if let id = outgoing[target], let connection = connections[id] { return connection.flow }
    return connect(to: target, at: now, &out)
  }

  /// Whether something can be sent on the flow: a connection that ended cannot carry anything.
  public func isUsable(_ flow: Flow) -> Bool {
    switch flow.path {
    case .port: true
    case .connection(let id): connections[id] != nil
    }
  }

  /// Sends bytes on a flow; on a connection that is not up yet they wait for it.
  public func send(_ bytes: Bytes, on flow: Flow, _ label: Label, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    switch flow.path {
    case .port(let port):
      guard listener(of: port) != nil else {
        events.append(.flowFailed(flow, .refused(.other("no UDP socket of that address family is open"))))
        return
      }
      out.datagram(port, to: flow.remote, bytes, label)
    case .connection(let id): write(bytes, id, flow, label, at: now, &out, &events)
    }
  }

  /// Closes a connection; nothing happens on UDP.
  public func close(_ flow: Flow, _ mode: CloseMode, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    guard case .connection(let id) = flow.path, let connection = connections[id] else { return }
    if mode == .orderly, let tls = connection.tls { emit(tls.close(at: now), id, Label(.tlsClose), at: now, &out, &events) }
    out.close(id, mode)
    forget(id)
  }

  /// The sent-by of Via (RFC 3261 §18.1.1): where responses can reach us, the listener rather than a connection's passing port.
  public func viaSentBy(for flow: Flow) -> String {
    let listener = listeners.first { $0.transport == flow.transport && $0.address.address == flow.local.address }
    let address = listener?.address ?? flow.local
    let host = address.address.isIPv6 ? "[\(address.address)]" : address.address.description
    return address.port == 0 ? host : "\(host):\(address.port)"
  }

  // MARK: - Listeners

  func index(of port: PortID) -> Int? {
    let index = Int(port.rawValue) - Int(firstPort)
    return listeners.indices.contains(index) ? index : nil
  }

  func listener(of port: PortID) -> TransportListener? { index(of: port).map { listeners[$0] } }

  /// The listener of this transport and address family.
  func listenerIndex(_ transport: SIPTransportProtocol, near remote: IPAddress) -> Int? {
    listeners.firstIndex { $0.transport == transport && $0.address.address.isIPv6 == remote.isIPv6 }
  }
}
