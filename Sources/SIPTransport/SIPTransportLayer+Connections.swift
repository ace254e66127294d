import SIPMessage
import SansIO
import SecureTransport

/// One TCP or TLS connection.
struct StreamConnection {
  var flow: Flow
  /// Where we wanted to go; nil for an accepted one.
  var target: SIPTarget?
  var framer: StreamFramer
  var tls: TLSConnection?
  /// TCP is up, and TLS where there is one.
  var isOpen: Bool
  /// What was sent before that.
  var pending: [(Bytes, Label)] = []
  /// Set once nothing more is read: it is closed at its next deadline, this same instant, so that requests read before are answered on
  /// it (RFC 3261 §18.2.2).
  var ending: Ending?

  enum Ending {
    /// Nobody knows where the next message begins (RFC 3261 §18.3).
    case unreadable(SIPParseError, Bytes)
    /// TLS ended: a close_notify, or a record that cannot be taken.
    case tls(FlowFailure)
  }
}

// Connections: opening, accepting, TLS, framing, ending.
extension SIPTransportLayer {
  // MARK: - Opening and accepting

  func connect(to target: SIPTarget, at now: Instant, _ out: inout Outbox) -> Flow {
    let id = ConnectionID(nextConnection)
    nextConnection += 2
    let source = sourceAddress(for: target)
    let local = TransportAddress(source ?? (target.address.address.isIPv6 ? .anyV6 : .anyV4), port: 0)
    let flow = Flow(transport: target.transport, local: local, remote: target.address, path: .connection(id))
    var connection = StreamConnection(flow: flow, target: target, framer: StreamFramer(limits: limits), tls: nil, isOpen: false)
    if target.transport == .tls, let clientTLS {
      connection.tls = TLSConnection(clientTLS, serverName: target.serverName, entropy: fork(id), epoch: epoch)
    }
    connections[id] = connection
    outgoing[target] = id
    deadlines.set(id, at: now.adding(nanoseconds: Self.patience))
    out.open(id, from: source, to: target.address)
    return flow
  }

  /// The address our other sockets of that family have, so that a peer's allowlist sees one address of us.
  private func sourceAddress(for target: SIPTarget) -> IPAddress? {
    let remote = target.address.address
    let index = listenerIndex(target.transport, near: remote) ?? listeners.firstIndex { $0.address.address.isIPv6 == remote.isIPv6 }
    let address = index.map { listeners[$0].address.address }
    return address?.isUnspecified == true ? nil : address
  }

  private func fork(_ id: ConnectionID) -> Entropy { entropy.fork("connection \(id.rawValue)") }

  func opened(_ id: ConnectionID, local: TransportAddress, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    guard let connection = connections[id] else { return }
    connections[id]?.flow.local = local
    guard connection.flow.transport == .tls else { return becameUsable(id, at: now, &out, &events) }
    guard let tls = connection.tls else {
      out.close(id, .reset)
      fail(id, .tls("no TLS is configured for outgoing connections"), &events)
      return
    }
    deadlines.set(id, at: now.adding(nanoseconds: Self.patience))
    emit(tls.start(at: now), id, .none, at: now, &out, &events)
  }

  /// Sends what waited, each message under its own label, so that faults and captures know it.
  private func becameUsable(_ id: ConnectionID, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    guard let connection = connections[id], !connection.isOpen else { return }
    deadlines.remove(id)
    connections[id]?.isOpen = true
    connections[id]?.pending = []
    events.append(.flowOpened(connection.flow))
    for (bytes, label) in connection.pending { write(bytes, id, connection.flow, label, at: now, &out, &events) }
  }

  func accept(
    _ id: ConnectionID, _ port: PortID, local: TransportAddress, remote: TransportAddress, at now: Instant, _ out: inout Outbox,
    _ events: inout [Event]
  ) {
    guard let listener = listener(of: port) else { return }
    let flow = Flow(transport: listener.transport, local: local, remote: remote, path: .connection(id))
    connections[id] = StreamConnection(
      flow: flow, target: nil, framer: StreamFramer(limits: limits), tls: nil, isOpen: listener.transport != .tls)
    deadlines.set(id, at: now.adding(nanoseconds: Self.patience))
    events.append(.accepted(flow))
  }

  /// The client speaks first in TLS: until then a connection that says nothing costs no TLS state.
  private func awaitClient(_ id: ConnectionID, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    guard let connection = connections[id], connection.flow.transport == .tls, connection.tls == nil, connection.target == nil,
      let serverTLS
    else { return }
    let tls = TLSConnection(serverTLS, serverName: nil, entropy: fork(id), epoch: epoch)
    connections[id]?.tls = tls
    emit(tls.start(at: now), id, .none, at: now, &out, &events)
  }

  // MARK: - Bytes

