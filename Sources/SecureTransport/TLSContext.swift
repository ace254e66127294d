import COpenSSL
import SansIO

/// A configuration made ready for handshakes: certificates read, keys checked. Connections of all hosts may share one.
///
/// It holds two contexts of OpenSSL, for live and for virtual connections, because a context draws secrets of its own (those that seal
/// session tickets) when it is made: the live one draws from the system, the virtual one from a digest of the configuration's certificate
/// and key, so that it is the same in every process.
public final class TLSContext: Sendable {
  public let configuration: TLSConfiguration
  private let live: OpenSSLContext
  private let virtual: OpenSSLContext

  /// Throws when a certificate, key or cipher list cannot be used.
  public init(_ configuration: TLSConfiguration) throws(TLSError) {
    OpenSSL.prepare()
    self.configuration = configuration
    live = try OpenSSLContext(configuration)
    let endpoint = Endpoint(key: Self.digest(configuration), epoch: .virtual)
    virtual = try endpoint.run(at: .zero) { () throws(TLSError) in try OpenSSLContext(configuration) }
  }

  /// A connection object of OpenSSL that the caller frees; nil when memory is short.
  func makeConnection(isVirtual: Bool) -> OpaquePointer? {
    SSL_new((isVirtual ? virtual : live).context)
  }

  private static func digest(_ configuration: TLSConfiguration) -> [UInt8] {
    var words = ["\(configuration.role)", configuration.certificateChain?.text ?? "", configuration.privateKey?.text ?? ""]
    // A session that was made without proof of the client is not resumed where one is asked for.
    if configuration.clientCertificate != .off { words += ["\(configuration.clientCertificate)"] + configuration.clientNames }
    for named in configuration.namedCertificates { words += named.names + [named.chain.text, named.privateKey.text] }
    let text = Array(words.joined(separator: "\n").utf8)
    var digest = [UInt8](repeating: 0, count: 32)
    let isDigested = EVP_Digest(text, text.count, &digest, nil, EVP_sha256(), nil)
    precondition(isDigested == 1, "OpenSSL offers no SHA-256")
    return digest
  }
}

/// An `SSL_CTX`.
// Unchecked: it is not changed after it was made, and OpenSSL counts its references atomically, so threads may share it.
private final class OpenSSLContext: @unchecked Sendable {
  let context: OpaquePointer
  /// What OpenSSL's callback reads.
  private let named: NamedCertificates?

  init(_ configuration: TLSConfiguration) throws(TLSError) {
    guard let context = SSL_CTX_new(configuration.role == .client ? TLS_client_method() : TLS_server_method()) else {
      throw .library(OpenSSL.reason())
    }
    self.context = context
    named = configuration.namedCertificates.isEmpty ? nil : try NamedCertificates(configuration.namedCertificates)
    if let named { SecureCallbacks.choose(named, in: context) }
    try setVersionsAndSuites(configuration)
    try setCertificate(configuration)
    try setVerification(configuration)
    SSL_CTX_set_options(context, CSSL_OP_NO_COMPRESSION | (configuration.allowsRenegotiation ? 0 : CSSL_OP_NO_RENEGOTIATION))
    cssl_ctx_set_session_cache_off(context)
    cssl_ctx_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN))
    let name = Array("kallglot-lab".utf8)
    SSL_CTX_set_session_id_context(context, name, UInt32(name.count))
    SecureCallbacks.install(in: context)
  }

  deinit { SSL_CTX_free(context) }

  private func setVersionsAndSuites(_ configuration: TLSConfiguration) throws(TLSError) {
    guard configuration.minimumVersion <= configuration.maximumVersion else { throw .noVersion }
    // RFC 8996 took SHA-1 signatures, which TLS 1.0 and 1.1 need, out of the ordinary levels.
    let isLegacy = configuration.minimumVersion < .tls12
    SSL_CTX_set_security_level(context, isLegacy ? 0 : 1)
    let list = configuration.cipherList ?? (isLegacy ? "ALL:@SECLEVEL=0" : TLSConfiguration.standardCipherList)
    guard SSL_CTX_set_cipher_list(context, list) == 1 else { throw .badCipherList(list) }
    guard cssl_ctx_set_min_proto_version(context, Int32(configuration.minimumVersion.rawValue)) == 1,
      cssl_ctx_set_max_proto_version(context, Int32(configuration.maximumVersion.rawValue)) == 1,
      cssl_ctx_set1_groups_list(context, "X25519:P-256:P-384:P-521") == 1
    else { throw .library(OpenSSL.reason()) }
    cssl_ctx_set_dh_auto(context)
  }

  private func setCertificate(_ configuration: TLSConfiguration) throws(TLSError) {
    guard let chain = configuration.certificateChain else {
      if configuration.role == .server { throw .missing(item: "the server's certificate chain") }
      if configuration.privateKey != nil { throw .missing(item: "the certificate chain of the private key") }
      return
    }
    guard let keyText = configuration.privateKey else { throw .missing(item: "the private key of the certificate chain") }
    let certificates = try chain.certificates("certificate chain")
    let key = try keyText.key()
    guard SSL_CTX_use_certificate(context, certificates[0].x509) == 1 else { throw .library(OpenSSL.reason()) }
    guard X509_check_private_key(certificates[0].x509, key.key) == 1 else { throw .keyDoesNotMatch }
    guard SSL_CTX_use_PrivateKey(context, key.key) == 1 else { throw .library(OpenSSL.reason()) }
    for certificate in certificates.dropFirst() {
      guard cssl_ctx_add1_chain_cert(context, certificate.x509) == 1 else { throw .library(OpenSSL.reason()) }
    }
  }

  private func setVerification(_ configuration: TLSConfiguration) throws(TLSError) {
    let asks = configuration.role == .client ? configuration.verification != .none : configuration.clientCertificate != .off
    var mode = asks ? SSL_VERIFY_PEER : SSL_VERIFY_NONE
    if configuration.role == .server, configuration.clientCertificate == .required { mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT }
    SSL_CTX_set_verify(context, mode, asks ? SecureCallbacks.verify : nil)
    guard asks, configuration.verification != .none else { return }
    guard let anchors = configuration.trustAnchors else { throw .missing(item: "the trust anchors that verification needs") }
    let store = SSL_CTX_get_cert_store(context)
    for anchor in try anchors.certificates("trust anchors") {
      guard X509_STORE_add_cert(store, anchor.x509) == 1 else { throw .library(OpenSSL.reason()) }
      // The CertificateRequest names the authorities a client may choose by.
      if configuration.role == .server { SSL_CTX_add_client_CA(context, anchor.x509) }
    }
  }
}
