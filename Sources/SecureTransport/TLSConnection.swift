import COpenSSL
import SansIO

/// TLS 1.2 and 1.3 as a byte engine (RFC 5246, RFC 8446): ciphertext in, ciphertext out, plaintext on the other side.
///
/// ```
///  idle ──start──► handshaking ──finished──► open ──close_notify in──► peerClosed ──close──► closed
///                    │      │                 │                                                ▲
///                    │      └──close──────────┼──close──► closing ──close_notify in────────────┤
///                    │                        │              └──end of stream──────────────────┘
///                    └── fatal alert, breach, end of stream ──► failed      (RFC 8446 §6)
/// ```
///
/// Nothing of a stream is kept here but a record that is not complete yet and what was sent before the handshake's end. Every call answers
/// with all that follows from it. After `failed` and in `closed`, all calls answer with nothing.
public final class TLSConnection {
  public enum Output: Hashable, Sendable {
    /// Bytes for the peer. `isHandshake`: they belong to the handshake, a failed one's alert included.
    case ciphertext(Bytes, isHandshake: Bool)
    case plaintext(Bytes)
    case established(TLSSession)
    /// Stands before the first ciphertext that needs it.
    case secret(KeyLogLine)
    /// The peer's close_notify: nothing more will come. Writing is still possible until ``TLSConnection/close(at:)``.
    case closedByPeer
    /// The connection is of no more use. An alert for the peer, if there is one, went before.
    case failed(TLSFailure)
  }

  private enum State {
    case idle
    case handshaking
    case open
    case peerClosed
    case closing
    case closed
    case failed
  }

  /// How many bytes sent before the handshake's end are kept: 64 KiB, one message of the largest kind SIP over UDP allows.
  public static let earlyPlaintextLimit = 65_536

  private let context: TLSContext
  private let serverName: String?
  private let resuming: TLSTicket?
  private let endpoint: Endpoint
  private let isVirtual: Bool
  private let wire: TLSWire
  private var ssl: OpaquePointer?
  private var state = State.idle
  private var earlyPlaintext: [UInt8] = []
  /// What the handshake agreed on; nil before its end.
  public private(set) var session: TLSSession?
  /// What a client can resume the session by; with TLS 1.3 it comes after the handshake. nil when there is none, or the connection is over.
  public var ticket: TLSTicket? { ssl == nil || context.configuration.role == .server ? nil : TLSTicket(of: ssl) }

  /// - Parameters:
  ///   - serverName: for a client, the domain it calls: what it asks for by SNI unless it is an address, and what ``TLSConfiguration``'s
  ///     verification compares the certificate with. A server gives nil.
  ///   - entropy: this connection's own fork. Seeded: all bytes follow from the seed, and OpenSSL's time is virtual. System: both are real.
  ///   - resuming: what a client offers to go on from; the server decides.
  public init(_ context: TLSContext, serverName: String?, resuming: TLSTicket? = nil, entropy: Entropy, epoch: Epoch) {
    self.resuming = resuming
    self.context = context
    self.serverName = serverName
    endpoint = Endpoint(entropy, epoch: epoch)
    isVirtual = entropy.isSeeded
    wire = TLSWire(context.configuration, serverName: serverName)
  }

  deinit { SSL_free(ssl) }

  /// Begins the handshake: a client's answer holds its ClientHello. Once, before anything else.
  public func start(at now: Instant) -> [Output] {
    guard case .idle = state else { preconditionFailure("a connection starts once") }
    state = .handshaking
    return endpoint.run(at: now) {
      var outputs: [Output] = []
      if let fault = prepare(at: now) {
        end(with: TLSFailure(.internalError, endedBy: .local, text: fault), &outputs)
      } else {
        advance(&outputs)
      }
      return outputs
    }
  }

  /// Takes bytes of the peer, in pieces of any size.
  public func receive(_ ciphertext: Bytes, at now: Instant) -> [Output] {
    switch state {
    case .idle: preconditionFailure("a connection starts before it receives")
    case .closed, .failed, .peerClosed: return []
    case .handshaking, .open, .closing: break
    }
    return endpoint.run(at: now) {
      var outputs: [Output] = []
      wire.feed(ciphertext)
      advance(&outputs)
      wire.discardInput()
      return outputs
    }
  }

  /// The byte stream under TLS ended. Without the peer's close_notify before it, data may be missing: a failure, except after our own
  /// close.
  public func endOfStream(at now: Instant) -> [Output] {
    var outputs: [Output] = []
    switch state {
    case .idle, .closed, .failed: break
    case .closing, .peerClosed: finish(.closed)
    case .handshaking:
      end(with: TLSFailure(.truncated, endedBy: .peer, text: "the peer closed the stream during the handshake"), &outputs)
    case .open:
      end(with: TLSFailure(.truncated, endedBy: .peer, text: "the peer closed the stream without close_notify"), &outputs)
    }
    return outputs
  }

  /// Encrypts and sends. Before the handshake's end the bytes wait for it; after ``close(at:)`` they are dropped.
  public func send(_ plaintext: Bytes, at now: Instant) -> [Output] {
    var outputs: [Output] = []
    switch state {
    case .closing, .closed, .failed: break
    case .idle, .handshaking:
      if earlyPlaintext.count + plaintext.count <= Self.earlyPlaintextLimit {
        earlyPlaintext.append(contentsOf: plaintext)
      } else {
        let text = "more than \(CountText.of(Self.earlyPlaintextLimit, "byte")) were sent before the handshake's end"
        end(with: TLSFailure(.tooMuchEarlyPlaintext, endedBy: .local, text: text), &outputs)
      }
    case .open, .peerClosed:
      endpoint.run(at: now) { plaintext.withUnsafeBytes { write($0, &outputs) } }
    }
    return outputs
  }

