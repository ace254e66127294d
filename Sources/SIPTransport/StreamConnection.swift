import SIPMessage
import SansIO
import SecureTransport

/// One TCP or TLS connection, and what it carries cut into messages.
///
/// ```
///   opening ── TCP is up ──► securing ── TLS is up ──► open ── unreadable, TLS ended ──► ending ── this same instant ──┐
///      │   └─ without TLS ───────────────────────────► │                                                             ▼
///      └──────────── closed by one side, not useful in time ───────────────────────────────────────────────────────► over
/// ```
/// An accepted one begins at securing, or without TLS at open. Securing has a deadline of its own; what is sent meanwhile waits.
struct StreamConnection {
  typealias Event = SIPTransportLayer.Event

  /// What connections have in common.
  struct Settings {
    /// For those that are accepted by a TLS listener.
    var serverTLS: TLSContext?
    /// For those to TLS targets.
    var clientTLS: TLSContext?
    /// Each connection forks its own from it.
    let entropy: Entropy
    let epoch: Epoch
    let limits: SIPLimits
    /// How often connections that we opened are kept alive; nil = never.
    let keepAlive: Duration?

    func fork(_ id: ConnectionID) -> Entropy { entropy.fork("connection \(id.rawValue)") }
  }

  private enum State {
    /// TCP is not up yet.
    case opening([Waiting])
    /// The TLS handshake.
    case securing([Waiting])
    case open
    /// Nothing more is read. It is closed at its deadline, so that requests read before are answered on it (RFC 3261 §18.2.2), where it
    /// was up.
    case ending(Ending, wasUp: Bool)
    case over
  }

  private struct Waiting {
    var bytes: Bytes
    var label: Label
  }

  private enum Ending {
    /// Nobody knows where the next message begins (RFC 3261 §18.3).
    case unreadable(SIPParseError, Bytes)
    /// TLS ended: a close_notify, or a record that cannot be taken.
    case tls(FlowFailure)
  }

  let id: ConnectionID
  /// Where we wanted to go; nil for an accepted one.
  let target: SIPTarget?
  private(set) var flow: Flow
  /// When it is to be useful, or closed.
  private var usefulBy: Instant?
  private var keepAlive: KeepAlive?
  private var entropy: Entropy
  private let pingInterval: Duration?
  private var state: State
  private(set) var framer: StreamFramer
  private var tls: TLSConnection?

  /// One that we open.
  init(_ id: ConnectionID, to target: SIPTarget, from local: TransportAddress, _ settings: Settings, at now: Instant) {
    self.id = id
    self.target = target
    flow = Flow(transport: target.transport, local: local, remote: target.address, path: .connection(id))
    usefulBy = Self.limit(now)
    state = .opening([])
    framer = StreamFramer(limits: settings.limits)
    (entropy, pingInterval) = (settings.fork(id), settings.keepAlive)
    guard target.transport == .tls, let context = settings.clientTLS else { return }
    tls = TLSConnection(context, serverName: target.serverName, entropy: settings.fork(id), epoch: settings.epoch)
  }

  /// One that a peer opened.
  init(_ id: ConnectionID, accepted flow: Flow, _ settings: Settings, at now: Instant) {
    self.id = id
    self.flow = flow
    target = nil
    usefulBy = flow.transport == .tls ? Self.handshakeLimit(now) : Self.limit(now)
    state = flow.transport == .tls ? .securing([]) : .open
    framer = StreamFramer(limits: settings.limits)
    (entropy, pingInterval) = (settings.fork(id), nil)
  }

  private static func limit(_ now: Instant) -> Instant { now.adding(nanoseconds: SIPTransportLayer.patience) }

  private static func handshakeLimit(_ now: Instant) -> Instant { now.adding(nanoseconds: SIPTransportLayer.handshakePatience) }

  /// When ``expire(_:at:_:_:)`` is due.
  var deadline: Instant? {
    guard let due = keepAlive?.nextDeadline else { return usefulBy }
    return usefulBy.map { min($0, due) } ?? due
  }

  /// A peer opened it, and its TLS handshake is not finished.
  var isHalfOpen: Bool {
    guard target == nil, case .securing = state else { return false }
    return true
  }

  /// Nothing was sent on it yet.
  var isPending: Bool {
    switch state {
    case .opening, .securing: true
    case .open, .ending, .over: false
    }
  }

  var isOver: Bool { if case .over = state { true } else { false } }

