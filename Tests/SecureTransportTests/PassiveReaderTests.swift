import SansIO
import Testing

@testable import SecureTransport

/// A capture's reader beside the two ends of a real handshake: with their secrets it reads what they read.
@Suite struct PassiveReaderTests {
  /// Both ends talk; the reader gets their ciphertext and secrets, cut into pieces.
  private func read(
    versions: ClosedRange<TLSVersion>, cipherList: String? = nil, chunk: Int = .max, withSecrets: Bool = true
  ) throws -> [TLSPassiveReader.Output] {
    let pair = TLSPair(
      client: try Lab.client(versions: versions, cipherList: cipherList), server: try Lab.server(versions: versions, cipherList: cipherList),
      chunk: chunk)
    pair.handshake()
    pair.clientSends("INVITE sip:a@b SIP/2.0\r\n\r\n")
    pair.serverSends("SIP/2.0 100 Trying\r\n\r\n")
    pair.clientSends(String(repeating: "x", count: 40_000))
    pair.clientCloses()
    var log = TLSKeyLog()
    if withSecrets {
      for case .secret(let line) in pair.clientOutputs + pair.serverOutputs { log.add(Bytes(line.line + "\n")) }
    }
    return Self.read(pair, log)
  }

  /// The two streams in the order of a capture: hello, the server's flight, then the rest.
  private static func read(_ pair: TLSPair, _ log: TLSKeyLog) -> [TLSPassiveReader.Output] {
    var reader = TLSPassiveReader()
    let (client, server) = (pair.clientOutputs.ciphertext, pair.serverOutputs.ciphertext)
    let hello = 5 + Int(client[3]) << 8 + Int(client[4])
    var outputs = reader.take(Bytes(Array(client.prefix(hello))), from: .client, log)
    for start in stride(from: 0, to: server.count, by: 700) {
      outputs += reader.take(Bytes(Array(server[start..<min(start + 700, server.count)])), from: .server, log)
    }
    for start in stride(from: hello, to: client.count, by: 1_460) {
      outputs += reader.take(Bytes(Array(client[start..<min(start + 1_460, client.count)])), from: .client, log)
    }
    return outputs
  }

  private func text(_ outputs: [TLSPassiveReader.Output], _ side: TLSPassiveReader.Side) -> String {
    String(
      decoding: outputs.flatMap { if case .plaintext(let bytes, side) = $0 { bytes.array } else { [UInt8]() } }, as: UTF8.self)
  }

  @Test(arguments: [TLSVersion.tls12 ... .tls12, .tls13 ... .tls13])
  func `with the secrets of the capture both sides can be read (RFC 5246 §6.3, RFC 8446 §7.3)`(versions: ClosedRange<TLSVersion>) throws {
    let outputs = try read(versions: versions)
    #expect(outputs.first == .clientHello(serverName: Lab.name))
    #expect(text(outputs, .client) == "INVITE sip:a@b SIP/2.0\r\n\r\n" + String(repeating: "x", count: 40_000))
    #expect(text(outputs, .server) == "SIP/2.0 100 Trying\r\n\r\n")
    #expect(outputs.contains(.alert(level: 1, description: 0, .client)), "the close_notify")
    #expect(!outputs.contains { if case .blind = $0 { true } else { false } })
  }

  @Test(arguments: [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384",
  ])
  func `every suite of TLS 1.2 that PBXes use is read, CBC with its MAC after or before (RFC 5246 §6.2.3, RFC 7366)`(suite: String) throws {
    let outputs = try read(versions: .tls12 ... .tls12, cipherList: suite)
    #expect(text(outputs, .server) == "SIP/2.0 100 Trying\r\n\r\n")
    #expect(text(outputs, .client).hasPrefix("INVITE"))
  }

  @Test(arguments: [TLSVersion.tls12 ... .tls12, .tls13 ... .tls13])
  func `without secrets the reader says so once a side, and counts what it could not read`(versions: ClosedRange<TLSVersion>) throws {
    let outputs = try read(versions: versions, withSecrets: false)
    let reasons = outputs.compactMap { if case .blind(_, let reason) = $0 { reason } else { nil } }
    #expect(reasons == ["the capture has no secrets for it", "the capture has no secrets for it"])
    let unread = outputs.reduce(0) { if case .unread(let count, .client) = $1 { $0 + count } else { $0 } }
    #expect(unread > 40_000)
  }

  @Test func `bytes that are no TLS, and streams cut or garbled anywhere, never break the reader`() throws {
    let pair = TLSPair(client: try Lab.client(), server: try Lab.server())
    pair.handshake()
    pair.serverSends("SIP/2.0 200 OK\r\n\r\n")
    var log = TLSKeyLog()
    for case .secret(let line) in pair.clientOutputs { log.add(Bytes(line.line)) }
    let (client, server) = (pair.clientOutputs.ciphertext, pair.serverOutputs.ciphertext)
    var generator = SeededGenerator(seed: 5)
    for round in 0..<300 {
      var (first, second) = (client, server)
      for _ in 0..<4 {
        first[Int.random(in: 0..<first.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        second[Int.random(in: 0..<second.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      var reader = TLSPassiveReader()
      _ = reader.take(Bytes(Array(first.prefix(round * 7))), from: .client, log)
      _ = reader.take(Bytes(second), from: .server, log)
      _ = reader.take(Bytes(Array(first.dropFirst(round * 7))), from: .client, log)
      _ = reader.lost(from: .server)
    }
    var reader = TLSPassiveReader()
    let outputs = reader.take(Bytes("INVITE sip:a@b SIP/2.0\r\n\r\n"), from: .client, log)
    #expect(outputs == [.blind(.client, reason: "these bytes are no TLS record"), .unread(26, .client)])
  }
}
