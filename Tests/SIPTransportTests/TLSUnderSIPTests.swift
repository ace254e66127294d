import SIPMessage
import SansIO
import SecureTransport
import Testing

@testable import SIPTransport

/// A layer that serves TLS, and a bare TLS client that talks to one of its connections.
private final class TLSBench {
  static let here = IPAddress(v4: 0xC633_640A)
  private let authority: LabAuthority
  let layer: SIPTransportLayer
  private(set) var events: [SIPTransportLayer.Event] = []
  private(set) var closed: [ConnectionID] = []

  init() throws {
    authority = try LabAuthority(entropy: Entropy(seed: 3), epoch: .virtual)
    layer = SIPTransportLayer(
      listeners: [TransportListener(.tls, .init(Self.here, port: 5_061))], serverTLS: try Self.context(authority, "old"), clientTLS: nil,
      entropy: Entropy(seed: 4), epoch: .virtual)
  }

  private static func context(_ authority: LabAuthority, _ name: String) throws -> TLSContext {
    var request = CertificateRequest(names: ["sip.kallglot.com"], addresses: [])
    request.commonName = name
    let leaf = try authority.issue(request, entropy: Entropy(seed: 5).fork(name))
    return try TLSContext(TLSConfiguration(role: .server, certificateChain: leaf.certificate, privateKey: leaf.privateKey))
  }

  func rotate(to name: String) throws {
    layer.use(
      serverTLS: try Self.context(authority, name), clientTLS: try TLSContext(TLSConfiguration(role: .client)))
  }

  /// A client whose handshake is over.
  func connect(_ number: UInt32) throws -> (id: ConnectionID, tls: TLSConnection) {
    let (id, client) = accept(
      number, try TLSContext(TLSConfiguration(role: .client, trustAnchors: authority.certificate, verification: .peer)))
    _ = exchange(id, client, client.start(at: .zero))
    return (id, client)
  }

  /// A client that has not begun.
  func accept(_ number: UInt32, _ context: TLSContext) -> (id: ConnectionID, tls: TLSConnection) {
    let client = TLSConnection(context, serverName: "sip.kallglot.com", entropy: Entropy(seed: 6).fork("\(number)"), epoch: .virtual)
    let id = ConnectionID(number)
    var out = Outbox()
    layer.receive(
      .accepted(id, PortID(1), local: .init(Self.here, port: 5_061), remote: .init(IPAddress(v4: 0xC000_0214), port: 40_000)),
      at: .zero, &out, &events)
    return (id, client)
  }

  /// The peer's FIN.
  func end(_ id: ConnectionID) {
    var out = Outbox()
    layer.receive(.ended(id), at: .zero, &out, &events)
  }

  /// Carries what the client says to the layer and back; what the client reads of it.
  func exchange(_ id: ConnectionID, _ client: TLSConnection, _ first: [TLSConnection.Output]) -> [TLSConnection.Output] {
    var said: [TLSConnection.Output] = []
    var waiting = first
    while !waiting.isEmpty {
      said += waiting
      var out = Outbox()
      for case .ciphertext(let bytes, _) in waiting { layer.receive(.bytes(id, bytes), at: .zero, &out, &events) }
      waiting = take(out, client)
    }
    return said
  }

  func take(_ out: Outbox, _ client: TLSConnection) -> [TLSConnection.Output] {
    out.departures.flatMap { departure -> [TLSConnection.Output] in
      if case .close(let id, _) = departure { closed.append(id) }
      guard case .bytes(_, let bytes, _) = departure else { return [] }
      return client.receive(bytes, at: .zero)
    }
  }

  var messages: [SIPMessage] { events.compactMap { if case .message(let inbound) = $0 { inbound.message } else { nil } } }

  /// Answers the last request on its connection.
  func answer(_ client: TLSConnection) -> [TLSConnection.Output] {
    guard case .message(let inbound)? = events.last(where: { if case .message = $0 { true } else { false } }) else { return [] }
    var out = Outbox()
    layer.send("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", on: inbound.flow, Label(.raw), at: .zero, &out, &events)
    return take(out, client)
  }

  func wake(_ client: TLSConnection) -> [TLSConnection.Output] {
    var out = Outbox()
    layer.wake(at: .zero, &out, &events)
    return take(out, client)
  }
}

@Suite struct TLSUnderSIPTests {
  private let options = Bytes(
    """
    OPTIONS sip:a SIP/2.0\r
    Via: SIP/2.0/TLS 192.0.2.20;branch=z9hG4bK1\r
    From: <sip:a@192.0.2.20>;tag=1\r
    To: <sip:a>\r
    Call-ID: 1\r
    CSeq: 1 OPTIONS\r
    Content-Length: 0\r
    \r

    """)

  private func text(_ outputs: [TLSConnection.Output]) -> String {
    outputs.map { if case .plaintext(let bytes) = $0 { bytes.text } else { "" } }.joined()
  }

  private func isClosed(_ outputs: [TLSConnection.Output]) -> Bool {
    outputs.contains { if case .closedByPeer = $0 { true } else { false } }
  }

  @Test func `a request before the peer's close_notify is answered on the connection, which then ends by ours (RFC 8446 §6.1)`() throws {
    let bench = try TLSBench()
    let (id, client) = try bench.connect(1)
    // Half-closed: the client writes no more, and still reads.
    _ = bench.exchange(id, client, client.send(options, at: .zero) + client.close(at: .zero))
    #expect(bench.messages.map { $0.method } == [.options])
    #expect(text(bench.answer(client)) == "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")
    #expect(bench.closed == [])
    #expect(isClosed(bench.wake(client)))
    #expect(bench.closed == [id])
    #expect(!bench.layer.owns(.bytes(id, options)))
  }

  @Test func `a refused handshake is reported with its reason, also when the peer closes first`() throws {
    let bench = try TLSBench()
    let context = try TLSContext(TLSConfiguration(role: .client, minimumVersion: .tls10, maximumVersion: .tls11))
    let (id, client) = bench.accept(1, context)
    _ = bench.exchange(id, client, client.start(at: .zero))
    bench.end(id)
    let reasons = bench.events.compactMap { if case .flowFailed(_, let failure) = $0 { "\(failure)" } else { nil } }
    #expect(reasons == ["we refused the peer: unsupported protocol; sent alert protocol_version (70)"])
    #expect(bench.layer.nextDeadline == nil)
  }

  @Test func `a connection goes on under its certificate when another is set, and the next one is shown that`() throws {
    let bench = try TLSBench()
    let (first, old) = try bench.connect(1)
    #expect(old.session?.peerSubject == "CN=old")
    try bench.rotate(to: "new")
    let (second, new) = try bench.connect(3)
    #expect(new.session?.peerSubject == "CN=new")
    for (id, client) in [(first, old), (second, new)] {
      _ = bench.exchange(id, client, client.send(options, at: .zero))
      #expect(text(bench.answer(client)).hasPrefix("SIP/2.0 200"))
    }
    #expect(bench.messages.count == 2)
  }
}