  private var isReading: Bool {
    switch state {
    case .opening, .securing, .open: true
    case .ending, .over: false
    }
  }

  // MARK: - Opening

  /// TCP is up.
  mutating func opened(local: TransportAddress, _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    flow.local = local
    guard flow.transport == .tls else { return becameUsable(at: now, &out, &events) }
    guard let tls, case .opening(let waiting) = state else {
      out.close(id, .reset)
      return fail(.tls("no TLS is configured for outgoing connections"), &events)
    }
    (state, usefulBy) = (.securing(waiting), Self.handshakeLimit(now))
    emit(tls.start(at: now), &refusals, at: now, &out, &events)
  }

  /// Sends what waited, each message under its own label, so that faults and captures know it.
  private mutating func becameUsable(at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    let waiting: [Waiting]
    switch state {
    case .opening(let messages), .securing(let messages): waiting = messages
    case .open, .ending, .over: return
    }
    (state, usefulBy) = (.open, nil)
    keepAlive = pingInterval.map { KeepAlive($0, at: now, using: &entropy) }
    events.append(.flowOpened(flow))
    for message in waiting { write(message.bytes, message.label, at: now, &out) }
  }

  /// The client speaks first in TLS: until then a connection that says nothing costs no TLS state.
  private mutating func awaitClient(
    _ settings: Settings, _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    guard flow.transport == .tls, tls == nil, target == nil, let context = settings.serverTLS else { return }
    let own = TLSConnection(context, serverName: nil, entropy: settings.fork(id), epoch: settings.epoch)
    tls = own
    emit(own.start(at: now), &refusals, at: now, &out, &events)
  }

  // MARK: - Bytes

  mutating func write(_ bytes: Bytes, _ label: Label, at now: Instant, _ out: inout Outbox) {
    switch state {
    case .opening(let waiting): state = .opening(waiting + [Waiting(bytes: bytes, label: label)])
    case .securing(let waiting): state = .securing(waiting + [Waiting(bytes: bytes, label: label)])
    case .open, .ending(_, wasUp: true):
      guard let tls else { return out.bytes(id, bytes, label) }
      for output in tls.send(bytes, at: now) { carryOut(output, label, at: now, &out) }
      out.plaintext(id, .sent, bytes, label)
    case .ending, .over: break
    }
  }

  mutating func receive(
    _ bytes: Bytes, _ settings: Settings, _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    awaitClient(settings, &refusals, at: now, &out, &events)
    if let tls {
      emit(tls.receive(bytes, at: now), &refusals, at: now, &out, &events)
    } else {
      frame(bytes, &refusals, at: now, &out, &events)
    }
  }

  private mutating func frame(_ bytes: Bytes, _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    guard isReading else { return }
    framer.append(bytes)
    do {
      var isWhole = false
      while let frame = try framer.next() {
        isWhole = true
        take(frame, &refusals, at: now, &out, &events)
      }
      awaitRest(isWhole: isWhole, hasBegun: framer.pendingCount > 0, at: now)
    } catch {
      events.append(.malformed(error, framer.pending, flow))
      end(.unreadable(error, framer.pending), at: now)
    }
  }

  private mutating func take(
    _ frame: StreamFramer.Frame, _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    switch frame {
    case .message(let message): events.append(.message(InboundMessage(message, on: flow)))
    case .unreadable(let error, let bytes):
      events.append(.malformed(error, bytes, flow))
      refuse(error, bytes, &refusals, at: now, &out, &events)
    case .ping:
      events.append(.keepAlive(flow))
      write("\r\n", Label(.keepAlive), at: now, &out)
    case .pong:
      events.append(.keepAlive(flow))
      _ = keepAlive?.handle(.pong, at: now, using: &entropy)
    }
  }

  private mutating func refuse(
    _ error: SIPParseError, _ bytes: Bytes, _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    guard let answer = refusals.answer(error, bytes, flow) else { return }
    events.append(Event(answer))
    write(answer.bytes, answer.label, at: now, &out)
  }

  /// A message that has begun has to end in time, and none of its bytes buys it more (a limit of the Lab).
  private mutating func awaitRest(isWhole: Bool, hasBegun: Bool, at now: Instant) {
    if isWhole, !hasBegun {
      usefulBy = nil
    } else if isWhole || usefulBy == nil {
      usefulBy = Self.limit(now)
    }
  }

