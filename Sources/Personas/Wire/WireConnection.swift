import SIPMessage
import SIPTransport
import SansIO
import SecureTransport

/// What a wire member's connections over TLS are made of.
public struct WireTLS: Sendable {
  public var client: TLSContext
  public var server: TLSContext
  /// Each connection forks its own from it.
  public var entropy: Entropy
  public var epoch: Epoch
  /// What a client asks for by SNI where it was given no other name.
  public var serverName: String?

  public init(client: TLSContext, server: TLSContext, entropy: Entropy, epoch: Epoch, serverName: String?) {
    (self.client, self.server, self.entropy, self.epoch, self.serverName) = (client, server, entropy, epoch, serverName)
  }
}

/// How a wire member sends its part of a TLS connection: as it should be, in small pieces, or not to the end.
public struct HandshakeManner: Hashable, Sendable {
  /// How many flights of its handshake it sends; then it says nothing more, and reads nothing. nil = all.
  public var flights: Int?
  /// How many bytes it sends at all; then likewise.
  public var bytes: Int?
  /// How many bytes it sends at a time, and how long it waits before the next ones.
  public var pieces: Int?
  public var every: Duration = .zero

  public init() {}
}

/// A TCP connection of a wire member, with TLS of its own or without.
///
/// ```
///   opening ──TCP is up──► open ──close, failure, peer's end──► over
/// ```
struct WireConnection {
  let id: ConnectionID
  let remote: TransportAddress
  /// The peer opened it.
  let isAccepted: Bool
  private var isOpen: Bool
  private let manner: HandshakeManner
  private var tls: TLSConnection?
  /// For an accepted connection, until the client's first bytes.
  private var settings: WireTLS?
  private var flights = 0
  /// TLS has failed, and with it the connection.
  private(set) var isOver = false
  /// The manner's end was reached: TLS goes on no more.
  private var isSilent = false
  /// Nothing but TLS came, and this end does not speak it.
  private var isOpaque = false
  private var framer = StreamFramer(limits: .standard)
  /// What waits for TCP, or for its turn, with how much left already.
  private var waiting: [(bytes: Bytes, label: Label)] = []
  private var sent = 0
  /// When the next piece is due.
  private(set) var deadline: Instant?

  init(
    _ id: ConnectionID, _ remote: TransportAddress, isAccepted: Bool, _ settings: WireTLS?, serverName: String? = nil,
    resuming: TLSTicket? = nil, _ manner: HandshakeManner
  ) {
    (self.id, self.remote, self.isAccepted, self.manner) = (id, remote, isAccepted, manner)
    isOpen = isAccepted
    guard let settings else { return }
    guard !isAccepted else {
      self.settings = settings
      return
    }
    let entropy = settings.entropy.fork("connection \(id.rawValue)")
    tls = TLSConnection(
      settings.client, serverName: serverName ?? settings.serverName, resuming: resuming, entropy: entropy, epoch: settings.epoch)
  }

  mutating func opened(at now: Instant, _ out: inout Outbox) {
    isOpen = true
    flush(at: now, &out)
    if let tls { carryOut(tls.start(at: now), at: now, &out) }
  }

  /// Sends within TLS where there is TLS; until its handshake is complete the bytes wait.
  mutating func send(_ bytes: Bytes, at now: Instant, _ out: inout Outbox) {
    guard let tls else { return write(bytes, Label(.raw), at: now, &out) }
    carryOut(tls.send(bytes, at: now), at: now, &out)
    out.plaintext(id, .sent, bytes, Label(.raw))
  }

  /// Sends in the TCP connection as it is.
  mutating func sendInClear(_ bytes: Bytes, at now: Instant, _ out: inout Outbox) {
    write(bytes, Label(.raw, isDeliberatelyBroken: true), at: now, &out)
  }

  /// What its session can be resumed by, at a client.
  var ticket: TLSTicket? { tls?.ticket }

  /// Begins a new handshake within TLS; returns why it cannot be done.
  mutating func renegotiate(at now: Instant, _ out: inout Outbox) -> String? {
    guard let outputs = tls?.renegotiate(at: now) else { return "only a connection of TLS 1.2 that is up can be renegotiated" }
    carryOut(outputs, label: Label(.raw, isDeliberatelyBroken: true), at: now, &out)
    return nil
  }

