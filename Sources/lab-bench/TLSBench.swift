import COpenSSL
import Foundation
import SansIO
import SecureTransport

/// Full TLS 1.3 handshakes, both ends, beside libssl alone with memory BIOs and the same certificate.
enum TLSBench {
  private static let count = 200

  static func run() throws -> [Row] {
    let made = try LabCertificates.make(names: ["sip.kallglot.com"], addresses: [], entropy: Entropy(seed: 1), epoch: .virtual)
    let server = try TLSContext(TLSConfiguration(role: .server, certificateChain: made.certificate, privateKey: made.privateKey))
    let client = try TLSContext(TLSConfiguration(role: .client, trustAnchors: made.authority, verification: .peer))
    let raw = try RawPair(made)
    var ours = Double.infinity
    var theirs = Double.infinity
    // In turns, so that both see the same machine.
    for round in 0..<5 {
      theirs = min(theirs, try Stopwatch.best(of: 1) { for _ in 0..<count { try raw.handshake() } })
      ours = min(ours, Stopwatch.best(of: 1) { for index in 0..<count { handshake(server, client, UInt64(round * count + index)) } })
    }
    return [
      Row(name: "virtual TLS 1.3 handshakes", value: Double(count) / ours, unit: "/s"),
      Row(name: "  libssl in memory", value: Double(count) / theirs, unit: "/s"),
      Row(name: "  ours over libssl's time", value: ours / theirs, unit: "×", bar: 1.2, isCeiling: true),
    ]
  }

  private static func handshake(_ server: TLSContext, _ client: TLSContext, _ seed: UInt64) {
    let entropy = Entropy(seed: seed)
    let first = TLSConnection(client, serverName: "sip.kallglot.com", entropy: entropy.fork("client"), epoch: .virtual)
    let second = TLSConnection(server, serverName: nil, entropy: entropy.fork("server"), epoch: .virtual)
    var toServer = first.start(at: .zero)
    var toClient = second.start(at: .zero)
    for _ in 0..<6 where !(toServer.isEmpty && toClient.isEmpty) {
      let up = toServer
      let down = toClient
      (toServer, toClient) = ([], [])
      for case .ciphertext(let bytes, _) in up { toClient += second.receive(bytes, at: .zero) }
      for case .ciphertext(let bytes, _) in down { toServer += first.receive(bytes, at: .zero) }
    }
    precondition(first.session != nil && second.session != nil, "no handshake")
  }
}

/// libssl by itself: what the same work costs without us.
private final class RawPair {
  private let server: OpaquePointer
  private let client: OpaquePointer

  init(_ made: (authority: PEM, certificate: PEM, privateKey: PEM)) throws {
    guard let server = SSL_CTX_new(TLS_server_method()), let client = SSL_CTX_new(TLS_client_method()) else {
      throw CocoaError(.featureUnsupported)
    }
    self.server = server
    self.client = client
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-tls-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func file(_ name: String, _ pem: PEM) throws -> String {
      let path = folder.appendingPathComponent(name).path
      try pem.text.write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }
    let (certificate, key, authority) = (
      try file("c.pem", made.certificate), try file("k.pem", made.privateKey), try file("a.pem", made.authority)
    )
    precondition(SSL_CTX_use_certificate_file(server, certificate, SSL_FILETYPE_PEM) == 1)
    precondition(SSL_CTX_use_PrivateKey_file(server, key, SSL_FILETYPE_PEM) == 1)
    precondition(SSL_CTX_load_verify_locations(client, authority, nil) == 1)
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, nil)
    cssl_ctx_set1_groups_list(server, "X25519:P-256:P-384:P-521")
    cssl_ctx_set1_groups_list(client, "X25519:P-256:P-384:P-521")
    // The same protocol and the same session keeping as ours.
    for context in [server, client] {
      _ = cssl_ctx_set_min_proto_version(context, Int32(TLS1_3_VERSION))
      cssl_ctx_set_session_cache_off(context)
    }
  }

  func handshake() throws {
    guard let first = SSL_new(client), let second = SSL_new(server), let up = BIO_new(BIO_s_mem()), let down = BIO_new(BIO_s_mem()) else {
      throw CocoaError(.featureUnsupported)
    }
    defer {
      SSL_free(first)
      SSL_free(second)
    }
    // The virtual certificate is valid from 2025-12-31 on; the real clock may be anything.
    X509_VERIFY_PARAM_set_time(SSL_get0_param(first), time_t(Epoch.virtual.unixNanoseconds / 1_000_000_000 + 10))
    BIO_up_ref(up)
    BIO_up_ref(down)
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
