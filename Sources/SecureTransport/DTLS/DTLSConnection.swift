import COpenSSL
import SansIO

/// DTLS 1.2 that gives SRTP its keys (RFC 6347, RFC 5764), as an engine: datagrams in, datagrams out.
///
/// ```
///  idle ──start──► handshaking ──finished──► open ──close, close_notify in──► closed
///                    │    │                   ▲ │
///                    │    └──finished──► unverified ──close, close_notify in──► closed
///                    │      (no fingerprints │  yet)
///                    └── fatal alert, breach, no answer, wrong certificate ──► failed
/// ```
///
/// Both ends show a certificate, and the fingerprints of the peer's description are all that vouches for it (RFC 5763 §5): of the strongest
/// hash function among them one must match, SHA-224 at least. A peer whose description has not come yet (its datagrams overtook its answer)
/// is served up to the handshake's end; `established` then waits for ``expect(_:at:)``.
///
/// Lost flights are sent again on a timer (1 s, doubled up to 60 s), and when the peer repeats its own (RFC 6347 §4.2.4), the last flight
/// too, as long as the association lives. After `failed` and in `closed`, all calls answer with nothing. A seed decides every byte.
public final class DTLSConnection {
  /// Who begins the handshake (RFC 5763 §5, `a=setup`).
  public enum Role: Hashable, Sendable {
    /// The DTLS client.
    case active
    /// The DTLS server.
    case passive
  }

  public enum Output: Hashable, Sendable {
    /// One datagram for the peer, at most ``DTLSContext/mtu`` bytes.
    case datagram(Bytes)
    /// Stands before the first datagram that needs it.
    case secret(KeyLogLine)
    /// The peer is who its description says, and these are the keys.
    case established(DTLSSession)
    /// The peer's close_notify; ours went before. The association is over.
    case closedByPeer
    /// The association is of no more use. An alert for the peer, if there is one, went before.
    case failed(TLSFailure)
  }

  private enum State {
    case idle
    case handshaking
    case unverified
    case open
    case closed
    case failed
  }

  public let role: Role
  private let context: DTLSContext
  private let endpoint: Endpoint
  private let wire: DTLSWire
  private var ssl: OpaquePointer?
  private var state = State.idle
  /// When to call ``wake(at:)``; nil = nothing is waited for. Any call may change it.
  public private(set) var nextDeadline: Instant?
  /// What was agreed with a peer that is who its description says; nil before.
  public private(set) var session: DTLSSession?

  /// - Parameters:
  ///   - fingerprints: all of the peer's description; nil = it has not come yet, and ``expect(_:at:)`` will bring them. With none, or with
  ///     none that is checked, the connection fails as it starts.
  ///   - entropy: this connection's own fork. Seeded: all bytes follow from the seed, and OpenSSL's time is virtual. System: both are real.
  public init(
    _ context: DTLSContext, role: Role, expecting fingerprints: [CertificateFingerprint]?, entropy: Entropy, epoch: Epoch
  ) {
    self.context = context
    self.role = role
    endpoint = Endpoint(entropy, epoch: epoch)
    wire = DTLSWire(mtu: context.mtu)
    wire.rule = fingerprints.map { FingerprintRule($0) }
  }

  deinit { SSL_free(ssl) }

  /// Whether a datagram is DTLS, by its first byte, where SRTP and STUN come the same way (RFC 5764 §5.1.2).
  public static func isDTLS(_ datagram: Bytes) -> Bool {
    guard let first = datagram.first else { return false }
    return (20...63).contains(first)
  }

  /// Whether the handshake is over and ``expect(_:at:)`` alone is waited for.
  public var awaitsFingerprints: Bool { state == .unverified }

