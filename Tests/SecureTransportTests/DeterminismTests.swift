import COpenSSL
import CVirtualTime
import SansIO
import Testing

@testable import SecureTransport

@Suite struct DeterminismTests {
  /// All bytes both ends sent, in a conversation of the version.
  private func bytes(
    _ client: TLSContext, _ server: TLSContext, seed: UInt64, at now: Instant = .zero
  ) -> [UInt8] {
    let pair = TLSPair(
      client: client, server: server, clientEntropy: Entropy(seed: seed).fork("client"), serverEntropy: Entropy(seed: seed).fork("server"))
    pair.now = now
    talk(pair)
    return pair.clientOutputs.ciphertext + pair.serverOutputs.ciphertext
  }

  private func talk(_ pair: TLSPair) {
    pair.handshake()
    pair.clientSends("request")
    pair.serverSends("response")
    pair.clientCloses()
    pair.serverCloses()
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `one seed gives one conversation, another seed another`(version: TLSVersion) throws {
    let client = try Lab.client(verification: .peer)
    let server = try Lab.server(versions: version...version)
    let first = bytes(client, server, seed: 1)
    #expect(first.count > 1_000)
    #expect(bytes(client, server, seed: 1) == first)
    #expect(bytes(try Lab.client(verification: .peer), try Lab.server(versions: version...version), seed: 1) == first)
    #expect(bytes(client, server, seed: 2) != first)
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a ticket seals virtual time, so an hour later the bytes differ and repeat`(version: TLSVersion) throws {
    let client = try Lab.client()
    let server = try Lab.server(versions: version...version)
    let hour = Instant(nanoseconds: 3_600_000_000_000)
    let later = bytes(client, server, seed: 1, at: hour)
    #expect(later == bytes(client, server, seed: 1, at: hour))
    #expect(later != bytes(client, server, seed: 1))
  }

  @Test func `connections that share contexts and are interleaved do not change one another's bytes`() throws {
    let client = try Lab.client(verification: .peer)
    let server = try Lab.server()
    let alone = (1...3).map { bytes(client, server, seed: $0) }
    let pairs = (1...3).map {
      TLSPair(
        client: client, server: server, clientEntropy: Entropy(seed: $0).fork("client"), serverEntropy: Entropy(seed: $0).fork("server"))
    }
    pairs[2].handshake()
    pairs[0].handshake()
    pairs[1].handshake()
    for pair in pairs { pair.clientSends("request") }
    for pair in pairs.reversed() { pair.serverSends("response") }
    for pair in pairs { pair.clientCloses() }
    for pair in pairs { pair.serverCloses() }
    #expect(pairs.map { $0.clientOutputs.ciphertext + $0.serverOutputs.ciphertext } == alone)
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `an RSA key's blinding does not tie connections to one another`(version: TLSVersion) throws {
    let leaf = try rsaLeaf()
    let client = try Lab.client()
    let server = try Lab.server(leaf, versions: version...version)
    let first = bytes(client, server, seed: 1)
    for seed in 2..<5 { _ = bytes(client, server, seed: UInt64(seed)) }
    #expect(bytes(client, server, seed: 1) == first)
    #expect(bytes(client, try Lab.server(leaf, versions: version...version), seed: 1) == first)
  }

  @Test func `live and virtual connections live side by side`() throws {
    let client = try Lab.client(versions: .tls13 ... .tls13)
    let server = try Lab.server()
    func liveBytes() -> [UInt8] {
      let pair = TLSPair(client: client, server: server, clientEntropy: .system, serverEntropy: .system)
      talk(pair)
      #expect(pair.clientOutputs.plaintext == "response")
      return pair.clientOutputs.ciphertext + pair.serverOutputs.ciphertext
    }
    let virtual = bytes(client, server, seed: 1)
    let live = liveBytes()
    let mixed = TLSPair(client: client, server: server, clientEntropy: Entropy(seed: 1).fork("client"), serverEntropy: .system)
    mixed.handshake()
    let otherLive = liveBytes()
    #expect(bytes(client, server, seed: 1) == virtual)
    #expect(live != otherLive)
    #expect(live != virtual)
    // The virtual end repeats its hello beside a live peer; the live peer answers anew.
    #expect(Array(mixed.clientOutputs.ciphertext.prefix(200)) == Array(virtual.prefix(200)))
    #expect(mixed.serverOutputs.ciphertext != Array(virtual.suffix(mixed.serverOutputs.ciphertext.count)))
    // Only the last bytes of the two random fields: 32 bytes after the record and handshake headers and the version.
    #expect(live[11..<43] != otherLive[11..<43])
  }

  @Test func `a live connection judges certificates by real time`() throws {
    let authority = try LabAuthority(entropy: Entropy(seed: 1), epoch: Epoch(unixSeconds: 0))
    let leaf = try authority.issue(CertificateRequest(commonName: "a.example"), entropy: Entropy(seed: 2))
    let pair = TLSPair(
      client: try Lab.client(verification: .peer, anchors: authority.certificate), server: try Lab.server(leaf), serverName: "a.example",
      clientEntropy: .system, serverEntropy: .system, epoch: Epoch(unixSeconds: 0))
    pair.handshake()
    #expect(pair.clientOutputs.failure?.reason == .certificateExpired)
  }

  private func rsaLeaf() throws -> (certificate: PEM, privateKey: PEM) {
    let endpoint = Endpoint(Entropy(seed: 30), epoch: .virtual)
    return try endpoint.run(at: .zero) {
      let key = PrivateKey(owning: try #require(cevp_rsa_gen(2_048)))
      let certificate = Certificate(owning: try #require(X509_new()))
      ASN1_INTEGER_set(X509_get_serialNumber(certificate.x509), 1)
      ASN1_TIME_set(X509_getm_notBefore(certificate.x509), 1_700_000_000)
      ASN1_TIME_set(X509_getm_notAfter(certificate.x509), 1_900_000_000)
      X509_set_pubkey(certificate.x509, key.key)
      X509_sign(certificate.x509, key.key, EVP_sha256())
      return (
        try #require(PEM.written { PEM_write_bio_X509($0, certificate.x509) }),
        try #require(PEM.written { PEM_write_bio_PrivateKey($0, key.key, nil, nil, 0, nil, nil) })
      )
    }
  }
}