  /// What TLS said of bytes that came.
  private mutating func emit(
    _ outputs: [TLSConnection.Output], _ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]
  ) {
    for output in outputs {
      switch output {
      case .plaintext(let bytes):
        out.plaintext(id, .received, bytes, .none)
        frame(bytes, &refusals, at: now, &out, &events)
      case .established: becameUsable(at: now, &out, &events)
      case .ciphertext, .secret, .closedByPeer, .failed: carryOut(output, .none, at: now, &out)
      }
    }
  }

  /// What TLS said that has nothing to do with what came: all that sending can bring.
  private mutating func carryOut(_ output: TLSConnection.Output, _ label: Label, at now: Instant, _ out: inout Outbox) {
    switch output {
    case .ciphertext(let bytes, isHandshake: let isHandshake): out.bytes(id, bytes, isHandshake ? Label(.tlsHandshake) : label)
    case .secret(let line): out.secret(line)
    case .closedByPeer: end(.tls(.closed(.orderly)), at: now)
    case .failed(let failure): end(.tls(.tls("\(failure)")), at: now)
    case .plaintext, .established: break
    }
  }

  // MARK: - Ends

  /// Lets the connection end once what was read before has been answered.
  private mutating func end(_ ending: Ending, at now: Instant) {
    switch state {
    case .opening, .securing: state = .ending(ending, wasUp: false)
    case .open: state = .ending(ending, wasUp: true)
    case .ending, .over: return
    }
    (usefulBy, keepAlive) = (now, nil)
  }

  /// Its deadline came: it is ending, did not become useful in time, or is to be kept alive.
  mutating func expire(_ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    switch state {
    case .ending(.unreadable(let error, let bytes), _):
      refuse(error, bytes, &refusals, at: now, &out, &events)
      close(.orderly, at: now, &out)
      events.append(.flowFailed(flow, .unreadable("\(error)")))
    case .ending(.tls(let failure), _):
      close(.orderly, at: now, &out)
      events.append(.flowFailed(flow, failure))
    case .opening:
      out.close(id, .reset)
      fail(.refused(.timedOut), &events)
    case .securing:
      out.close(id, .reset)
      fail(.handshakeStalled(seconds: Int(SIPTransportLayer.handshakePatience / 1_000_000_000)), &events)
    case .open: expireOpen(at: now, &out, &events)
    case .over: break
    }
  }

  private mutating func expireOpen(at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    if let usefulBy, usefulBy <= now {
      out.close(id, .reset)
      return fail(.silent(seconds: Int(SIPTransportLayer.patience / 1_000_000_000)), &events)
    }
    switch keepAlive?.handle(.timer, at: now, using: &entropy) {
    case .ping?: write("\r\n\r\n", Label(.keepAlive), at: now, &out)
    case .lost?:
      out.close(id, .reset)
      fail(.pongMissing(seconds: Int(KeepAlive.patience / 1_000_000_000)), &events)
    case nil: break
    }
  }

  /// Too many others have come since.
  mutating func makeRoom(limit: Int, _ out: inout Outbox, _ events: inout [Event]) {
    out.close(id, .reset)
    fail(.crowdedOut(limit: limit), &events)
  }

  /// The peer's FIN. SIP has no use for a half-open connection: ours follows.
  mutating func ended(_ refusals: inout Refusals, at now: Instant, _ out: inout Outbox, _ events: inout [Event]) {
    let known = endingReason
    if let tls { emit(tls.endOfStream(at: now), &refusals, at: now, &out, &events) }
    out.close(id, .orderly)
    state = .over
    events.append(.flowFailed(flow, known ?? .closed(.orderly)))
  }

  /// Why it is ending: that the peer closes it as well is no reason of its own.
  private var endingReason: FlowFailure? {
    switch state {
    case .ending(.tls(let failure), _): failure
    case .ending(.unreadable(let error, _), _): .unreadable("\(error)")
    case .opening, .securing, .open, .over: nil
    }
  }

  /// We close it.
  mutating func close(_ mode: CloseMode, at now: Instant, _ out: inout Outbox) {
    if mode == .orderly, let tls { for output in tls.close(at: now) { carryOut(output, Label(.tlsClose), at: now, &out) } }
    out.close(id, mode)
    state = .over
  }

  /// Nothing can be sent on it any more.
  mutating func fail(_ failure: FlowFailure, _ events: inout [Event]) {
    let reason = endingReason ?? failure
    state = .over
    events.append(.flowFailed(flow, reason))
  }
}
