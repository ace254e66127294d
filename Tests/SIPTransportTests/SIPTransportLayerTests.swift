import LabBench
import SIPComposition
import SIPMessage
import SIPTransport
import SansIO
import SecureTransport
import Testing

@testable import SIPTransport

@Suite struct SIPTransportLayerTests {
  private let here = IPAddress(v4: 0xC633_640A)
  private let peer = TransportAddress(IPAddress(v4: 0xC000_0214), port: 40_000)
  private let options = Bytes(SIPText.message("OPTIONS sip:a SIP/2.0", ["CSeq: 1 OPTIONS"]))

  private func layer(_ transports: [SIPTransportProtocol]) -> SIPTransportLayer {
    SIPTransportLayer(
      listeners: transports.map { TransportListener($0, TransportAddress(here, port: $0.defaultPort)) }, serverTLS: nil, clientTLS: nil,
      entropy: Entropy(seed: 1), epoch: .virtual)
  }

  private func names(_ events: [SIPTransportLayer.Event]) -> [String] {
    events.map { event in
      switch event {
      case .sendFailed(_, _, let flow, let error): "not sent to \(flow): \(error.name)"
      case .unreachable(let flow, let error, isNew: let isNew): "unreachable \(flow): \(error.name)\(isNew ? "" : " again")"
      case .socketFailed(let failure): "\(failure)"
      case .acceptsAgain(let listener): "accepts again \(listener)"
      case .listening(let listener): "listening \(listener)"
      case .listenFailed(let listener, let failure): "failed \(listener) \(failure)"
      case .message(let message): "\(message) from \(message.flow)"
      case .malformed(let error, _, _): "malformed: \(error)"
      case .rejected(_, let status, _): "answered \(status)"
      case .accepted(let flow): "accepted \(flow)"
      case .flowOpened: "opened"
      case .flowFailed(_, let failure): "lost: \(failure)"
      case .keepAlive: "keep-alive"
      }
    }
  }

  private func receive(_ layer: SIPTransportLayer, _ arrivals: Arrival..., out: inout Outbox) -> [String] {
    var events: [SIPTransportLayer.Event] = []
    for arrival in arrivals { layer.receive(arrival, at: .zero, &out, &events) }
    return names(events)
  }

  private func wake(_ layer: SIPTransportLayer, _ out: inout Outbox) -> [String] {
    var events: [SIPTransportLayer.Event] = []
    layer.wake(at: .zero, &out, &events)
    return names(events)
  }

  /// What is done to a connection, in order.
  private func acts(_ out: Outbox, on id: ConnectionID) -> [String] {
    out.departures.compactMap { departure in
      switch departure {
      case .bytes(id, let bytes, _): bytes.text.split(separator: "\r\n").first.map(String.init)
      case .close(id, let mode): "close \(mode)"
      default: nil
      }
    }
  }

  @Test func `what was read before bad bytes is answered on its connection, which closes behind the answers (RFC 3261 §18.2.2)`() throws {
    let layer = layer([.tcp])
    var out = Outbox()
    var events: [SIPTransportLayer.Event] = []
    let id = ConnectionID(1)
    layer.receive(.accepted(id, PortID(1), local: .init(here, port: 5060), remote: peer), at: .zero, &out, &events)
    let bad = "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n\r\n"
    layer.receive(.bytes(id, Bytes(options.text + bad + options.text)), at: .zero, &out, &events)
    guard case .message(let request)? = events.dropFirst().first else {
      Issue.record("the good request did not come up: \(names(events))")
      return
    }
    #expect(names(Array(events.dropFirst(2))) == ["malformed: \(SIPParseError.contentLengthMissing)"])
    #expect(layer.isUsable(request.flow) && layer.nextDeadline == .zero)
    layer.send(
      Spelling.plain.response(ResponseDraft(200), to: request.message, from: request.flow.remote), on: request.flow, .none, at: .zero, &out,
      &events)
    #expect(wake(layer, &out) == ["answered 400", "lost: \(FlowFailure.unreadable("\(SIPParseError.contentLengthMissing)"))"])
    #expect(acts(out, on: id) == ["SIP/2.0 200 OK", "SIP/2.0 400 Bad Request", "close orderly"])
    #expect(layer.nextDeadline == nil && !layer.isUsable(request.flow))
  }

