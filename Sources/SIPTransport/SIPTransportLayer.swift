import SIPMessage
import SansIO
import SecureTransport

/// The transport layer of RFC 3261 §18: sockets, connections, framing, TLS under SIP.
///
/// Messages go up as ``Event``s with the ``Flow`` they came by; bytes go down on a flow. It routes between its parts: listeners, whose UDP
/// datagrams it reads itself; its connections, each a ``StreamConnection``; and the refusals of what is not a request that somebody can
/// answer.
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
  /// How long a TLS handshake may take, from the TCP connection on.
  public static let handshakePatience: Int64 = 10_000_000_000
  /// How many accepted connections may be without a finished TLS handshake.
  public static let halfOpenLimit = 512

  // Touched for every message by code that cannot overlap itself.
  @exclusivity(unchecked) private var places: Listeners
  @exclusivity(unchecked) private(set) var connections: Connections
  @exclusivity(unchecked) private var refusals: Refusals
  /// UDP peers that ICMP reported unreachable and that have sent nothing since.
  @exclusivity(unchecked) private var unreachable: Set<TransportAddress> = []
  private let limits: SIPLimits
  private let canServeTLS: Bool

  /// - Parameters:
  ///   - serverTLS: for TLS listeners; a listener without it fails.
  ///   - clientTLS: for connections to TLS targets.
  ///   - keepAlive: how often connections that we opened are kept alive by CRLF (RFC 5626 §4.4.1); nil = never.
  ///   - halfOpenLimit: how many accepted connections may be without a finished TLS handshake; beyond it the oldest is reset.
  ///   - firstPort: listeners are numbered from here, in their order.
  ///   - firstConnection: even; connections of ours are numbered from here in steps of two.
  public init(
    listeners: [TransportListener], serverTLS: TLSContext?, clientTLS: TLSContext?, entropy: Entropy, epoch: Epoch,
    limits: SIPLimits = .standard, keepAlive: Duration? = nil, halfOpenLimit: Int = SIPTransportLayer.halfOpenLimit,
    firstPort: PortID = PortID(1), firstConnection: ConnectionID = ConnectionID(2)
  ) {
    places = Listeners(listeners, firstPort: firstPort)
    let settings = StreamConnection.Settings(
      serverTLS: serverTLS, clientTLS: clientTLS, entropy: entropy, epoch: epoch, limits: limits, keepAlive: keepAlive)
    connections = Connections(settings, firstID: firstConnection, halfOpenLimit: halfOpenLimit)
    refusals = Refusals(limits)
    self.limits = limits
    canServeTLS = serverTLS != nil
  }

  /// The listeners with their real addresses once they are bound.
  public var listeners: [TransportListener] { places.all }

  /// Who hears nothing, not even what is wrong with a request that cannot be read.
  public var gate: DropGate {
    get { refusals.gate }
    set { refusals.gate = newValue }
  }

  /// The contexts of connections that are opened or accepted from now on; those that are there keep theirs.
  public func use(serverTLS: TLSContext, clientTLS: TLSContext) { connections.use(serverTLS: serverTLS, clientTLS: clientTLS) }

  public func start(at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    for (index, listener) in places.all.enumerated() {
      let port = places.port(index)
      switch listener.transport {
      case .udp: out.bind(port, listener.address, .datagram)
      case .tcp: out.bind(port, listener.address, .listener)
      case .tls:
        if canServeTLS {
          out.bind(port, listener.address, .listener)
        } else {
          events.append(.listenFailed(listener, .other("no certificate is configured")))
        }
      case .ws, .wss: events.append(.listenFailed(listener, .other("SIP over WebSocket is not offered yet")))
      }
    }
  }

  // MARK: - Arrivals

  /// Whether an arrival belongs to this layer.
  public func owns(_ arrival: Arrival) -> Bool {
    switch arrival {
    case .bound(let port, _), .bindFailed(let port, _, _), .datagram(let port, from: _, _), .unreachable(let port, _, _),
      .sendFailed(let port, to: _, _, _, _), .receiveFailed(let port, _), .acceptFailed(let port, _), .acceptsAgain(let port),
      .accepted(_, let port, local: _, remote: _):
      places[port] != nil
    case .opened(let id, local: _, remote: _), .refused(let id, _), .bytes(let id, _), .ended(let id), .closed(let id, _), .drained(let id):
      connections.has(id)
    case .resolved: false
    }
  }

  public func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    switch arrival {
    case .bound(let port, let address): if let listener = places.opened(port, at: address) { events.append(.listening(listener)) }
    case .bindFailed(let port, _, let failure): if let listener = places[port] { events.append(.listenFailed(listener, failure)) }
    case .datagram(let port, from: let source, let bytes): receiveDatagram(port, source, bytes, at: now, &out, &events)
    case .sendFailed, .receiveFailed, .unreachable, .acceptFailed, .acceptsAgain: tell(arrival, &events)
    case .accepted(let id, let port, local: let local, remote: let remote):
      guard let listener = places[port] else { return }
      let flow = Flow(transport: listener.transport, local: local, remote: remote, path: .connection(id))
      connections.accept(id, flow, at: now, &out, &events)
    case .opened(let id, local: let local, remote: _): connections.opened(id, local: local, &refusals, at: now, &out, &events)
    case .refused(let id, let failure): connections.fail(id, .refused(failure), &events)
    case .bytes(let id, let bytes): connections.receive(bytes, on: id, &refusals, at: now, &out, &events)
    case .ended(let id): connections.ended(id, &refusals, at: now, &out, &events)
    case .closed(let id, let closure): connections.fail(id, .closed(closure), &events)
    case .drained, .resolved: break
    }
  }

  /// What the operating system and ICMP report of a socket (RFC 3261 §18.4). The socket goes on.
  private func tell(_ arrival: Arrival, _ events: inout [Event]) {
    switch arrival {
    case .sendFailed(let port, to: let remote, let bytes, let label, let error):
      if let listener = places[port] { events.append(.sendFailed(bytes, label, flow(port, listener, remote), error)) }
    case .unreachable(let port, let remote, let error):
      guard let listener = places[port] else { return }
      // Peers choose who is reported: a few are remembered.
      if unreachable.count >= 1_024 { unreachable = [] }
      events.append(.unreachable(flow(port, listener, remote), error, isNew: unreachable.insert(remote).inserted))
    case .receiveFailed(let port, let error): fail(.receive, port, error, &events)
    case .acceptFailed(let port, let error): fail(.accept, port, error, &events)
    case .acceptsAgain(let port): if let listener = places[port] { events.append(.acceptsAgain(listener)) }
    case .bound, .bindFailed, .datagram, .accepted, .opened, .refused, .bytes, .ended, .closed, .drained, .resolved: break
    }
  }

  private func fail(_ act: SocketFailure.Act, _ port: PortID, _ error: SystemError, _ events: inout [Event]) {
    guard let listener = places[port] else { return }
    events.append(.socketFailed(SocketFailure(act, local: listener.address, error: error)))
  }

  /// Closes connections that are ending or did not become useful in time.
  public func wake(at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    connections.wake(&refusals, at: now, &out, &events)
  }

  /// O(1).
  public var nextDeadline: Instant? { connections.nextDeadline }

  // MARK: - Datagrams

  /// A datagram is a message (RFC 3261 §18.3) or a keep-alive (RFC 5626 §3.5.1 for CRLF).
  private func receiveDatagram(
    _ port: PortID, _ source: TransportAddress, _ bytes: Bytes, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    guard let listener = places[port] else { return }
    if !unreachable.isEmpty { unreachable.remove(source) }
    let flow = flow(port, listener, source)
    guard !Self.isKeepAlive(bytes) else { return events.append(.keepAlive(flow)) }
    do {
      events.append(.message(InboundMessage(try SIPMessage.parse(bytes, limits: limits), on: flow)))
    } catch {
      events.append(.malformed(error, bytes, flow))
      if let answer = refusals.answer(error, bytes, flow) { send(answer, at: now, &out, &events) }
    }
  }

  private func flow(_ port: PortID, _ listener: TransportListener, _ remote: TransportAddress) -> Flow {
    Flow(transport: .udp, local: listener.address, remote: remote, path: .port(port))
  }

  /// A few bytes that mean nothing, or STUN, which phones send on the port of their flow (RFC 5626 §3.5.2): its first two bits are zero and
  /// the magic cookie follows (RFC 8489 §5).
  private static func isKeepAlive(_ bytes: Bytes) -> Bool {
    if bytes.count <= 4 { return bytes.allSatisfy(isKeepAliveByte) }
    return bytes.count >= 20 && bytes[0] < 64 && bytes[4..<8].elementsEqual([0x21, 0x12, 0xA4, 0x42])
  }

  /// CR, LF, and the zero bytes some phones send through their NAT.
  private static func isKeepAliveByte(_ byte: UInt8) -> Bool { byte == 13 || byte == 10 || byte == 0 }

  // MARK: - Sending

  /// The flow to a target: the UDP socket of its family, or a connection, opened if there is none yet.
  public func flow(to target: SIPTarget, at now: Instant, _ out: inout Outbox) -> Flow {
    guard target.transport.isReliable else { return places.datagramFlow(to: target.address) }
    return connections.flow(to: target) ?? connections.open(to: target, from: places.source(for: target), at: now, &out)
  }

  /// Whether something can be sent on the flow: a connection that ended cannot carry anything.
  public func isUsable(_ flow: Flow) -> Bool {
    switch flow.path {
    case .port: true
    case .connection(let id): connections.has(id)
    }
  }

  /// Whether what is sent on the flow waits for its connection.
  public func isPending(_ flow: Flow) -> Bool {
    guard case .connection(let id) = flow.path else { return false }
    return connections.table[id]?.isPending == true
  }

  /// Sends bytes on a flow; on a connection that is not up yet they wait for it.
  public func send(_ bytes: Bytes, on flow: Flow, _ label: Label, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    switch flow.path {
    case .port(let port):
      guard places[port] != nil else {
        return events.append(.flowFailed(flow, .refused(.other("no UDP socket of that address family is open"))))
      }
      out.datagram(port, to: flow.remote, bytes, label)
    case .connection(let id):
      if !connections.write(bytes, label, on: id, at: now, &out) { events.append(.flowFailed(flow, .closed(.orderly))) }
    }
  }

  /// Answers a request that no transaction can be made for, since a field it is matched by is missing or unreadable (RFC 3261 §8.1.1).
  public func reject(
    _ request: InboundMessage, _ error: SIPHeaderError, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    if let answer = refusals.answer(error, request) { send(answer, at: now, &out, &events) }
  }

  private func send(_ answer: Refusals.Answer, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    events.append(Event(answer))
    send(answer.bytes, on: answer.request.replyFlow, answer.label, at: now, &out, &events)
  }

  /// Closes a connection; nothing happens on UDP.
  public func close(_ flow: Flow, _ mode: CloseMode, at now: Instant, _ out: inout Outbox) {
    if case .connection(let id) = flow.path { connections.close(id, mode, at: now, &out) }
  }

  /// The sent-by of Via (RFC 3261 §18.1.1).
  public func viaSentBy(for flow: Flow) -> String {
    let address = places.sentBy(for: flow)
    let host = address.address.isIPv6 ? "[\(address.address)]" : address.address.description
    return address.port == 0 ? host : "\(host):\(address.port)"
  }
}
