import SansIO
import Testing

@testable import SecureTransport

@Suite struct ResumptionTests {
  private func connection(_ client: TLSContext, _ server: TLSContext, _ ticket: TLSTicket?) -> TLSPair {
    TLSPair(client: client, server: server, resuming: ticket)
  }

  private func client(_ version: TLSVersion) throws -> TLSContext { try Lab.client(versions: version...version, verification: .peer) }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a session is resumed by its ticket, without certificates (RFC 8446 §2.2, RFC 5077 §3.1)`(version: TLSVersion) throws {
    let (client, server) = (try client(version), try Lab.server())
    let first = connection(client, server, nil)
    first.handshake()
    let ticket = try #require(first.client.ticket)
    #expect(first.clientOutputs.session?.isResumed == false)
    let second = connection(client, server, ticket)
    second.handshake()
    #expect(second.clientOutputs.session?.isResumed == true)
    #expect(second.serverOutputs.session?.isResumed == true)
    #expect(second.serverOutputs.ciphertext.count < first.serverOutputs.ciphertext.count)
    second.clientSends("hello")
    #expect(second.serverOutputs.plaintext == "hello")
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a session of an earlier certificate is not resumed: the new certificate is shown`(version: TLSVersion) throws {
    let client = try client(version)
    let first = connection(client, try Lab.server(), nil)
    first.handshake()
    let renewed = try Lab.authority.issue(CertificateRequest(names: [Lab.name], addresses: []), entropy: Entropy(seed: 50))
    let second = connection(client, try Lab.server(renewed), try #require(first.client.ticket))
    second.handshake()
    #expect(second.clientOutputs.session?.isResumed == false)
    #expect(second.clientOutputs.session?.peerSubject == "CN=pbx.example")
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a session without proof of the client is not resumed where one is required`(version: TLSVersion) throws {
    let client = try client(version)
    let first = connection(client, try Lab.server(), nil)
    first.handshake()
    let strict = try Lab.server(verification: .peer, clientCertificate: .required)
    let second = connection(client, strict, try #require(first.client.ticket))
    second.handshake()
    #expect(second.serverOutputs.failure?.reason == .certificateMissing)
  }

  @Test func `a ticket shows nothing of the secret that it holds`() throws {
    let pair = connection(try client(.tls12), try Lab.server(), nil)
    pair.handshake()
    let ticket = try #require(pair.client.ticket)
    var text = ""
    dump(ticket, to: &text)
    #expect("\(ticket)" == "(TLS ticket)" && text.contains("(TLS ticket)") && text.count < 40)
  }
}
