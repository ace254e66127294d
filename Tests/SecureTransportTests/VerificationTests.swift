import SansIO
import Testing

@testable import SecureTransport

@Suite struct VerificationTests {
  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a certificate that names the domain and chains to an anchor is taken (RFC 5922 §7)`(version: TLSVersion) throws {
    let pair = TLSPair(client: try Lab.client(verification: .peer), server: try Lab.server(versions: version...version))
    pair.handshake()
    #expect(pair.clientOutputs.session?.peerSubject == "CN=pbx.example")
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a certificate for another name is refused, and both ends know why (RFC 5922 §7.2)`(version: TLSVersion) throws {
    let pair = TLSPair(
      client: try Lab.client(verification: .peer), server: try Lab.server(versions: version...version), serverName: "sip.example")
    pair.handshake()
    let failure = try #require(pair.clientOutputs.failure)
    #expect(failure.reason == .nameMismatch(expected: "sip.example", presented: ["pbx.example"]))
    #expect(failure.endedBy == .local)
    #expect(failure.alert == .badCertificate)
    #expect(pair.clientOutputs.session == nil)
    #expect(pair.serverOutputs.failure?.alert == .badCertificate)
    #expect(pair.serverOutputs.failure?.endedBy == .peer)
  }

  @Test func `the chain alone can be checked`() throws {
    let pair = TLSPair(client: try Lab.client(verification: .chain), server: try Lab.server(), serverName: "sip.example")
    pair.handshake()
    #expect(pair.clientOutputs.session != nil)
  }

  @Test func `a name must be checked against something`() throws {
    let pair = TLSPair(client: try Lab.client(verification: .peer), server: try Lab.server(), serverName: nil)
    pair.handshake()
    #expect(pair.clientOutputs.failure?.reason == .nameMismatch(expected: "", presented: ["pbx.example"]))
  }

  @Test func `a certificate of an unknown authority is refused with unknown_ca`() throws {
    let other = try LabAuthority(entropy: Entropy(seed: 99), epoch: .virtual)
    let pair = TLSPair(client: try Lab.client(verification: .peer, anchors: other.certificate), server: try Lab.server())
    pair.handshake()
    #expect(pair.clientOutputs.failure?.reason == .unknownAuthority)
    #expect(pair.clientOutputs.failure?.alert == .unknownCA)
    #expect(pair.serverOutputs.failure == TLSFailure(.refusedByPeer, endedBy: .peer, alert: .unknownCA, text: "tlsv1 alert unknown ca"))
  }

  @Test func `without verification anything is taken`() throws {
    let other = try LabAuthority(entropy: Entropy(seed: 99), epoch: .virtual)
    let pair = TLSPair(client: try Lab.client(anchors: other.certificate), server: try Lab.server(), serverName: "sip.example")
    pair.handshake()
    #expect(pair.clientOutputs.session != nil)
  }