  /// Begins the handshake: an active end's answer holds its ClientHello. Once, before anything else.
  public func start(at now: Instant) -> [Output] {
    guard state == .idle else { preconditionFailure("a connection starts once") }
    state = .handshaking
    return run(at: now) { outputs in
      if let fault = wire.rule?.fault {
        end(with: TLSFailure(fault, endedBy: .local, text: fault.text), &outputs)
      } else if let ssl = context.makeConnection(), SecureCallbacks.attach(wire, to: ssl) {
        self.ssl = ssl
        if role == .active { SSL_set_connect_state(ssl) } else { SSL_set_accept_state(ssl) }
        advance(&outputs)
      } else {
        end(with: TLSFailure(.internalError, endedBy: .local, text: OpenSSL.reason()), &outputs)
      }
    }
  }

  /// Takes one datagram of the peer. One that is not DTLS is not looked at.
  public func receive(_ datagram: Bytes, at now: Instant) -> [Output] {
    guard state != .idle else { preconditionFailure("a connection starts before it receives") }
    guard isLive, Self.isDTLS(datagram), !hasShortRecord(datagram) else { return [] }
    wire.feed(datagram)
    defer { wire.discardInput() }
    return run(at: now) { advance(&$0) }
  }

  /// Sends the last flight again if its time has come (RFC 6347 §4.2.4.1).
  public func wake(at now: Instant) -> [Output] {
    guard state == .handshaking else { return [] }
    return run(at: now) { outputs in
      let result = cdtlsv1_handle_timeout(ssl)
      wire.drain(into: &outputs)
      guard result < 0 else { return }
      end(with: TLSFailure(.noAnswer, endedBy: .peer, text: "the peer did not answer the DTLS handshake"), &outputs)
    }
  }

  /// The fingerprints of the peer's description, which came after the connection began, or of its newer description while the handshake
  /// lasts. Changes nothing once the connection is established: another certificate needs another association (RFC 8842 §4).
  public func expect(_ fingerprints: [CertificateFingerprint], at now: Instant) -> [Output] {
    let rule = FingerprintRule(fingerprints)
    switch state {
    case .idle:
      wire.rule = rule
      return []
    case .handshaking:
      wire.rule = rule
      guard let fault = rule.fault else { return [] }
      return run(at: now) { end(with: TLSFailure(fault, endedBy: .local, text: fault.text), &$0) }
    case .unverified:
      wire.rule = rule
      return run(at: now) { confirm(rule, &$0) }
    case .open, .closed, .failed: return []
    }
  }

  /// Sends close_notify (RFC 5246 §7.2.1) and forgets the association; a handshake is given up without a word.
  public func close(at now: Instant) -> [Output] {
    switch state {
    case .closed, .failed: return []
    case .idle, .handshaking:
      finish(.closed)
      return []
    case .unverified, .open:
      return run(at: now) { outputs in
        sayGoodbye(&outputs)
        finish(.closed)
      }
    }
  }

  // MARK: - Inside the endpoint

  private var isLive: Bool {
    switch state {
    case .handshaking, .unverified, .open: true
    case .idle, .closed, .failed: false
    }
  }

  /// Whether a protected record is too short for nonce and tag. It is to be dropped (RFC 6347 §4.1.2.7), but OpenSSL 3.0 ends the
  /// association for it, so that anybody could.
  private func hasShortRecord(_ datagram: Bytes) -> Bool {
    var place = 0
    while place + 13 <= datagram.count {
      let length = Int(datagram[place + 11]) << 8 | Int(datagram[place + 12])
      if datagram[place + 3] | datagram[place + 4] != 0, length < 24 {
        // Poly1305 has no nonce in the record, CCM_8 a tag of 8 bytes (RFC 7905 §2, RFC 6655 §4).
        let cipher = cssl_get_cipher_name(ssl).map { String(cString: $0) } ?? ""
        return !(length >= 16 && (cipher.hasSuffix("POLY1305") || cipher.hasSuffix("CCM8")))
      }
      place += 13 + length
    }
    return false
  }

  private func run(at now: Instant, _ body: (inout [Output]) -> Void) -> [Output] {
    endpoint.run(at: now) {
      var outputs: [Output] = []
      body(&outputs)
      nextDeadline = state == .handshaking ? deadline(after: now) : nil
      return outputs
    }
  }

