import SansIO
import Testing

@testable import SecureTransport

@Suite struct GarbageTests {
  private func server() throws -> TLSConnection {
    let connection = TLSConnection(try Lab.server(), serverName: nil, entropy: Entropy(seed: 1), epoch: .virtual)
    _ = connection.start(at: .zero)
    return connection
  }

  @Test(arguments: ["OPTIONS sip:pbx.example SIP/2.0\r\n", "GET / HTTP/1.1\r\n", "CONNECT x:1 HTTP/1.1\r\n", "\r\n\r\n\r\n"])
  func `plain text is told as no TLS`(text: String) throws {
    let failure = try #require(try server().receive(Bytes(text), at: .zero).failure)
    #expect(failure.reason == .notTLS)
    #expect(failure.endedBy == .local)
  }

  @Test func `a client that is answered in plain SIP says so`() throws {
    let client = TLSConnection(try Lab.client(), serverName: nil, entropy: Entropy(seed: 1), epoch: .virtual)
    _ = client.start(at: .zero)
    let failure = client.receive("SIP/2.0 400 Bad Request\r\n\r\n", at: .zero).failure
    #expect(failure == TLSFailure(.notTLS, endedBy: .local, text: "wrong version number"))
  }

  @Test func `noise never crashes and never establishes`() throws {
    var noise = Entropy(seed: 5)
    let context = try Lab.server()
    for round in 0..<300 {
      let connection = TLSConnection(context, serverName: nil, entropy: Entropy(seed: 1), epoch: .virtual)
      _ = connection.start(at: .zero)
      var bytes = noise.bytes(Int(noise.next() % 600))
      // Half of it looks like a handshake record, so that it gets past the first check.
      if round.isMultiple(of: 2) { bytes = [22, 3, 1, 0, UInt8(clamping: bytes.count), 1] + bytes }
      let outputs = connection.receive(Bytes(bytes), at: .zero) + connection.endOfStream(at: .zero)
      #expect(outputs.session == nil)
      #expect(outputs.failure != nil)
    }
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a changed byte in any place of the handshake fails cleanly at one end at least`(version: TLSVersion) throws {
    let client = try Lab.client(versions: version...version, verification: .chain)
    let server = try Lab.server(versions: version...version)
    let flight = {
      let connection = TLSConnection(client, serverName: Lab.name, entropy: Entropy(seed: 1), epoch: .virtual)
      return (connection, connection.start(at: .zero).ciphertext)
    }
    let length = flight().1.count
    for place in stride(from: 0, to: length, by: 7) {
      let peer = TLSConnection(server, serverName: nil, entropy: Entropy(seed: 2), epoch: .virtual)
      _ = peer.start(at: .zero)
      var (connection, hello) = flight()
      hello[place] ^= 0x55
      let answer = peer.receive(Bytes(hello), at: .zero)
      let reply = connection.receive(Bytes(answer.ciphertext), at: .zero)
      let end = peer.receive(Bytes(reply.ciphertext), at: .zero)
      // The transcript differs, so no pair of ends is left established; an end may still wait for more bytes.
      #expect(!(end.session != nil && answer.failure == nil && reply.failure == nil), "byte \(place)")
    }
  }

  @Test func `a changed byte in a record is a bad_record_mac (RFC 8446 §5.2)`() throws {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server())
    pair.handshake()
    var record = pair.client.send("hello", at: .zero).ciphertext
    record[record.count - 1] ^= 1
    let outputs = pair.server.receive(Bytes(record), at: .zero)
    #expect(outputs.kinds == ["ciphertext", "failed"])
    #expect(outputs.failure?.reason == .protocolViolation)
    #expect(outputs.failure?.alert == .badRecordMAC)
    let told = pair.client.receive(Bytes(outputs.ciphertext), at: .zero).failure
    #expect(told?.reason == .refusedByPeer)
    #expect(told?.alert == .badRecordMAC)
    #expect(told?.description == "the peer refused us with alert bad_record_mac (20): sslv3 alert bad record mac")
  }

  @Test func `a record longer than allowed is refused without waiting for it (RFC 8446 §5.1)`() throws {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server())
    pair.handshake()
    let outputs = pair.server.receive([23, 3, 3, 0xFF, 0xFF], at: .zero)
    #expect(outputs.failure?.alert == .recordOverflow)
  }
}
