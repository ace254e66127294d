import SIPMessage
import SansIO
import SecureTransport

/// The TCP and TLS connections of a host, and when each is due.
struct Connections {
  typealias Event = SIPTransportLayer.Event

  private var settings: StreamConnection.Settings
  private(set) var table: [ConnectionID: StreamConnection] = [:]
  /// Those we opened, by where they go.
  private var outgoing: [SIPTarget: ConnectionID] = [:]
  private var deadlines = DeadlineQueue<ConnectionID>()
  /// Of the accepted ones those whose TLS handshake is not finished.
  private var halfOpen: HalfOpenConnections
  private var nextID: UInt32

  /// - Parameter firstID: even; connections of ours are numbered from here in steps of two.
  /// - Parameter halfOpenLimit: how many accepted ones may be without a finished TLS handshake.
  init(_ settings: StreamConnection.Settings, firstID: ConnectionID, halfOpenLimit: Int) {
    precondition(firstID.isMintedByHost, "a host mints even connection ids")
    halfOpen = HalfOpenConnections(limit: halfOpenLimit)
    self.settings = settings
    nextID = firstID.rawValue
  }

  var nextDeadline: Instant? { deadlines.next }

  /// A connection that ended cannot carry anything.
  func has(_ id: ConnectionID) -> Bool { table[id] != nil }

  /// For connections that are opened or accepted from now on.
  mutating func use(serverTLS: TLSContext?, clientTLS: TLSContext?) { (settings.serverTLS, settings.clientTLS) = (serverTLS, clientTLS) }

  /// The way to a target, where a connection to it is there.
  func flow(to target: SIPTarget) -> Flow? { outgoing[target].flatMap { table[$0]?.flow } }

  /// - Parameter source: where it leaves from; nil = any address.
  mutating func open(to target: SIPTarget, from source: IPAddress?, at now: Instant, _ out: inout Outbox) -> Flow {
    let id = ConnectionID(nextID)
    nextID += 2
    let local = TransportAddress(source ?? (target.address.address.isIPv6 ? .anyV6 : .anyV4), port: 0)
    let connection = StreamConnection(id, to: target, from: local, settings, at: now)
    table[id] = connection
    outgoing[target] = id
    deadlines.set(id, at: connection.deadline)
    out.open(id, from: source, to: target.address)
    return connection.flow
  }

  // MARK: - What arrives

  /// A peer connected to a listener.
  mutating func accept(_ id: ConnectionID, _ flow: Flow, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    let connection = StreamConnection(id, accepted: flow, settings, at: now)
    table[id] = connection
    deadlines.set(id, at: connection.deadline)
    events.append(.accepted(flow))
    guard connection.isHalfOpen, let oldest = halfOpen.insert(id) else { return }
    update(oldest) { [limit = halfOpen.limit] in $0.makeRoom(limit: limit, &out, &events) }
  }

  mutating func opened(
    _ id: ConnectionID, local: TransportAddress, _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    update(id) { $0.opened(local: local, &refusals, at: now, &out, &events) }
  }

  mutating func receive(
    _ bytes: Bytes, on id: ConnectionID, _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    update(id) { [settings] in $0.receive(bytes, settings, &refusals, at: now, &out, &events) }
  }

  mutating func ended(_ id: ConnectionID, _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    update(id) { $0.ended(&refusals, at: now, &out, &events) }
  }

  mutating func fail(_ id: ConnectionID, _ failure: FlowFailure, _ events: inout [Event]) { update(id) { $0.fail(failure, &events) } }

  /// Closes those that are ending or did not become useful in time.
  mutating func wake(_ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    while let id = deadlines.takeExpired(at: now) { update(id) { $0.expire(&refusals, at: now, &out, &events) } }
  }

  // MARK: - What leaves

  /// - Returns: false when it is gone.
  mutating func write(_ bytes: Bytes, _ label: Label, on id: ConnectionID, at now: Instant, _ out: inout Outbox) -> Bool {
    update(id) { $0.write(bytes, label, at: now, &out) }
  }

  mutating func close(_ id: ConnectionID, _ mode: CloseMode, at now: Instant, _ out: inout Outbox) {
    update(id) { $0.close(mode, at: now, &out) }
  }

  // MARK: - The table

  /// Changes a connection where it is, and keeps what the table knows of it.
  ///
  /// - Returns: whether it was there.
  @discardableResult
  private mutating func update(_ id: ConnectionID, _ body: (inout StreamConnection) -> Void) -> Bool {
    guard let index = table.index(forKey: id) else { return false }
    let deadline = table.values[index].deadline
    let wasHalfOpen = table.values[index].isHalfOpen
    body(&table.values[index])
    if wasHalfOpen, !table.values[index].isHalfOpen { halfOpen.remove(id) }
    guard table.values[index].isOver else {
      if table.values[index].deadline != deadline { deadlines.set(id, at: table.values[index].deadline) }
      return true
    }
    deadlines.remove(id)
    if let target = table.remove(at: index).value.target, outgoing[target] == id { outgoing[target] = nil }
    return true
  }
}
