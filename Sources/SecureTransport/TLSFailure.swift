/// Why a TLS or DTLS connection came to nothing or broke, as a value. Secrets never stand in it.
public struct TLSFailure: Error, Hashable, Sendable {
  /// Which end gave up.
  public enum Side: Hashable, Sendable {
    /// We refused what the peer sent.
    case local
    /// The peer refused what we sent, or left.
    case peer
  }

  public enum Reason: Hashable, Sendable {
    /// The peer sent a fatal alert; ``TLSFailure/alert`` holds it (RFC 8446 §6.2).
    case refusedByPeer
    /// The bytes are no TLS record: plain SIP, HTTP or noise (RFC 8446 §5.1).
    case notTLS
    /// The two ends have no version in common (RFC 8446 §4.2.1).
    case noCommonVersion
    /// The two ends have no cipher suite, group or signature scheme in common (RFC 8446 §4.1.1).
    case noCommonCipher
    /// A client showed no certificate though one is required (RFC 8446 §4.4.2.4).
    case certificateMissing
    /// No trust anchor vouches for the peer's certificate (RFC 5280 §6).
    case unknownAuthority
    /// The peer's certificate, or one of its chain, is past its date (RFC 5280 §4.1.2.5).
    case certificateExpired
    case certificateNotYetValid
    /// Another fault of the peer's certificate or chain (RFC 5280 §6).
    case certificateInvalid
    /// The certificate does not name the domain that was called (RFC 5922 §7.2). `presented` is what it names.
    case nameMismatch(expected: String, presented: [String])
    /// Any other breach of the protocol: a wrong MAC, a message out of order, a field that does not parse (RFC 8446 §6.2).
    case protocolViolation
    /// The byte stream ended without close_notify, in the handshake or after it: data may be missing (RFC 8446 §6.1).
    case truncated
    /// More was sent before the handshake's end than is kept (``TLSConnection/earlyPlaintextLimit``).
    case tooMuchEarlyPlaintext
    /// The certificate matches no fingerprint of the peer's description of the strongest hash function in it (RFC 8122 §5).
    case fingerprintMismatch(presented: CertificateFingerprint)
    /// The peer's description has no fingerprint, so its certificate proves nothing (RFC 5763 §5).
    case fingerprintMissing
    /// The peer's description has fingerprints of a broken hash function alone: SHA-1, MD5 or MD2 (RFC 8122 §5).
    case fingerprintTooWeak(hash: String)
    /// The peer's description has fingerprints of unknown hash functions alone.
    case fingerprintUnknown(hash: String)
    /// The two ends have no protection profile for SRTP in common (RFC 5764 §4.1.1).
    case noCommonProfile
    /// The peer of a DTLS handshake did not answer any of the retransmissions (RFC 6347 §4.2.4).
    case noAnswer
    /// Ours: OpenSSL could not do what we asked of it.
    case internalError
  }

  public var reason: Reason
  public var endedBy: Side
  /// The alert that went out (`endedBy` = local) or came in (peer); nil when there was none.
  public var alert: TLSAlert?
  /// OpenSSL's reason in plain words, or ours where OpenSSL was not asked.
  public var text: String

  public init(_ reason: Reason, endedBy: Side, alert: TLSAlert? = nil, text: String) {
    self.reason = reason
    self.endedBy = endedBy
    self.alert = alert
    self.text = text
  }
}

extension TLSFailure: CustomStringConvertible {
  /// `"we refused the peer: unsupported protocol; sent alert protocol_version (70)"`.
  public var description: String {
    switch (endedBy, alert) {
    case (.local, nil): "we refused the peer: \(text)"
    case (.local, let alert?): "we refused the peer: \(text); sent alert \(alert)"
    case (.peer, nil): text
    case (.peer, let alert?): "the peer refused us with alert \(alert): \(text)"
    }
  }
}