  @Test func `a bad message with a length is answered on a connection that goes on, as it is over UDP (RFC 3261 §18.3)`() {
    let bad = Bytes(SIPText.message("OPTIONS sip:b  SIP/2.0", ["Via: SIP/2.0/TCP h;branch=z9hG4bK1;rport"]))
    let stream = layer([.tcp])
    var out = Outbox()
    let id = ConnectionID(1)
    let events = receive(
      stream, .accepted(id, PortID(1), local: .init(here, port: 5060), remote: peer), .bytes(id, bad), .bytes(id, options), out: &out)
    let named = "malformed: \(SIPParseError.requestLineSpacing)"
    #expect(events == ["accepted TCP 192.0.2.20:40000", named, "answered 400", "OPTIONS sip:a from TCP 192.0.2.20:40000"])
    #expect(acts(out, on: id) == ["SIP/2.0 400 Bad Request"])
    #expect(wake(stream, &out) == [])
    let datagrams = layer([.udp])
    var sent = Outbox()
    #expect(receive(datagrams, .datagram(PortID(1), from: peer, bad), out: &sent) == [named, "answered 400"])
    guard case .datagram(_, to: peer, let answer, _)? = sent.departures.last else {
      Issue.record("no answer over UDP")
      return
    }
    #expect(answer.text.hasPrefix("SIP/2.0 400 Bad Request\r\n"))
  }

