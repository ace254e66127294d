import COpenSSL
import Foundation
import SansIO
import SecureTransport

/// A context of libssl by itself, with what ours have: the same version, groups and session keeping.
final class RawContext {
  let context: OpaquePointer

  /// - Parameters:
  ///   - chain: nothing where the end shows no certificate.
  ///   - anchor: what the peer's certificate is checked by; nil for a server of TLS, which asks for none, and with DTLS, where each
  ///     certificate is taken.
  init(_ method: OpaquePointer?, _ chain: [PEM], _ key: PEM?, _ version: Int32, anchor: PEM?) throws {
    guard let context = SSL_CTX_new(method) else { throw CocoaError(.featureUnsupported) }
    self.context = context
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-tls-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func file(_ name: String, _ pem: PEM) throws -> String {
      let path = folder.appendingPathComponent(name).path
      try pem.text.write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }
    if let certificate = chain.first, let key {
      let paths = (try file("c.pem", certificate), try file("k.pem", key))
      precondition(SSL_CTX_use_certificate_file(context, paths.0, SSL_FILETYPE_PEM) == 1)
      precondition(SSL_CTX_use_PrivateKey_file(context, paths.1, SSL_FILETYPE_PEM) == 1)
    }
    if let anchor {
      let path = try file("a.pem", anchor)
      precondition(SSL_CTX_load_verify_locations(context, path, nil) == 1)
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    }
    _ = cssl_ctx_set_min_proto_version(context, version)
    _ = cssl_ctx_set_max_proto_version(context, version)
    cssl_ctx_set1_groups_list(context, "X25519:P-256:P-384:P-521")
    cssl_ctx_set_session_cache_off(context)
    if version == DTLS1_2_VERSION {
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
      SSL_CTX_set_cert_verify_callback(context, { _, _ in 1 }, nil)
      SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_256_GCM")
      SSL_CTX_set_options(context, CSSL_OP_NO_TICKET | CSSL_OP_NO_QUERY_MTU)
    }
  }

  deinit { SSL_CTX_free(context) }
}

/// libssl by itself: what the same handshake costs without us.
struct RawPair {
  let server: RawContext
  let client: RawContext

  func handshake() throws {
    guard let first = SSL_new(client.context), let second = SSL_new(server.context), let up = BIO_new(BIO_s_mem()),
      let down = BIO_new(BIO_s_mem())
    else { throw CocoaError(.featureUnsupported) }
    defer {
      SSL_free(first)
      SSL_free(second)
    }
    // The virtual certificate is valid from 2025-12-31 on; the real clock may be anything.
    X509_VERIFY_PARAM_set_time(SSL_get0_param(first), time_t(Epoch.virtual.unixNanoseconds / 1_000_000_000 + 10))
    for end in [first, second] { _ = cssl_set_mtu(end, DTLSContext.standardMTU) }
    BIO_up_ref(up)
    BIO_up_ref(down)
    // An empty BIO is no end of the stream.
    for bio in [up, down] { BIO_ctrl(bio, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil) }
    SSL_set_bio(first, down, up)
    SSL_set_bio(second, up, down)
    SSL_set_connect_state(first)
    SSL_set_accept_state(second)
    for _ in 0..<6 {
      let one = SSL_do_handshake(first)
      let two = SSL_do_handshake(second)
      if one == 1, two == 1 { return }
    }
    preconditionFailure("libssl's handshake did not end")
  }
}
