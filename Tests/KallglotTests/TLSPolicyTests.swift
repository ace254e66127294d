import KallglotPolicy
import SIPTransport
import SansIO
import SecureTransport
import Testing

@testable import Kallglot

/// What the policy makes of the endpoint's TLS.
@Suite struct TLSPolicyTests {
  private typealias Certificate = TLSConfiguration.NamedCertificate

  private let authority: LabAuthority
  private let identity: EndpointTLS

  init() throws {
    let authority = try LabAuthority(entropy: Entropy(seed: 1), epoch: .virtual)
    func certificate(_ name: String) throws -> Certificate {
      let leaf = try authority.issue(CertificateRequest(names: [name], addresses: []), entropy: Entropy(seed: 2).fork(name))
      return Certificate(chain: leaf.certificate, privateKey: leaf.privateKey)
    }
    self.authority = authority
    identity = EndpointTLS(
      certificate: try certificate("own.example"), known: ["one": try certificate("one.example"), "two": try certificate("two.example")],
      trustAnchors: authority.certificate)
  }

  @Test func `without keys TLS 1.2 and 1.3 are served with the endpoint's certificate, and no client is asked for one (8.7)`() throws {
    let server = try identity.server(Policy.TLS()).configuration
    #expect(server.minimumVersion == .tls12 && server.maximumVersion == .tls13)
    #expect(server.certificateChain == identity.certificate.chain && server.namedCertificates == [])
    #expect(server.clientCertificate == .off && server.verification == .none && server.nameRule == .sipDomain)
    let client = try identity.client(Policy.TLS()).configuration
    #expect(client.verification == .peer && client.trustAnchors == authority.certificate)
  }

  @Test func `the policy's first certificate is for those who ask for none of its names, and the client shows it too`() throws {
    var policy = Policy.TLS()
    policy.certificates = [.init(name: "two"), .init(name: "one")]
    let server = try identity.server(policy).configuration
    #expect(server.certificateChain == identity.known["two"]?.chain)
    #expect(server.namedCertificates == [identity.known["two"], identity.known["one"]])
    #expect(try identity.client(policy).configuration.certificateChain == identity.known["two"]?.chain)
  }

  @Test func `each key of the policy reaches the handshake`() throws {
    var policy = Policy.TLS()
    policy.versions = [.tls13]
    policy.wildcardNames = .oneLevel
    policy.clientCertificate = .init(.required, names: ["pbx.example"])
    let server = try identity.server(policy).configuration
    #expect(server.minimumVersion == .tls13 && server.maximumVersion == .tls13)
    #expect(server.nameRule == .sipDomainWithWildcards && server.verification == .peer)
    #expect(server.clientCertificate == .required && server.clientNames == ["pbx.example"])
    #expect(try identity.client(policy).configuration.nameRule == .sipDomainWithWildcards)
  }

  @Test func `a change that asks for a certificate which nobody has leaves TLS as it was, and says so`() throws {
    var configuration = KallglotEndpoint.Configuration(
      accounts: [Account(name: "acme", username: "acme", password: Secret("x"), policy: .standard)],
      listeners: [TransportListener(.tls, TransportAddress(.loopbackV4, port: 5_061))], mediaAddress: .loopbackV4)
    configuration.sendsMedia = false
    let endpoint = try KallglotEndpoint(configuration, identity: identity, entropy: Entropy(seed: 3), epoch: .virtual)
    var policy = Policy.standard
    policy.tls.certificates = [.init(name: "three")]
    var out = Outbox()
    endpoint.perform(.administer(.setPolicy(account: "acme", policy)), at: .zero, &out)
    let events = out.departures.compactMap { if case .event(let event) = $0 { event as? EndpointEvent } else { nil } }
    #expect(events == [.tlsKept(reason: "the certificate 'three' is missing")])
  }
}
