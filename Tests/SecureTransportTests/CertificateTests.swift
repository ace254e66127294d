import COpenSSL
import SansIO
import Testing

@testable import SecureTransport

@Suite struct CertificateTests {
  @Test func `the same seed makes the same certificates, another seed others`() throws {
    func make(_ seed: UInt64, _ epoch: Epoch = .virtual) throws -> [PEM] {
      let made = try LabCertificates.make(names: ["pbx.example"], addresses: [.loopbackV4], entropy: Entropy(seed: seed), epoch: epoch)
      return [made.authority, made.certificate, made.privateKey]
    }
    let first = try make(1)
    #expect(try make(1) == first)
    #expect(Set(try make(2)).isDisjoint(with: first))
    // Keys do not depend on the date; certificates do, by whole days.
    let later = try make(1, Epoch(unixSeconds: 1_767_225_600 + 86_400))
    #expect(later[2] == first[2] && later[1] != first[1])
    #expect(try make(1, Epoch(unixSeconds: 1_767_225_600 + 86_399)) == first)
  }

  @Test func `made from the system's entropy they differ each time`() throws {
    let first = try LabCertificates.make(names: ["a.example"], addresses: [], entropy: .system, epoch: .virtual)
    let second = try LabCertificates.make(names: ["a.example"], addresses: [], entropy: .system, epoch: .virtual)
    #expect(first.privateKey != second.privateKey)
  }

  @Test func `a made leaf proves each of its names and addresses`() throws {
    let address = try #require(IPAddress("2001:db8::5"))
    let made = try LabCertificates.make(
      names: ["a.example", "b.example"], addresses: [address, .loopbackV4], entropy: Entropy(seed: 1), epoch: .virtual)
    let certificate = try made.certificate.certificates("leaf")[0]
    let identity = PeerIdentity(certificate.x509)
    #expect(identity.sipDomains == ["a.example", "b.example"])
    #expect(identity.dnsNames == ["a.example", "b.example"])
    #expect(identity.addresses == [address, .loopbackV4])
    #expect(PeerIdentity.subject(of: certificate.x509) == "CN=a.example")
    let server = try Lab.server((made.certificate, made.privateKey))
    for name in ["a.example", "b.example", "2001:db8::5", "127.0.0.1"] {
      let pair = TLSPair(client: try Lab.client(verification: .peer, anchors: made.authority), server: server, serverName: name)
      pair.handshake()
      #expect(pair.clientOutputs.session != nil, "\(name)")
    }
  }

  @Test(arguments: ["a,DNS:b", "", "a b", "a\u{0}b", "ä.example", "a/b"])
  func `a name with other characters is refused`(name: String) {
    #expect(throws: TLSError.badName(name)) {
      try LabCertificates.make(names: [name], addresses: [], entropy: Entropy(seed: 1), epoch: .virtual)
    }
  }

  @Test func `a chain with an intermediate is sent whole`() throws {
    // The leaf is its own chain here; the second certificate must arrive, or the root alone could not be found.
    let chain = Lab.leaf.certificate.followed(by: Lab.authority.certificate)
    let pair = TLSPair(client: try Lab.client(verification: .peer), server: try Lab.server((chain, Lab.leaf.privateKey)))
    let short = TLSPair(client: try Lab.client(verification: .peer), server: try Lab.server())
    pair.handshake()
    short.handshake()
    #expect(pair.clientOutputs.session != nil)
    #expect(pair.serverOutputs.ciphertext.count > short.serverOutputs.ciphertext.count + 300)
  }

  private func error(_ configuration: TLSConfiguration) -> TLSError? {
    do {
      _ = try TLSContext(configuration)
      return nil
    } catch { return error }
  }

  @Test func `a configuration that cannot work is refused with the reason`() throws {
    let (certificate, key) = Lab.leaf
    let otherKey = try Lab.authority.issue(CertificateRequest(commonName: "x"), entropy: Entropy(seed: 40)).privateKey
    #expect(error(.init(role: .server)) == .missing(item: "the server's certificate chain"))
    #expect(error(.init(role: .server, certificateChain: certificate)) == .missing(item: "the private key of the certificate chain"))
    #expect(error(.init(role: .client, privateKey: key)) == .missing(item: "the certificate chain of the private key"))
    #expect(error(.init(role: .server, certificateChain: certificate, privateKey: otherKey)) == .keyDoesNotMatch)
    #expect(error(.init(role: .client, verification: .peer)) == .missing(item: "the trust anchors that verification needs"))
    #expect(error(.init(role: .client, minimumVersion: .tls13, maximumVersion: .tls12)) == .noVersion)
    #expect(error(.init(role: .client, cipherList: "NONSENSE")) == .badCipherList("NONSENSE"))
    #expect(
      error(.init(role: .server, certificateChain: PEM("hello"), privateKey: key))
        == .unreadable(item: "certificate chain", reason: "it contains no BEGIN CERTIFICATE block"))
    #expect(
      error(.init(role: .server, certificateChain: certificate, privateKey: certificate))
        == .unreadable(item: "private key", reason: "it contains no BEGIN PRIVATE KEY block"))
    let broken = PEM(certificate.text.replacing("MII", with: "MIJ"))
    guard case .unreadable(item: "certificate chain", _) = error(.init(role: .server, certificateChain: broken, privateKey: key)) else {
      Issue.record("a broken certificate was read")
      return
    }
    let encrypted = PEM("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    #expect(error(.init(role: .server, certificateChain: certificate, privateKey: encrypted)) == .keyIsEncrypted)
  }

  @Test func `no secret reaches a description, a dump or an error`() throws {
    let key = Lab.leaf.privateKey
    let secret = try #require(key.text.split(whereSeparator: \.isNewline).dropFirst().first)
    let configuration = TLSConfiguration(role: .server, certificateChain: Lab.leaf.certificate, privateKey: key)
    var dumped = ""
    dump(configuration, to: &dumped)
    let context = try TLSContext(configuration)
    dump(context, to: &dumped)
    let pair = TLSPair(client: try Lab.client(), server: context)
    pair.handshake()
    dump(pair.server, to: &dumped)
    for text in ["\(key)", String(reflecting: key), "\(configuration)", String(reflecting: configuration), dumped, "\(context)"] {
      #expect(!text.contains(secret))
    }
    #expect("\(key)" == "PEM (PRIVATE KEY)")
    #expect("\(Lab.leaf.certificate)" == "PEM (CERTIFICATE)")
    let line = try #require(pair.serverOutputs.secrets.first)
    #expect(!"\(pair.serverOutputs)".contains(String(line.split(separator: " ")[2])))
  }
}
