import SansIO
import Testing

@testable import SecureTransport

@Suite struct ClosingTests {
  private func established(_ version: TLSVersion = .tls13) throws -> TLSPair {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server(versions: version...version))
    pair.handshake()
    return pair
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `close_notify is told, and answered by the peer's own close (RFC 8446 §6.1)`(version: TLSVersion) throws {
    let pair = try established(version)
    pair.clientCloses()
    #expect(pair.serverOutputs.last == .closedByPeer)
    pair.serverSends("last words")
    #expect(pair.clientOutputs.plaintext == "last words")
    pair.serverCloses()
    #expect(pair.clientOutputs.last == .closedByPeer)
    #expect(pair.clientOutputs.failure == nil && pair.serverOutputs.failure == nil)
    #expect(pair.client.endOfStream(at: .zero) == [])
    #expect(pair.server.endOfStream(at: .zero) == [])
  }

  @Test func `nothing is sent after our close`() throws {
    let pair = try established()
    pair.clientCloses()
    #expect(pair.client.send("late", at: .zero) == [])
    #expect(pair.client.close(at: .zero) == [])
  }

  @Test func `a close right after the handshake survives the tickets that are still under way`() throws {
    let client = TLSConnection(try Lab.client(), serverName: nil, entropy: Entropy(seed: 1), epoch: .virtual)
    let server = TLSConnection(try Lab.server(), serverName: nil, entropy: Entropy(seed: 2), epoch: .virtual)
    _ = server.start(at: .zero)
    let flight = server.receive(Bytes(client.start(at: .zero).ciphertext), at: .zero)
    let finished = client.receive(Bytes(flight.ciphertext), at: .zero)
    #expect(finished.session != nil)
    let closing = client.close(at: .zero)
    let tickets = server.receive(Bytes(finished.ciphertext + closing.ciphertext), at: .zero)
    #expect(tickets.kinds.suffix(3) == ["handshake", "established", "closed by peer"])
    #expect(client.receive(Bytes(tickets.ciphertext + server.close(at: .zero).ciphertext), at: .zero) == [.closedByPeer])
  }

  @Test func `a stream that ends without close_notify was cut off (RFC 8446 §6.1)`() throws {
    let pair = try established()
    let failure = try #require(pair.server.endOfStream(at: .zero).failure)
    #expect(failure.reason == .truncated)
    #expect(failure.endedBy == .peer)
    #expect(failure.description == "the peer closed the stream without close_notify")
    #expect(pair.server.receive("anything", at: .zero) == [])
    #expect(pair.server.endOfStream(at: .zero) == [])
  }

  @Test func `a stream that ends in the handshake is told as that`() throws {
    let connection = TLSConnection(try Lab.client(), serverName: nil, entropy: Entropy(seed: 1), epoch: .virtual)
    _ = connection.start(at: .zero)
    #expect(connection.endOfStream(at: .zero).failure?.text == "the peer closed the stream during the handshake")
  }

  @Test func `after our close_notify the end of the stream is no failure`() throws {
    let pair = try established()
    _ = pair.client.close(at: .zero)
    #expect(pair.client.endOfStream(at: .zero) == [])
  }

  @Test func `a handshake can be given up`() throws {
    let connection = TLSConnection(try Lab.client(), serverName: nil, entropy: Entropy(seed: 1), epoch: .virtual)
    _ = connection.start(at: .zero)
    #expect(connection.close(at: .zero) == [])
    #expect(connection.receive("anything", at: .zero) == [])
  }
}
