import SansIO
import Testing

@testable import SecureTransport

/// Certificates that are made below one authority, as a client that trusts it judges them.
@Suite struct ChainTests {
  private func failure(_ change: (inout CertificateRequest) -> Void) throws -> TLSFailure? {
    var request = CertificateRequest(commonName: Lab.name, sipDomains: [Lab.name], dnsNames: [Lab.name])
    change(&request)
    let leaf = try Lab.authority.issue(request, entropy: Entropy(seed: 30))
    let pair = TLSPair(client: try Lab.client(verification: .peer), server: try Lab.server(leaf))
    pair.handshake()
    #expect((pair.clientOutputs.session == nil) == (pair.clientOutputs.failure != nil))
    return pair.clientOutputs.failure
  }

  @Test(arguments: [CertificateChainForm.leaf, .full, .wrongOrder, .extra, .crossSigned], [CertificateRequest.Key.ec, .rsa])
  func `a chain that leads to a trust anchor is taken, whatever else is shown and in whatever order (RFC 8446 §4.4.2)`(
    form: CertificateChainForm, key: CertificateRequest.Key
  ) throws {
    #expect(try failure { ($0.chain, $0.key) = (form, key) } == nil)
  }

  @Test(arguments: [CertificateChainForm.missingIntermediate, .selfSigned])
  func `a chain that leads nowhere is refused with unknown_ca (RFC 5280 §6.1)`(form: CertificateChainForm) throws {
    let failure = try #require(try failure { $0.chain = form })
    #expect(failure.reason == .unknownAuthority)
    #expect(failure.alert == .unknownCA)
    #expect(failure.text.hasPrefix("no trusted authority vouches for its certificate ("))
  }

  @Test(arguments: [CertificateRequest.Purpose.client, .email])
  func `a certificate for another purpose is refused as a server's (RFC 5280 §4.2.1.12)`(purpose: CertificateRequest.Purpose) throws {
    let failure = try #require(try failure { $0.purpose = purpose })
    #expect(failure.reason == .certificateInvalid)
    #expect(failure.alert == .unsupportedCertificate)
  }

  @Test func `certificates of every form and key are the same bytes from the same entropy`() throws {
    for form in CertificateChainForm.allCases {
      for key in [CertificateRequest.Key.ec, .rsa] {
        var request = CertificateRequest(names: ["a.example"], addresses: [.loopbackV4])
        (request.chain, request.key) = (form, key)
        let first = try Lab.authority.issue(request, entropy: Entropy(seed: 31))
        let second = try Lab.authority.issue(request, entropy: Entropy(seed: 31))
        #expect(first.certificate == second.certificate && first.privateKey == second.privateKey, "\(form), \(key)")
      }
    }
  }

  @Test func `each sentence of a refusal says what is wrong in plain words, with OpenSSL's own behind`() throws {
    #expect(try failure { $0.validDays = -9 ..< -2 }?.text == "its certificate is past its date (certificate has expired)")
    #expect(try failure { $0.validDays = 9..<20 }?.text == "its certificate is not valid yet (certificate is not yet valid)")
    let other = try failure { ($0.sipDomains, $0.dnsNames) = (["a.example"], ["b.example"]) }
    #expect(other?.text == "its certificate is for a.example, not for pbx.example (RFC 5922 §7)")
    #expect(other?.reason == .nameMismatch(expected: "pbx.example", presented: ["a.example"]))
  }
}

/// A server with several certificates, and clients with certificates of their own.
@Suite struct NamedCertificateTests {
  private func certificate(
    _ name: String, key: CertificateRequest.Key = .ec, names: [String] = []
  ) throws -> TLSConfiguration.NamedCertificate {
    var request = CertificateRequest(names: [name], addresses: [])
    request.key = key
    let leaf = try Lab.authority.issue(request, entropy: Entropy(seed: 32).fork("\(name) \(key)"))
    return .init(names: names, chain: leaf.certificate, privateKey: leaf.privateKey)
  }

  private func server(_ named: [TLSConfiguration.NamedCertificate]) throws -> TLSContext {
    var configuration = TLSConfiguration(role: .server, certificateChain: Lab.leaf.certificate, privateKey: Lab.leaf.privateKey)
    configuration.namedCertificates = named
    return try TLSContext(configuration)
  }