  mutating func sendCloseNotify(at now: Instant, _ out: inout Outbox) {
    if let tls { carryOut(tls.close(at: now), label: Label(.tlsClose), at: now, &out) }
  }

  // MARK: - What comes

  mutating func receive(_ bytes: Bytes, at now: Instant, _ out: inout Outbox) {
    if isAccepted, !isOpaque, tls == nil, let hello = ClientHello(bytes) {
      out.event(WireHost.Event.hello(serverName: hello.serverName))
      if settings == nil { isOpaque = true }
    }
    if let settings, tls == nil {
      let own = TLSConnection(
        settings.server, serverName: nil, entropy: settings.entropy.fork("connection \(id.rawValue)"), epoch: settings.epoch)
      (tls, self.settings) = (own, nil)
      carryOut(own.start(at: now), at: now, &out)
    }
    guard !isSilent, !isOpaque else { return }
    guard let tls else {
      // Records that answer what was sent without TLS are for who reads the packets.
      if let first = bytes.first, (20...23).contains(first), bytes.dropFirst().first == 3 { return isOpaque = true }
      return frame(bytes, &out)
    }
    carryOut(tls.receive(bytes, at: now), at: now, &out)
  }

  private mutating func frame(_ bytes: Bytes, _ out: inout Outbox) {
    framer.append(bytes)
    do {
      while let frame = try framer.next() {
        switch frame {
        case .message(let message): out.event(WireHost.Event.received(message))
        case .unreadable(let error, _): out.event(WireHost.Event.unreadable("\(error)"))
        case .ping, .pong: break
        }
      }
    } catch {
      out.event(WireHost.Event.unreadable("\(error)"))
    }
  }

  private mutating func carryOut(
    _ outputs: [TLSConnection.Output], label: Label = Label(.raw), at now: Instant, _ out: inout Outbox
  ) {
    for output in outputs where !isSilent {
      switch output {
      case .ciphertext(let bytes, isHandshake: true):
        guard flights < manner.flights ?? .max else { return isSilent = true }
        flights += 1
        write(bytes, Label(.tlsHandshake), at: now, &out)
      case .ciphertext(let bytes, isHandshake: false): write(bytes, label, at: now, &out)
      case .plaintext(let bytes):
        out.plaintext(id, .received, bytes, .none)
        frame(bytes, &out)
      case .established(let session): out.event(WireHost.Event.secured(session))
      case .secret(let line): out.secret(line)
      case .closedByPeer:
        out.event(WireHost.Event.closeNotify)
        sendCloseNotify(at: now, &out)
      case .failed(let failure):
        out.event(WireHost.Event.tlsFailed(failure))
        isOver = true
        if failure.reason != .truncated { out.close(id) }
      }
    }
  }

  /// The peer's FIN.
  mutating func ended(at now: Instant, _ out: inout Outbox) {
    if let tls, !isSilent { carryOut(tls.endOfStream(at: now), at: now, &out) }
  }

  // MARK: - What leaves

  private mutating func write(_ bytes: Bytes, _ label: Label, at now: Instant, _ out: inout Outbox) {
    waiting.append((bytes, label))
    flush(at: now, &out)
  }

  /// Sends what may leave now.
  mutating func flush(at now: Instant, _ out: inout Outbox) {
    guard isOpen else { return }
    guard let size = manner.pieces else {
      for (bytes, label) in waiting { put(bytes, label, &out) }
      return waiting.removeAll()
    }
    if let deadline, deadline > now { return }
    deadline = nil
    guard !waiting.isEmpty else { return }
    let (bytes, label) = waiting[0]
    put(bytes.prefix(size), label, &out)
    if bytes.count > size { waiting[0].bytes = bytes.dropFirst(size) } else { waiting.removeFirst() }
    deadline = now.advanced(by: manner.every)
  }

  private mutating func put(_ bytes: Bytes, _ label: Label, _ out: inout Outbox) {
    var bytes = bytes
    if let limit = manner.bytes, sent + bytes.count > limit {
      bytes = bytes.prefix(max(0, limit - sent))
      isSilent = true
    }
    guard !bytes.isEmpty else { return }
    sent += bytes.count
    out.bytes(id, bytes, label)
  }
}