  func write(
    _ bytes: Bytes, _ id: ConnectionID, _ flow: Flow, _ label: Label, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    guard let connection = connections[id] else {
      events.append(.flowFailed(flow, .closed(.orderly)))
      return
    }
    if !connection.isOpen {
      connections[id]?.pending.append((bytes, label))
    } else if let tls = connection.tls {
      emit(tls.send(bytes, at: now), id, label, at: now, &out, &events)
      out.plaintext(id, .sent, bytes, label)
    } else {
      out.bytes(id, bytes, label)
    }
  }

  func receiveBytes(_ id: ConnectionID, _ bytes: Bytes, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    awaitClient(id, at: now, &out, &events)
    guard let connection = connections[id] else { return }
    if let tls = connection.tls {
      emit(tls.receive(bytes, at: now), id, .none, at: now, &out, &events)
    } else {
      frame(id, bytes, at: now, &out, &events)
    }
  }

  private func frame(_ id: ConnectionID, _ bytes: Bytes, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    guard var framer = connections[id]?.framer, let flow = connections[id]?.flow, connections[id]?.ending == nil else { return }
    // Held once while it grows, else each append would copy what has gathered.
    connections[id]?.framer = StreamFramer(limits: limits)
    framer.append(bytes)
    do {
      var isWhole = false
      while let frame = try framer.next() {
        isWhole = true
        switch frame {
        case .message(let message): events.append(.message(InboundMessage(message, on: flow)))
        case .unreadable(let error, let bytes):
          events.append(.malformed(error, bytes, flow))
          reject(error, bytes, flow, at: now, &out, &events)
        case .ping:
          events.append(.keepAlive(flow))
          write("\r\n", id, flow, Label(.keepAlive), at: now, &out, &events)
        case .pong: events.append(.keepAlive(flow))
        }
      }
      connections[id]?.framer = framer
      awaitRest(id, isWhole: isWhole, hasBegun: framer.pendingCount > 0, at: now)
    } catch {
      events.append(.malformed(error, framer.pending, flow))
      end(id, .unreadable(error, framer.pending), at: now)
    }
  }

  /// Lets the connection end once what was read before has been answered.
  private func end(_ id: ConnectionID, _ ending: StreamConnection.Ending, at now: Instant) {
    guard connections[id] != nil, connections[id]?.ending == nil else { return }
    connections[id]?.ending = ending
    deadlines.set(id, at: now)
  }

  /// Closes a connection whose deadline came: it is ending, or did not become useful in time.
  func expire(_ id: ConnectionID, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    guard let flow = connections[id]?.flow else { return }
    switch connections[id]?.ending {
    case .unreadable(let error, let bytes):
      reject(error, bytes, flow, at: now, &out, &events)
      close(flow, .orderly, at: now, &out, &events)
      events.append(.flowFailed(flow, .unreadable("\(error)")))
    case .tls(let failure):
      close(flow, .orderly, at: now, &out, &events)
      events.append(.flowFailed(flow, failure))
    case nil:
      out.close(id, .reset)
      fail(id, .silent(seconds: Int(Self.patience / 1_000_000_000)), &events)
    }
  }

  /// A message that has begun has to end in time, and none of its bytes buys it more (a limit of the Lab).
  private func awaitRest(_ id: ConnectionID, isWhole: Bool, hasBegun: Bool, at now: Instant) {
    if isWhole, !hasBegun {
      deadlines.remove(id)
    } else if isWhole || deadlines[id] == nil {
      deadlines.set(id, at: now.adding(nanoseconds: Self.patience))
    }
  }

  /// Carries out what TLS said.
  func emit(
    _ outputs: [TLSConnection.Output], _ id: ConnectionID, _ label: Label, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    for output in outputs {
      switch output {
      case .ciphertext(let bytes, isHandshake: let isHandshake): out.bytes(id, bytes, isHandshake ? Label(.tlsHandshake) : label)
      case .plaintext(let bytes):
        out.plaintext(id, .received, bytes, .none)
        frame(id, bytes, at: now, &out, &events)
      case .secret(let line): out.secret(line)
      case .established: becameUsable(id, at: now, &out, &events)
      case .closedByPeer: end(id, .tls(.closed(.orderly)), at: now)
      case .failed(let failure): end(id, .tls(.tls("\(failure)")), at: now)
      }
    }
  }

  // MARK: - Ends

  /// The peer's FIN. SIP has no use for a half-open connection: ours follows.
  func ended(_ id: ConnectionID, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    if let tls = connections[id]?.tls { emit(tls.endOfStream(at: now), id, .none, at: now, &out, &events) }
    guard connections[id] != nil else { return }
    out.close(id, .orderly)
    fail(id, .closed(.orderly), &events)
  }

  func fail(_ id: ConnectionID, _ failure: FlowFailure, _ events: inout [Event]) {
    guard let flow = connections[id]?.flow else { return }
    forget(id)
    events.append(.flowFailed(flow, failure))
  }

  func forget(_ id: ConnectionID) {
    deadlines.remove(id)
    guard let target = connections.removeValue(forKey: id)?.target, outgoing[target] == id else { return }
    outgoing[target] = nil
  }
}
