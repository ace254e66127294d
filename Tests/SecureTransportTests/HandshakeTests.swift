import SansIO
import Testing

@testable import SecureTransport

@Suite struct HandshakeTests {
  @Test(arguments: [TLSVersion.tls12, .tls13], [1, 7, 1_000, Int.max])
  func `both ends agree and data goes both ways, however the wire cuts it`(version: TLSVersion, chunk: Int) throws {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server(versions: version...version), chunk: chunk)
    pair.handshake()
    let session = try #require(pair.clientOutputs.session)
    #expect(session.version == version)
    #expect(session.serverName == Lab.name)
    #expect(session.peerSubject == "CN=pbx.example")
    #expect(pair.serverOutputs.session == TLSSession(version: version, cipher: session.cipher, serverName: Lab.name, peerSubject: nil))
    pair.clientSends("OPTIONS sip:pbx.example SIP/2.0\r\n\r\n")
    pair.serverSends(String(repeating: "x", count: 40_000))
    #expect(pair.serverOutputs.plaintext == "OPTIONS sip:pbx.example SIP/2.0\r\n\r\n")
    #expect(pair.clientOutputs.plaintext == String(repeating: "x", count: 40_000))
  }

  @Test func `the handshake's bytes are told apart from data`() throws {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server(versions: .tls12 ... .tls12))
    pair.handshake()
    pair.clientSends("a")
    #expect(pair.clientOutputs.kinds == ["handshake", "secret", "handshake", "established", "ciphertext"])
    #expect(pair.serverOutputs.kinds == ["handshake", "secret", "handshake", "established", "plaintext"])
  }

  @Test func `TLS 1.2 logs CLIENT_RANDOM before the first ciphertext that needs it`() throws {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server(versions: .tls12 ... .tls12))
    pair.handshake()
    #expect(pair.clientOutputs.secretKinds == ["CLIENT_RANDOM"])
    #expect(pair.serverOutputs.secretKinds == ["CLIENT_RANDOM"])
  }

  @Test func `TLS 1.3 logs five secrets, those of the handshake before the server's first flight (RFC 8446 §7.1)`() throws {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server())
    pair.handshake()
    let labels = [
      "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "EXPORTER_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
      "SERVER_TRAFFIC_SECRET_0",
    ]
    #expect(pair.serverOutputs.secretKinds.sorted() == labels)
    #expect(pair.clientOutputs.secretKinds.sorted() == labels)
    #expect(pair.serverOutputs.kinds.prefix(2) == ["secret", "handshake"])
    #expect(Set(pair.serverOutputs.secrets) == Set(pair.clientOutputs.secrets))
  }

  @Test func `what is sent before the handshake's end follows it`() throws {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server())
    #expect(pair.client.send("early", at: .zero) == [])
    pair.handshake()
    #expect(pair.serverOutputs.plaintext == "early")
    #expect(pair.clientOutputs.kinds.suffix(2) == ["established", "ciphertext"])
  }

  @Test func `early plaintext is bounded`() throws {
    let connection = TLSConnection(try Lab.client(), serverName: nil, entropy: Entropy(seed: 1), epoch: .virtual)
    _ = connection.start(at: .zero)
    let half = Bytes([UInt8](repeating: 0, count: TLSConnection.earlyPlaintextLimit / 2))
    #expect(connection.send(half, at: .zero) == [])
    #expect(connection.send(half, at: .zero) == [])
    #expect(connection.send("a", at: .zero).failure?.reason == .tooMuchEarlyPlaintext)
    #expect(connection.send("a", at: .zero) == [])
  }

  @Test func `an address is not asked for as a server name (RFC 6066 §3)`() throws {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server(), serverName: "192.0.2.1")
    pair.handshake()
    #expect(pair.serverOutputs.session?.serverName == nil)
    #expect(pair.clientOutputs.session?.serverName == nil)
  }

  @Test func `a server name that no ClientHello can carry is a failure`() throws {
    let name = String(repeating: "a", count: 300)
    let connection = TLSConnection(try Lab.client(), serverName: name, entropy: Entropy(seed: 1), epoch: .virtual)
    #expect(connection.start(at: .zero).failure?.reason == .internalError)
  }

  @Test(arguments: [TLSVersion.tls10, .tls11])
  func `versions below 1.2 can be played against a peer that has them`(version: TLSVersion) throws {
    let pair = TLSPair(client: try Lab.client(versions: version...version), server: try Lab.server(versions: .tls10 ... .tls13))
    pair.handshake()
    #expect(pair.clientOutputs.session?.version == version)
    pair.clientSends("old")
    #expect(pair.serverOutputs.plaintext == "old")
  }

  @Test(arguments: [TLSVersion.tls10, .tls11])
  func `a client without TLS 1.2 is refused with protocol_version (RFC 8996, RFC 8446 §4.2.1)`(version: TLSVersion) throws {
    let pair = TLSPair(client: try Lab.client(versions: version...version), server: try Lab.server())
    pair.handshake()
    let refusal = try #require(pair.serverOutputs.failure)
    #expect(refusal == TLSFailure(.noCommonVersion, endedBy: .local, alert: .protocolVersion, text: "unsupported protocol"))
    #expect(refusal.description == "we refused the peer: unsupported protocol; sent alert protocol_version (70)")
    #expect(pair.serverOutputs.kinds == ["handshake", "failed"])
    #expect(pair.serverOutputs.ciphertext == [0x15, 3, UInt8(version.rawValue & 0xFF), 0, 2, 2, 70])
    #expect(
      pair.clientOutputs.failure
        == TLSFailure(.refusedByPeer, endedBy: .peer, alert: .protocolVersion, text: "tlsv1 alert protocol version"))
  }

  @Test func `a client with weak suites only is refused with handshake_failure`() throws {
    let client = try Lab.client(versions: .tls12 ... .tls12, cipherList: "AECDH-AES128-SHA:@SECLEVEL=0")
    let pair = TLSPair(client: client, server: try Lab.server())
    pair.handshake()
    #expect(pair.serverOutputs.failure?.reason == .noCommonCipher)
    #expect(pair.serverOutputs.failure?.alert == .handshakeFailure)
    #expect(pair.clientOutputs.failure?.alert == .handshakeFailure)
  }
}