  private func shown(_ server: TLSContext, to name: String?, versions: TLSVersion = .tls13, ciphers: String? = nil) throws -> String? {
    let pair = TLSPair(
      client: try Lab.client(versions: versions...versions, cipherList: ciphers), server: server, serverName: name)
    pair.handshake()
    return pair.clientOutputs.session?.peerSubject
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `the name that a client asks for chooses the certificate, without regard to case (RFC 6066 §3)`(version: TLSVersion) throws {
    let server = try server([try certificate("a.example"), try certificate("b.example", key: .rsa)])
    #expect(try shown(server, to: "a.example", versions: version) == "CN=a.example")
    #expect(try shown(server, to: "B.Example", versions: version) == "CN=b.example")
    #expect(try shown(server, to: "c.example", versions: version) == "CN=pbx.example")
    #expect(try shown(server, to: nil, versions: version) == "CN=pbx.example")
  }

  @Test func `names that are given stand for those of the certificate, and a wildcard for one label`() throws {
    let server = try server([try certificate("a.example", names: ["*.b.example"])])
    #expect(try shown(server, to: "x.b.example") == "CN=a.example")
    #expect(try shown(server, to: "a.example") == "CN=pbx.example")
    #expect(try shown(server, to: "b.example") == "CN=pbx.example")
  }

  @Test func `of two certificates for one name the client's signature schemes choose`() throws {
    let server = try server([try certificate("a.example"), try certificate("a.example", key: .rsa)])
    let pair = TLSPair(
      client: try Lab.client(versions: .tls12 ... .tls12, cipherList: "ECDHE-RSA-AES128-GCM-SHA256"), server: server,
      serverName: "a.example")
    pair.handshake()
    #expect(pair.clientOutputs.session?.cipher == "ECDHE-RSA-AES128-GCM-SHA256")
    #expect(try shown(server, to: "a.example", versions: .tls12, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256") == "CN=a.example")
  }

  @Test func `a connection with a chosen RSA certificate is the same bytes whatever went before`() throws {
    let server = try server([try certificate("a.example", key: .rsa)])
    func bytes() throws -> [UInt8] {
      let pair = TLSPair(client: try Lab.client(), server: server, serverName: "a.example")
      pair.handshake()
      return pair.serverOutputs.ciphertext
    }
    let first = try bytes()
    for _ in 0..<40 { #expect(try bytes() == first) }
  }

  @Test func `a key that is another certificate's is refused when the context is made`() throws {
    let (one, other) = (try certificate("a.example"), try certificate("b.example"))
    #expect(throws: TLSError.keyDoesNotMatch) { try server([.init(chain: one.chain, privateKey: other.privateKey)]) }
  }

  // MARK: - Clients

  private func failure(_ names: [String], _ request: CertificateRequest?, rule: TLSConfiguration.NameRule = .sipDomain) throws
    -> TLSFailure?
  {
    var configuration = TLSConfiguration(
      role: .server, certificateChain: Lab.leaf.certificate, privateKey: Lab.leaf.privateKey, trustAnchors: Lab.authority.certificate,
      verification: .peer, nameRule: rule, clientCertificate: .required)
    configuration.clientNames = names
    let leaf = try request.map { try Lab.authority.issue($0, entropy: Entropy(seed: 33)) }
    let pair = TLSPair(client: try Lab.client(leaf), server: try TLSContext(configuration))
    pair.handshake()
    return pair.serverOutputs.failure
  }

  @Test func `a client proves a domain by its certificate, one of those that are wanted (RFC 5922 §7.4)`() throws {
    let one = CertificateRequest(names: ["pbx.example"], addresses: [])
    #expect(try failure([], one) == nil)
    #expect(try failure(["other.example", "pbx.example"], one) == nil)
    #expect(try failure(["other.example"], one)?.reason == .nameMismatch(expected: "other.example", presented: ["pbx.example"]))
    #expect(try failure(["other.example"], one)?.alert == .badCertificate)
    #expect(try failure(["pbx.example"], CertificateRequest(commonName: "pbx.example")) == nil)
    let wildcard = CertificateRequest(commonName: "x", dnsNames: ["*.example"])
    #expect(try failure(["pbx.example"], wildcard) != nil)
  }

  @Test func `a client's certificate without any domain proves nobody (RFC 5922 §7.1)`() throws {
    let address = CertificateRequest(commonName: "x", addresses: [.loopbackV4])
    #expect(try failure([], address)?.text == "its certificate is for 127.0.0.1 (RFC 5922 §7)")
    #expect(try failure(["127.0.0.1"], address) == nil)
  }

  @Test func `an absent certificate is told from a wrong one (RFC 8446 §4.4.2.4)`() throws {
    let absent = try #require(try failure([], nil))
    #expect(absent.reason == .certificateMissing)
    #expect(absent.text.hasPrefix("it showed no certificate, and one is required"))
    var forServers = CertificateRequest(names: ["pbx.example"], addresses: [])
    forServers.purpose = .server
    #expect(try failure([], forServers)?.alert == .unsupportedCertificate)
  }
}