  @Test func `listeners are bound in their order and told with their real address`() {
    let layer = layer([.udp, .tcp])
    var out = Outbox()
    var events: [SIPTransportLayer.Event] = []
    layer.start(at: .zero, &out, &events)
    #expect(out.departures.count == 2)
    let real = TransportAddress(here, port: 5080)
    #expect(receive(layer, .bound(PortID(2), real), out: &out) == ["listening TCP 198.51.100.10:5080"])
    #expect(
      layer.viaSentBy(for: Flow(transport: .tcp, local: .init(here, port: 33_333), remote: peer, path: .connection(.init(2))))
        == "198.51.100.10:5080")
  }

  @Test func `a datagram is a message, a keep-alive or named garbage`() {
    let layer = layer([.udp])
    var out = Outbox()
    #expect(receive(layer, .datagram(PortID(1), from: peer, options), out: &out) == ["OPTIONS sip:a from UDP 192.0.2.20:40000"])
    #expect(receive(layer, .datagram(PortID(1), from: peer, "\r\n\r\n"), out: &out) == ["keep-alive"])
    #expect(receive(layer, .datagram(PortID(1), from: peer, [0, 0, 0, 0]), out: &out) == ["keep-alive"])
    let binding: Bytes = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    #expect(receive(layer, .datagram(PortID(1), from: peer, binding), out: &out) == ["keep-alive"])
    #expect(receive(layer, .datagram(PortID(1), from: peer, "hello world\r\n\r\n"), out: &out) == ["malformed: \(SIPParseError.startLine)"])
  }

  @Test func `one connection serves all requests to a target, and what is sent early waits for it (RFC 3261 §18.1.1)`() {
    let layer = layer([.tcp])
    var out = Outbox()
    var events: [SIPTransportLayer.Event] = []
    let target = SIPTarget(transport: .tcp, address: peer)
    let flow = layer.flow(to: target, at: .zero, &out)
    #expect(layer.flow(to: target, at: .zero, &out).path == flow.path)
    layer.send(options, on: flow, .none, at: .zero, &out, &events)
    #expect(out.departures.count == 1)
    #expect(receive(layer, .opened(ConnectionID(2), local: .init(here, port: 5), remote: peer), out: &out) == ["opened"])
    guard case .bytes(ConnectionID(2), options, _)? = out.departures.last else {
      Issue.record("the request did not leave")
      return
    }
  }

  @Test func `a ping on a connection is answered by one CRLF (RFC 5626 §4.4.1)`() {
    let layer = layer([.tcp])
    var out = Outbox()
    let id = ConnectionID(1)
    let events = receive(
      layer, .accepted(id, PortID(1), local: .init(here, port: 5060), remote: peer), .bytes(id, "\r\n\r\n"), .bytes(id, options), out: &out)
    #expect(events == ["accepted TCP 192.0.2.20:40000", "keep-alive", "OPTIONS sip:a from TCP 192.0.2.20:40000"])
    guard case .bytes(id, "\r\n", let label)? = out.departures.last else {
      Issue.record("no pong")
      return
    }
    #expect(label.subject == .keepAlive)
  }

  @Test func `a stream that is no SIP is named and closed (RFC 3261 §18.3)`() {
    let layer = layer([.tcp])
    var out = Outbox()
    let id = ConnectionID(1)
    let events = receive(
      layer, .accepted(id, PortID(1), local: .init(here, port: 5060), remote: peer), .bytes(id, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
      out: &out)
    #expect(events == ["accepted TCP 192.0.2.20:40000", "malformed: \(SIPParseError.startLine)"])
    #expect(wake(layer, &out) == ["lost: \(FlowFailure.unreadable("\(SIPParseError.startLine)"))"])
    guard case .close(id, .orderly)? = out.departures.last else {
      Issue.record("not closed")
      return
    }
    #expect(!layer.owns(.bytes(id, options)))
  }

  @Test func `a connection that brings nothing for 64·T1 is reset`() {
    let layer = layer([.tcp])
    var out = Outbox()
    _ = receive(layer, .accepted(ConnectionID(1), PortID(1), local: .init(here, port: 5060), remote: peer), out: &out)
    #expect(layer.nextDeadline == Instant(nanoseconds: 32_000_000_000))
    var events: [SIPTransportLayer.Event] = []
    layer.wake(at: Instant(nanoseconds: 32_000_000_000), &out, &events)
    #expect(names(events) == ["lost: \(FlowFailure.silent(seconds: 32))"])
    #expect(layer.nextDeadline == nil)
  }

  @Test func `SIP runs inside TLS both ways, the secrets go out before the bytes that need them`() throws {
    let made = try LabCertificates.make(names: ["sip.kallglot.com"], addresses: [], entropy: Entropy(seed: 3), epoch: .virtual)
    let serverTLS = try TLSContext(TLSConfiguration(role: .server, certificateChain: made.certificate, privateKey: made.privateKey))
    let clientTLS = try TLSContext(TLSConfiguration(role: .client, trustAnchors: made.authority, verification: .peer))
    let server = SIPTransportLayer(
      listeners: [TransportListener(.tls, .init(here, port: 5061))], serverTLS: serverTLS, clientTLS: nil,
      entropy: Entropy(seed: 4), epoch: .virtual)
    let client = SIPTransportLayer(
      listeners: [], serverTLS: nil, clientTLS: clientTLS, entropy: Entropy(seed: 5), epoch: .virtual)
    var toServer = Outbox()
    var toClient = Outbox()
    var serverEvents: [SIPTransportLayer.Event] = []
    var clientEvents: [SIPTransportLayer.Event] = []
    let target = SIPTarget(transport: .tls, address: .init(here, port: 5061), serverName: "sip.kallglot.com")
    let flow = client.flow(to: target, at: .zero, &toServer)
    client.send(options, on: flow, Label(.request(.options)), at: .zero, &toServer, &clientEvents)
    toServer.removeAll()
    server.receive(.accepted(ConnectionID(1), PortID(1), local: .init(here, port: 5061), remote: peer), at: .zero, &toClient, &serverEvents)
    client.receive(.opened(ConnectionID(2), local: peer, remote: target.address), at: .zero, &toServer, &clientEvents)
    var secrets = 0
    for _ in 0..<8 {
      for departure in toServer.departures {
        if case .bytes(_, let bytes, _) = departure { server.receive(.bytes(ConnectionID(1), bytes), at: .zero, &toClient, &serverEvents) }
        if case .secret = departure { secrets += 1 }
      }
      toServer.removeAll()
      for departure in toClient.departures {
        if case .bytes(_, let bytes, _) = departure { client.receive(.bytes(ConnectionID(2), bytes), at: .zero, &toServer, &clientEvents) }
      }
      toClient.removeAll()
    }
    #expect(names(serverEvents) == ["accepted TLS 192.0.2.20:40000", "opened", "OPTIONS sip:a from TLS 192.0.2.20:40000"])
    #expect(names(clientEvents) == ["opened"])
    #expect(secrets >= 4)
  }
}
