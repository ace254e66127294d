import COpenSSL
import SRTP
import SansIO
import SecureTransport

/// A DTLS handshake of two libssl endpoints in memory, its flights, and what each end exports for SRTP: the reader's counterpart.
public final class DTLSPeers {
  /// What left, in its order.
  public private(set) var datagrams: [(bytes: Bytes, fromClient: Bool)] = []
  public private(set) var keyLog = ""
  /// `EXTRACTOR-dtls_srtp` as libssl gives it (RFC 5764 §4.2).
  public private(set) var material: [UInt8] = []

  private let client: OpaquePointer
  private let server: OpaquePointer
  private let contexts: [OpaquePointer]
  private static let (setMTU, setMinimum, setMaximum) = (Int32(17), Int32(123), Int32(124))
  private static let (version10, version12) = (0xFEFF, 0xFEFD)

  /// - Parameters:
  ///   - profiles: as libssl names them: `SRTP_AES128_CM_SHA1_80`.
  ///   - largest: bytes of a datagram; smaller than a hello, it is sent in fragments.
  public init(profiles: String?, suite: SRTPSuite, ciphers: String? = nil, largest: Int = 1_200, isOld: Bool = false) throws {
    let authority = try LabAuthority(entropy: Entropy(seed: 7), epoch: .virtual)
    let leaf = try authority.issue(CertificateRequest(commonName: "media", dnsNames: ["media"]), entropy: Entropy(seed: 8))
    var made: [OpaquePointer] = []
    var ends: [OpaquePointer] = []
    for isClient in [true, false] {
      let context = try Self.some(SSL_CTX_new(isClient ? DTLS_client_method() : DTLS_server_method()))
      made.append(context)
      let version = isOld ? Self.version10 : Self.version12
      SSL_CTX_ctrl(context, Self.setMinimum, version, nil)
      SSL_CTX_ctrl(context, Self.setMaximum, version, nil)
      SSL_CTX_set_security_level(context, 0)
      if let ciphers { try Self.hold(SSL_CTX_set_cipher_list(context, ciphers) == 1) }
      if let profiles { try Self.hold(SSL_CTX_set_tlsext_use_srtp(context, profiles) == 0) }
      if !isClient { try Self.certify(context, leaf.certificate, leaf.privateKey) }
      let ssl = try Self.some(SSL_new(context))
      SSL_set_options(ssl, UInt64(1 << 12))
      SSL_ctrl(ssl, Self.setMTU, largest, nil)
      SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()))
      if isClient { SSL_set_connect_state(ssl) } else { SSL_set_accept_state(ssl) }
      ends.append(ssl)
    }
    (client, server, contexts) = (ends[0], ends[1], made)
    for _ in 0..<8 where SSL_is_init_finished(client) == 0 || SSL_is_init_finished(server) == 0 {
      step(client, to: server, fromClient: true)
      step(server, to: client, fromClient: false)
    }
    try Self.hold(SSL_is_init_finished(client) == 1 && SSL_is_init_finished(server) == 1)
    try export(suite)
  }

  deinit {
    for ssl in [client, server] { SSL_free(ssl) }
    for context in contexts { SSL_CTX_free(context) }
  }

  private struct Failure: Error {}

  private static func some<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Failure() }
    return value
  }

  private static func hold(_ isTrue: Bool) throws { if !isTrue { throw Failure() } }

  private static func certify(_ context: OpaquePointer, _ certificate: PEM, _ key: PEM) throws {
    func read<Value>(_ pem: PEM, _ body: (OpaquePointer) -> Value?) throws -> Value {
      let text = Array(pem.text.utf8)
      let input = try Self.some(BIO_new_mem_buf(text, Int32(text.count)))
      defer { BIO_free(input) }
      return try Self.some(body(input))
    }
    let leaf = try read(certificate) { PEM_read_bio_X509($0, nil, nil, nil) }
    let secret = try read(key) { PEM_read_bio_PrivateKey($0, nil, nil, nil) }
    try Self.hold(SSL_CTX_use_certificate(context, leaf) == 1 && SSL_CTX_use_PrivateKey(context, secret) == 1)
    X509_free(leaf)
    EVP_PKEY_free(secret)
  }

  private func step(_ one: OpaquePointer, to other: OpaquePointer, fromClient: Bool) {
    SSL_do_handshake(one)
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = Int(BIO_read(SSL_get_wbio(one), &buffer, Int32(buffer.count)))
    guard count > 0 else { return }
    // libssl writes a record at a time; each is a datagram here.
    var position = 0
    while position + 13 <= count {
      let end = position + 13 + (Int(buffer[position + 11]) << 8 | Int(buffer[position + 12]))
      datagrams.append((Bytes(Array(buffer[position..<end])), fromClient))
      position = end
    }
    BIO_write(SSL_get_rbio(other), buffer, Int32(count))
  }

  private func export(_ suite: SRTPSuite) throws {
    func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    var (random, master) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 48))
    SSL_get_client_random(client, &random, 32)
    SSL_SESSION_get_master_key(SSL_get_session(client), &master, 48)
    keyLog = "CLIENT_RANDOM \(hex(random)) \(hex(master))"
    material = [UInt8](repeating: 0, count: 2 * suite.keyAndSaltLength)
    let label = "EXTRACTOR-dtls_srtp"
    try Self.hold(SSL_export_keying_material(server, &material, material.count, label, label.utf8.count, nil, 0, 0) == 1)
  }

  /// What each end sends with.
  public func senders(_ suite: SRTPSuite) throws -> (client: SRTPSender, server: SRTPSender) {
    let pair = try Self.some(SRTPKey.pair(exported: material, suite: suite))
    return (try SRTPSender(try SRTPKeys(suite, pair.client)), try SRTPSender(try SRTPKeys(suite, pair.server)))
  }
}
