import COpenSSL
import SansIO
import Testing

@testable import SecureTransport

/// A client of OpenSSL that does what ours never does.
private final class RawClient {
  let ssl: OpaquePointer
  private let context: OpaquePointer
  private let wire = DTLSWire(mtu: DTLSContext.standardMTU)

  init(
    _ certificate: DTLSCertificate? = DTLSLab.certificates[0], profile: String? = "SRTP_AES128_CM_SHA1_80",
    _ configure: (OpaquePointer) -> Void = { _ in }
  ) throws {
    OpenSSL.prepare()
    context = try #require(SSL_CTX_new(DTLS_method()))
    SSL_CTX_set_security_level(context, 0)
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0")
    if let profile { SSL_CTX_set_tlsext_use_srtp(context, profile) }
    if let certificate {
      // Named, so that they live as long as the calls.
      let (chain, key) = (try certificate.certificate.certificates("chain"), try certificate.privateKey.key())
      SSL_CTX_use_certificate(context, chain[0].x509)
      SSL_CTX_use_PrivateKey(context, key.key)
    }
    configure(context)
    ssl = try #require(SSL_new(context))
    #expect(SecureCallbacks.attach(wire, to: ssl))
    SSL_set_options(ssl, CSSL_OP_NO_QUERY_MTU)
    #expect(cssl_set_mtu(ssl, 1_200) > 0)
    SSL_set_connect_state(ssl)
  }

  deinit {
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  /// Hands over a datagram, or nothing, and answers with what is sent.
  func step(_ datagrams: [Bytes] = []) -> [Bytes] {
    var outputs: [DTLSConnection.Output] = []
    for datagram in datagrams.map({ Optional($0) }) + (datagrams.isEmpty ? [nil] : []) {
      if let datagram { wire.feed(datagram) }
      var byte: UInt8 = 0
      if SSL_do_handshake(ssl) == 1 { SSL_read(ssl, &byte, 1) }
      wire.drain(into: &outputs)
    }
    ERR_clear_error()
    return outputs.datagrams
  }
}

@Suite struct DTLSPeerTests {
  private func server() throws -> DTLSConnection {
    let contexts = try DTLSLab.contexts()
    let server = DTLSConnection(
      contexts.passive, role: .passive, expecting: [contexts.active.fingerprint()], entropy: Entropy(seed: 9), epoch: .virtual)
    #expect(server.start(at: .zero).isEmpty)
    return server
  }

  private func talk(_ client: RawClient, _ server: DTLSConnection) -> [DTLSConnection.Output] {
    var outputs: [DTLSConnection.Output] = []
    var toServer = client.step()
    for _ in 0..<8 where !toServer.isEmpty {
      let new = toServer.flatMap { server.receive($0, at: .zero) }
      outputs += new
      toServer = new.datagrams.isEmpty ? [] : client.step(new.datagrams)
    }
    return outputs
  }

  @Test func `a client of DTLS 1.0 is refused with protocol_version (RFC 8996 §3, RFC 6347 §4.2.1)`() throws {
    let client = try RawClient { _ = cssl_ctx_set_max_proto_version($0, Int32(DTLSVersion.dtls10.rawValue)) }
    let outputs = talk(client, try server())
    #expect(outputs.failure?.reason == .noCommonVersion)
    #expect(outputs.failure?.alert == .protocolVersion)
    let record = try #require(outputs.datagrams.last.map { DTLSRecord.read($0) }?.last)
    #expect(record.type == 21)
    #expect(record.body == [2, 70])
  }

  @Test func `a client without use_srtp, or without a certificate, is refused by name (RFC 5764 §4.1, RFC 5763 §5)`() throws {
    let outputs = talk(try RawClient(profile: nil), try server())
    #expect(outputs.failure?.reason == .noCommonProfile)
    #expect(outputs.failure?.alert == .handshakeFailure)
    let nameless = talk(try RawClient(nil), try server())
    #expect(nameless.failure?.reason == .certificateMissing)
    #expect(nameless.session == nil)
  }

  @Test func `another implementation's client is served, and its wish for a new handshake is not (RFC 5246 §7.2.2)`() throws {
    let client = try RawClient()
    let server = try server()
    let outputs = talk(client, server)
    #expect(outputs.session?.profile == .aes128CMHMACSHA1_80)
    var exported = [UInt8](repeating: 0, count: 60)
    let label = "EXTRACTOR-dtls_srtp"
    #expect(SSL_export_keying_material(client.ssl, &exported, 60, label, label.utf8.count, nil, 0, 0) == 1)
    #expect(outputs.session?.keyingMaterial.reveal() == exported)
    #expect(SSL_renegotiate(client.ssl) == 1)
    let hello = client.step()
    #expect(!hello.isEmpty)
    let answer = hello.flatMap { server.receive($0, at: .zero) }
    // One warning and no handshake.
    #expect(answer.kinds == ["datagram"])
    #expect(answer.datagrams.flatMap { DTLSRecord.read($0) }.map(\.type) == [21])
    #expect(server.session != nil)
    #expect(!server.close(at: .zero).isEmpty)
  }
}