  /// Begins a new handshake within the connection: a client by a ClientHello, a server by a HelloRequest (RFC 5246 §7.4.1).
  ///
  /// - Returns: nil where that cannot be done: before the end of the first one, in TLS 1.3, and where the configuration does not allow it.
  public func renegotiate(at now: Instant) -> [Output]? {
    guard case .open = state, session?.version == .tls12, context.configuration.allowsRenegotiation else { return nil }
    return endpoint.run(at: now) {
      guard SSL_renegotiate(ssl) == 1 else { return nil }
      var outputs: [Output] = []
      // It is not over before the peer has answered.
      _ = SSL_do_handshake(ssl)
      wire.drain(isHandshake: false, into: &outputs)
      return outputs
    }
  }

  /// Sends close_notify (RFC 8446 §6.1); a handshake is given up without a word. What the peer still sends is read until its own close.
  public func close(at now: Instant) -> [Output] {
    var outputs: [Output] = []
    switch state {
    case .closing, .closed, .failed: break
    case .idle, .handshaking: finish(.closed)
    case .open, .peerClosed:
      endpoint.run(at: now) { _ = SSL_shutdown(ssl) }
      wire.drain(isHandshake: false, into: &outputs)
      if case .open = state { state = .closing } else { finish(.closed) }
    }
    return outputs
  }

  // MARK: - Inside the endpoint

  /// Makes OpenSSL's connection; returns what went wrong.
  private func prepare(at now: Instant) -> String? {
    guard let ssl = context.makeConnection(isVirtual: isVirtual), SecureCallbacks.attach(wire, to: ssl) else { return OpenSSL.reason() }
    self.ssl = ssl
    if let seconds = endpoint.certificateTime(at: now) { X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), seconds) }
    guard context.configuration.role == .client else {
      SSL_set_accept_state(ssl)
      return nil
    }
    SSL_set_connect_state(ssl)
    if let resuming, !resuming.offer(on: ssl) { return OpenSSL.reason() }
    // An address is no server name (RFC 6066 §3).
    if let serverName, IPAddress(serverName) == nil, cssl_set_tlsext_host_name(ssl, serverName) != 1 {
      return "'\(serverName)' cannot be asked for as a server name"
    }
    return nil
  }

  private func advance(_ outputs: inout [Output]) {
    if case .handshaking = state { handshake(&outputs) }
    switch state {
    case .open, .closing: read(&outputs)
    case .idle, .handshaking, .peerClosed, .closed, .failed: break
    }
  }

  private func handshake(_ outputs: inout [Output]) {
    let result = SSL_do_handshake(ssl)
    guard result == 1 else {
      let error = SSL_get_error(ssl, result)
      wire.drain(isHandshake: true, into: &outputs)
      if error != SSL_ERROR_WANT_READ { end(with: TLSFailure(error, wire, isHandshake: true), &outputs) }
      return
    }
    wire.drain(isHandshake: true, into: &outputs)
    state = .open
    let session = makeSession()
    self.session = session
    outputs.append(.established(session))
    guard !earlyPlaintext.isEmpty else { return }
    earlyPlaintext.withUnsafeBytes { write($0, &outputs) }
    earlyPlaintext = []
  }

  private func read(_ outputs: inout [Output]) {
    var plaintext: [UInt8] = []
    let error = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { record -> Int32 in
      while true {
        let count = SSL_read(ssl, record.baseAddress, Int32(record.count))
        guard count > 0 else { return SSL_get_error(ssl, count) }
        plaintext.append(contentsOf: UnsafeRawBufferPointer(rebasing: record[..<Int(count)]))
      }
    }
    wire.drain(isHandshake: false, into: &outputs)
    if !plaintext.isEmpty { outputs.append(.plaintext(Bytes(plaintext))) }
    switch error {
    case SSL_ERROR_WANT_READ: break
    case SSL_ERROR_ZERO_RETURN:
      outputs.append(.closedByPeer)
      if case .closing = state { finish(.closed) } else { state = .peerClosed }
    default: end(with: TLSFailure(error, wire, isHandshake: false), &outputs)
    }
  }

  private func write(_ plaintext: UnsafeRawBufferPointer, _ outputs: inout [Output]) {
    guard !plaintext.isEmpty else { return }
    var written = 0
    let result = SSL_write_ex(ssl, plaintext.baseAddress, plaintext.count, &written)
    let error = SSL_get_error(ssl, result)
    wire.drain(isHandshake: false, into: &outputs)
    if result != 1 { end(with: TLSFailure(error, wire, isHandshake: false), &outputs) }
  }

  private func makeSession() -> TLSSession {
    let certificate = SSL_get0_peer_certificate(ssl)
    let isClient = context.configuration.role == .client
    let asked =
      isClient
      ? serverName.flatMap { IPAddress($0) == nil ? $0 : nil }
      : SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    return TLSSession(
      version: TLSVersion(rawValue: UInt16(truncatingIfNeeded: SSL_version(ssl))) ?? .tls12,
      cipher: cssl_get_cipher_name(ssl).map { String(cString: $0) } ?? "", serverName: asked,
      peerSubject: certificate.flatMap { PeerIdentity.subject(of: $0) }, isResumed: SSL_session_reused(ssl) == 1)
  }

  private func end(with failure: TLSFailure, _ outputs: inout [Output]) {
    outputs.append(.failed(failure))
    finish(.failed)
  }

  private func finish(_ last: State) {
    state = last
    SSL_free(ssl)
    ssl = nil
    earlyPlaintext = []
  }
}