  private func deadline(after now: Instant) -> Instant? {
    var remaining = timeval()
    guard cdtlsv1_get_timeout(ssl, &remaining) == 1 else { return nil }
    return now.adding(nanoseconds: Int64(remaining.tv_sec) * 1_000_000_000 + Int64(remaining.tv_usec) * 1_000)
  }

  private func advance(_ outputs: inout [Output]) {
    if state == .handshaking { handshake(&outputs) }
    if state == .open || state == .unverified { read(&outputs) }
  }

  private func handshake(_ outputs: inout [Output]) {
    let result = SSL_do_handshake(ssl)
    let error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, result)
    wire.drain(into: &outputs)
    switch error {
    case SSL_ERROR_NONE:
      state = .unverified
      if let rule = wire.rule { confirm(rule, &outputs) }
    case SSL_ERROR_WANT_READ: break
    default: end(with: TLSFailure(error, wire, isHandshake: true), &outputs)
    }
  }

  /// The handshake is over, and the peer's description is here.
  private func confirm(_ rule: FingerprintRule, _ outputs: inout [Output]) {
    // Judged when it came, or before the description did: this is the one moment that has both.
    if let fault = rule.fault(of: SSL_get0_peer_certificate(ssl)) {
      sayGoodbye(&outputs)
      end(with: TLSFailure(fault, endedBy: .local, alert: wire.alertSent, text: fault.text), &outputs)
    } else if let session = makeSession() {
      state = .open
      self.session = session
      outputs.append(.established(session))
    } else {
      end(with: TLSFailure(.internalError, endedBy: .local, text: OpenSSL.reason()), &outputs)
    }
  }

  /// Answers a repeated flight, sees alerts; application data has no place in DTLS-SRTP and is dropped.
  private func read(_ outputs: inout [Output]) {
    let error = withUnsafeTemporaryAllocation(byteCount: 1_024, alignment: 1) { buffer -> Int32 in
      while true {
        let count = SSL_read(ssl, buffer.baseAddress, Int32(buffer.count))
        guard count > 0 else { return SSL_get_error(ssl, count) }
      }
    }
    wire.drain(into: &outputs)
    switch error {
    case SSL_ERROR_WANT_READ: break
    case SSL_ERROR_ZERO_RETURN:
      sayGoodbye(&outputs)
      outputs.append(.closedByPeer)
      finish(.closed)
    default: end(with: TLSFailure(error, wire, isHandshake: false), &outputs)
    }
  }

  private func sayGoodbye(_ outputs: inout [Output]) {
    SSL_shutdown(ssl)
    wire.drain(into: &outputs)
  }

  private func makeSession() -> DTLSSession? {
    guard let version = DTLSVersion(rawValue: UInt16(truncatingIfNeeded: SSL_version(ssl))),
      let profile = DTLSProtectionProfile(rawValue: UInt16(truncatingIfNeeded: cssl_selected_srtp_profile(ssl))),
      let material = exported(profile.keyingMaterialLength)
    else { return nil }
    let certificate = SSL_get0_peer_certificate(ssl)
    return DTLSSession(
      version: version, cipher: cssl_get_cipher_name(ssl).map { String(cString: $0) } ?? "", profile: profile, keyingMaterial: material,
      peerFingerprint: CertificateFingerprint(certificate, .sha256), peerSubject: certificate.flatMap { PeerIdentity.subject(of: $0) },
      isMasterSecretExtended: cssl_get_extms_support(ssl) == 1)
  }

  private func exported(_ count: Int) -> KeyingMaterial? {
    let label = "EXTRACTOR-dtls_srtp"
    return KeyingMaterial(count: count) { bytes in
      SSL_export_keying_material(ssl, bytes.baseAddress, bytes.count, label, label.utf8.count, nil, 0, 0) == 1
    }
  }

  private func end(with failure: TLSFailure, _ outputs: inout [Output]) {
    outputs.append(.failed(failure))
    finish(.failed)
  }

  private func finish(_ last: State) {
    state = last
    nextDeadline = nil
    SSL_free(ssl)
    ssl = nil
  }
}
