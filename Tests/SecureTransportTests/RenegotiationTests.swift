import SansIO
import Testing

@testable import SecureTransport

/// A new handshake within a connection of TLS 1.2: what is sent by it is never sure to be the same peer's (RFC 5746 §1).
@Suite struct RenegotiationTests {
  private func eager(_ role: TLSConfiguration.Role, _ versions: ClosedRange<TLSVersion> = .tls12 ... .tls12) throws -> TLSContext {
    var configuration = TLSConfiguration(
      role: role, certificateChain: Lab.leaf.certificate, privateKey: Lab.leaf.privateKey, trustAnchors: Lab.authority.certificate,
      minimumVersion: versions.lowerBound, maximumVersion: versions.upperBound)
    configuration.allowsRenegotiation = true
    return try TLSContext(configuration)
  }

  @Test func `a client that begins one gets no_renegotiation, and the server goes on (RFC 5246 §7.2.2)`() throws {
    let pair = TLSPair(client: try eager(.client), server: try Lab.server(versions: .tls12 ... .tls12))
    pair.handshake()
    let hello = try #require(pair.client.renegotiate(at: pair.now))
    let answer = pair.server.receive(Bytes(hello.ciphertext), at: pair.now)
    #expect(answer.failure == nil && !answer.ciphertext.isEmpty, "a warning, no end")
    let end = pair.client.receive(Bytes(answer.ciphertext), at: pair.now)
    #expect(end.failure != nil, "OpenSSL's client gives up")
    #expect(!pair.server.send(Bytes("still here"), at: pair.now).ciphertext.isEmpty)
  }

  @Test func `a server that asks for one gets no_renegotiation (RFC 5246 §7.4.1.1)`() throws {
    let pair = TLSPair(client: try Lab.client(versions: .tls12 ... .tls12), server: try eager(.server))
    pair.handshake()
    let request = try #require(pair.server.renegotiate(at: pair.now))
    let answer = pair.client.receive(Bytes(request.ciphertext), at: pair.now)
    #expect(answer.failure == nil && !answer.ciphertext.isEmpty)
    #expect(!pair.client.send(Bytes("still here"), at: pair.now).ciphertext.isEmpty)
  }

  @Test func `TLS 1.3 has none, and who does not allow it cannot begin one (RFC 8446 §4.1.2)`() throws {
    let newer = TLSPair(client: try eager(.client, .tls13 ... .tls13), server: try Lab.server())
    newer.handshake()
    #expect(newer.client.session?.version == .tls13 && newer.client.renegotiate(at: newer.now) == nil)
    let usual = TLSPair(client: try Lab.client(versions: .tls12 ... .tls12), server: try Lab.server())
    #expect(usual.client.renegotiate(at: usual.now) == nil, "not before its handshake")
    usual.handshake()
    #expect(usual.client.renegotiate(at: usual.now) == nil)
  }
}