  @Test func `validity is judged by virtual time (RFC 5280 §4.1.2.5)`() throws {
    let day = Int64(86_400) * 1_000_000_000
    func outcome(day number: Int64) throws -> TLSFailure.Reason? {
      let pair = TLSPair(client: try Lab.client(verification: .peer), server: try Lab.server())
      pair.now = Instant(nanoseconds: number * day)
      pair.handshake()
      return pair.clientOutputs.failure?.reason
    }
    #expect(try outcome(day: -2) == .certificateNotYetValid)
    #expect(try outcome(day: 0) == nil)
    #expect(try outcome(day: 3_648) == nil)
    #expect(try outcome(day: 3_650) == .certificateExpired)
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a required client certificate is asked for and checked`(version: TLSVersion) throws {
    let server = try Lab.server(versions: version...version, verification: .peer, clientCertificate: .required)
    let shown = TLSPair(client: try Lab.client(Lab.leaf), server: server)
    shown.handshake()
    #expect(shown.serverOutputs.session?.peerSubject == "CN=pbx.example")

    let missing = TLSPair(client: try Lab.client(), server: server)
    missing.handshake()
    #expect(missing.serverOutputs.failure?.reason == .certificateMissing)
    #expect(missing.clientOutputs.failure?.alert == (version == .tls13 ? .certificateRequired : .handshakeFailure))

    let stranger = try LabAuthority(entropy: Entropy(seed: 99), epoch: .virtual)
      .issue(CertificateRequest(commonName: "stranger"), entropy: Entropy(seed: 100))
    let wrong = TLSPair(client: try Lab.client(stranger), server: server)
    wrong.handshake()
    #expect(wrong.serverOutputs.failure?.reason == .unknownAuthority)
    #expect(wrong.clientOutputs.failure?.alert == .unknownCA)
  }

  @Test func `an optional client certificate may be absent`() throws {
    let server = try Lab.server(verification: .chain, clientCertificate: .optional)
    let pair = TLSPair(client: try Lab.client(), server: server)
    pair.handshake()
    #expect(pair.serverOutputs.session?.peerSubject == nil)
    #expect(pair.serverOutputs.session != nil)
  }

  @Test func `a server that verifies nothing takes any client certificate`() throws {
    let stranger = try LabAuthority(entropy: Entropy(seed: 99), epoch: .virtual)
      .issue(CertificateRequest(commonName: "stranger"), entropy: Entropy(seed: 100))
    let pair = TLSPair(client: try Lab.client(stranger), server: try Lab.server(clientCertificate: .required))
    pair.handshake()
    #expect(pair.serverOutputs.session?.peerSubject == "CN=stranger")
  }

  // MARK: - Names, in real certificates

  /// Whether a client that calls `name` takes a certificate with these names.
  private func accepts(
    _ name: String, _ request: CertificateRequest, _ rule: TLSConfiguration.NameRule = .sipDomain
  ) throws -> Bool {
    let leaf = try Lab.authority.issue(request, entropy: Entropy(seed: 20))
    let pair = TLSPair(client: try Lab.client(verification: .peer, nameRule: rule), server: try Lab.server(leaf), serverName: name)
    pair.handshake()
    return pair.clientOutputs.session != nil
  }

  @Test func `a sip URI counts before DNS names, and the common name only without either (RFC 5922 §7.1)`() throws {
    let both = CertificateRequest(commonName: "cn.example", sipDomains: ["uri.example"], dnsNames: ["dns.example"])
    #expect(try accepts("uri.example", both))
    #expect(try accepts("URI.Example", both))
    #expect(try !accepts("dns.example", both))
    #expect(try !accepts("cn.example", both))
    let dns = CertificateRequest(commonName: "cn.example", dnsNames: ["a.example", "b.example"])
    #expect(try accepts("b.example", dns))
    #expect(try !accepts("cn.example", dns))
    #expect(try accepts("cn.example", CertificateRequest(commonName: "cn.example")))
    #expect(try !accepts("cn.example", CertificateRequest(commonName: "cn.example", addresses: [.loopbackV4])))
  }

  @Test func `a wildcard matches nothing, unless the rule allows one label (RFC 5922 §7.2)`() throws {
    let wildcard = CertificateRequest(commonName: "x", dnsNames: ["*.example.org"])
    #expect(try !accepts("pbx.example.org", wildcard))
    #expect(try accepts("pbx.example.org", wildcard, .sipDomainWithWildcards))
    #expect(try !accepts("a.pbx.example.org", wildcard, .sipDomainWithWildcards))
    #expect(try !accepts("example.org", wildcard, .sipDomainWithWildcards))
    #expect(try !accepts("pbx.org", CertificateRequest(commonName: "x", dnsNames: ["*.org"]), .sipDomainWithWildcards))
  }

  @Test func `a target that is an address is compared with addresses`() throws {
    let addresses = [IPAddress("192.0.2.1"), IPAddress("2001:db8::1")].compactMap { $0 }
    let request = CertificateRequest(commonName: "192.0.2.9", addresses: addresses)
    #expect(try accepts("192.0.2.1", request))
    #expect(try accepts("2001:DB8::1", request))
    #expect(try !accepts("192.0.2.2", request))
    #expect(try accepts("192.0.2.7", CertificateRequest(commonName: "x", sipDomains: ["192.0.2.7"])))
    #expect(try !accepts("192.0.2.9", request))
  }

  @Test func `only sip URIs without a user are domain identities (RFC 5922 §7.1)`() {
    #expect(PeerIdentity.sipDomain(ofURI: "sip:example.com") == "example.com")
    #expect(PeerIdentity.sipDomain(ofURI: "SIP:example.com:5061;transport=tcp") == "example.com")
    #expect(PeerIdentity.sipDomain(ofURI: "sip:[2001:db8::1]:5061") == "[2001:db8::1]")
    for uri in ["sips:example.com", "sip:alice@example.com", "https://example.com", "sip:", "sip:;x", "", "sip:[2001"] {
      let domain = PeerIdentity.sipDomain(ofURI: uri)
      #expect(domain == nil || domain == "[2001]", "\(uri)")
    }
  }
}
