import COpenSSL
import SansIO

/// A certificate and the offered protection profiles, made ready for DTLS handshakes in either role. Connections of all hosts may share
/// one.
///
/// Nothing that a connection sends depends on when or where the context was made, so live and virtual connections share it.
// Unchecked: it is not changed after it was made, and OpenSSL counts its references atomically, so threads may share it.
public final class DTLSContext: @unchecked Sendable {
  /// Best first. A server takes the first of its own that the client offers, too (RFC 5764 §4.1.1).
  public let profiles: [DTLSProtectionProfile]
  /// The longest datagram, in bytes of UDP payload.
  public let mtu: Int
  /// What ``mtu`` may be: below, OpenSSL makes no handshake; above, it does not fill a datagram.
  public static let possibleMTU = 256...4_096
  /// What goes through every path that carries voice, tunnels included.
  public static let standardMTU = 1_200

  private let context: OpaquePointer
  private let leaf: Certificate

  /// - Parameters:
  ///   - certificate: the own certificate, then what its chain shows besides. A certificate that signs itself will do.
  ///   - privateKey: the key of the first certificate, without a pass phrase.
  ///   - mtu: the next possible value where it is outside of ``possibleMTU``.
  /// Throws when a certificate or key cannot be used, and where there is no profile.
  public init(
    certificate: PEM, privateKey: PEM, profiles: [DTLSProtectionProfile] = DTLSProtectionProfile.preference,
    mtu: Int = DTLSContext.standardMTU
  ) throws(TLSError) {
    OpenSSL.prepare()
    self.profiles = profiles
    self.mtu = min(max(mtu, Self.possibleMTU.lowerBound), Self.possibleMTU.upperBound)
    guard !profiles.isEmpty else { throw .missing(item: "a protection profile for SRTP") }
    let certificates = try certificate.certificates("certificate chain")
    let key = try privateKey.key()
    leaf = certificates[0]
    guard X509_check_private_key(leaf.x509, key.key) == 1 else { throw .keyDoesNotMatch }
    guard let context = SSL_CTX_new(DTLS_method()) else { throw .library(OpenSSL.reason()) }
    self.context = context
    let isReady = Self.set(certificates, key, in: context) && Self.set(profiles, in: context)
    guard isReady else { throw .library(OpenSSL.reason()) }
    SecureCallbacks.install(in: context)
    // Nobody vouches for these certificates but the fingerprints (RFC 5763 §5).
    SSL_CTX_set_cert_verify_callback(context, SecureCallbacks.verifyAlone, nil)
  }

  public convenience init(
    _ made: DTLSCertificate, profiles: [DTLSProtectionProfile] = DTLSProtectionProfile.preference, mtu: Int = DTLSContext.standardMTU
  ) throws(TLSError) {
    try self.init(certificate: made.certificate, privateKey: made.privateKey, profiles: profiles, mtu: mtu)
  }

  deinit { SSL_CTX_free(context) }

  /// Of the own certificate, for `a=fingerprint` (RFC 8122 §5). An unknown hash function gives an empty digest.
  public func fingerprint(_ hash: CertificateFingerprint.HashFunction = .sha256) -> CertificateFingerprint {
    CertificateFingerprint(leaf.x509, hash)
  }

  /// A connection object of OpenSSL that the caller frees; nil when memory is short.
  func makeConnection() -> OpaquePointer? {
    guard let ssl = SSL_new(context) else { return nil }
    guard cssl_set_mtu(ssl, mtu) > 0 else {
      SSL_free(ssl)
      return nil
    }
    return ssl
  }

  private static func set(_ certificates: [Certificate], _ key: PrivateKey, in context: OpaquePointer) -> Bool {
    // Every certificate of a description is taken, also the short RSA keys of old devices: its fingerprint is what counts.
    SSL_CTX_set_security_level(context, 1)
    guard SSL_CTX_use_certificate(context, certificates[0].x509) == 1, SSL_CTX_use_PrivateKey(context, key.key) == 1 else { return false }
    return certificates.dropFirst().allSatisfy { cssl_ctx_add1_chain_cert(context, $0.x509) == 1 }
  }

  private static func set(_ profiles: [DTLSProtectionProfile], in context: OpaquePointer) -> Bool {
    // 1 is OpenSSL's word for no here.
    guard SSL_CTX_set_tlsext_use_srtp(context, profiles.map(\.listName).joined(separator: ":")) == 0,
      SSL_CTX_set_cipher_list(context, TLSConfiguration.standardCipherList) == 1,
      cssl_ctx_set_min_proto_version(context, Int32(DTLSVersion.dtls12.rawValue)) == 1,
      cssl_ctx_set_max_proto_version(context, Int32(DTLSVersion.dtls12.rawValue)) == 1,
      cssl_ctx_set1_groups_list(context, "X25519:P-256:P-384:P-521") == 1
    else { return false }
    cssl_ctx_set_dh_auto(context)
    cssl_ctx_set_session_cache_off(context)
    SSL_CTX_set_options(context, CSSL_OP_NO_RENEGOTIATION | CSSL_OP_NO_COMPRESSION | CSSL_OP_NO_TICKET | CSSL_OP_NO_QUERY_MTU)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    return true
  }
}
