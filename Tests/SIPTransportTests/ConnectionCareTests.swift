import LabBench
import SIPMessage
import SansIO
import SecureTransport
import Testing

@testable import SIPTransport

@Suite struct KeepAliveTests {
  private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

  @Test func `a ping leaves after 80 to 100 % of the interval, and its pong begins the next (RFC 5626 §4.4.1)`() throws {
    for seed in UInt64(0)..<50 {
      var entropy = Entropy(seed: seed)
      var machine = KeepAlive(.seconds(100), at: at(0), using: &entropy)
      let due = try #require(machine.nextDeadline)
      #expect((at(80)...at(100)).contains(due))
      #expect(machine.handle(.timer, at: due, using: &entropy) == .ping)
      #expect(machine.state == .awaiting(until: due.adding(nanoseconds: 10_000_000_000)))
      let answered = due.adding(nanoseconds: 1_000_000_000)
      #expect(machine.handle(.pong, at: answered, using: &entropy) == nil)
      let next = try #require(machine.nextDeadline)
      #expect(next >= answered.adding(nanoseconds: 80_000_000_000) && next <= answered.adding(nanoseconds: 100_000_000_000))
    }
  }

  @Test func `without a pong for 10 s the flow has failed, and a pong nobody asked for changes nothing (RFC 5626 §4.4.1)`() throws {
    var entropy = Entropy(seed: 1)
    var machine = KeepAlive(.seconds(30), at: at(0), using: &entropy)
    let quiet = machine.state
    #expect(machine.handle(.pong, at: at(1), using: &entropy) == nil)
    #expect(machine.state == quiet)
    #expect(machine.handle(.timer, at: at(30), using: &entropy) == .ping)
    #expect(machine.handle(.timer, at: at(40), using: &entropy) == .lost)
    #expect(machine.state == .lost && machine.nextDeadline == nil)
    #expect(machine.handle(.pong, at: at(41), using: &entropy) == nil)
    #expect(machine.handle(.timer, at: at(41), using: &entropy) == nil)
  }
}

/// Two transport layers with TLS between them, byte by byte as a test wants it.
private final class SecurePair {
  static let here = IPAddress(v4: 0xC633_640A)
  static let peer = TransportAddress(IPAddress(v4: 0xC000_0214), port: 40_000)
  static let target = SIPTarget(transport: .tls, address: TransportAddress(here, port: 5_061), serverName: "sip.kallglot.com")

  let server: SIPTransportLayer
  let client: SIPTransportLayer
  var toServer = Outbox()
  var toClient = Outbox()
  var serverNews: [SIPTransportLayer.Event] = []
  var clientNews: [SIPTransportLayer.Event] = []

  init(halfOpenLimit: Int = 512, keepAlive: Duration? = nil) throws {
    let made = try LabCertificates.make(names: ["sip.kallglot.com"], addresses: [], entropy: Entropy(seed: 3), epoch: .virtual)
    let serverTLS = try TLSContext(TLSConfiguration(role: .server, certificateChain: made.certificate, privateKey: made.privateKey))
    let clientTLS = try TLSContext(TLSConfiguration(role: .client, trustAnchors: made.authority, verification: .peer))
    server = SIPTransportLayer(
      listeners: [TransportListener(.tls, Self.target.address)], serverTLS: serverTLS, clientTLS: nil, entropy: Entropy(seed: 4),
      epoch: .virtual, halfOpenLimit: halfOpenLimit)
    client = SIPTransportLayer(
      listeners: [], serverTLS: nil, clientTLS: clientTLS, entropy: Entropy(seed: 5), epoch: .virtual, keepAlive: keepAlive)
  }

  func accept(_ number: UInt32, at now: Instant = .zero) {
    let remote = TransportAddress(Self.peer.address, port: 40_000 + UInt16(number))
    server.receive(
      .accepted(ConnectionID(number), PortID(1), local: Self.target.address, remote: remote), at: now, &toClient, &serverNews)
  }

  /// The client connects and sends; bytes go in pieces of at most `piece`.
  func open(_ message: Bytes, piece: Int = .max) {
    let flow = client.flow(to: Self.target, at: .zero, &toServer)
    client.send(message, on: flow, .none, at: .zero, &toServer, &clientNews)
    toServer.removeAll()
    accept(1)
    client.receive(.opened(ConnectionID(2), local: Self.peer, remote: Self.target.address), at: .zero, &toServer, &clientNews)
    exchange(piece: piece)
  }

  func exchange(piece: Int = .max) {
    while !toServer.isEmpty || !toClient.isEmpty {
      carry(&toServer, to: server, ConnectionID(1), piece, &toClient, &serverNews)
      carry(&toClient, to: client, ConnectionID(2), piece, &toServer, &clientNews)
    }
  }

  private func carry(
    _ box: inout Outbox, to layer: SIPTransportLayer, _ id: ConnectionID, _ piece: Int, _ out: inout Outbox,
    _ news: inout [SIPTransportLayer.Event]
  ) {
    let departures = box.departures
    box.removeAll()
    for case .bytes(_, let bytes, _) in departures {
      var rest = bytes.array[...]
      while !rest.isEmpty {
        layer.receive(.bytes(id, Bytes(Array(rest.prefix(piece)))), at: .zero, &out, &news)
        rest = rest.dropFirst(piece)
      }
    }
  }

  var failures: [String] { serverNews.compactMap { if case .flowFailed(_, let failure) = $0 { "\(failure)" } else { nil } } }
  var messages: Int { serverNews.count { if case .message = $0 { true } else { false } } }
}

@Suite struct HalfOpenConnectionTests {
  private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
  private let options = Bytes(SIPText.message("OPTIONS sip:a SIP/2.0", ["CSeq: 1 OPTIONS"]))

  @Test func `a TLS handshake that stalls is ended after 10 s, which no byte of it prolongs, and the reason says so`() throws {
    let pair = try SecurePair()
    pair.accept(1)
    #expect(pair.server.nextDeadline == at(10))
    for second in Int64(1)..<10 {
      // A handshake record of 512 octets, one octet a second.
      let octet: [UInt8] = second < 6 ? [[22], [3], [1], [2], [0]][Int(second) - 1] : [1]
      pair.server.receive(.bytes(ConnectionID(1), Bytes(octet)), at: at(second), &pair.toClient, &pair.serverNews)
    }
    #expect(pair.server.nextDeadline == at(10))
    pair.server.wake(at: at(10), &pair.toClient, &pair.serverNews)
    #expect(pair.failures == ["closed by us: the TLS handshake was not finished within 10 s (a limit of the Lab)"])
    guard case .close(ConnectionID(1), .reset)? = pair.toClient.departures.last else {
      Issue.record("not reset")
      return
    }
    #expect(pair.server.nextDeadline == nil)
  }

  @Test func `beyond the cap the oldest connection without a finished handshake goes, and one that is up stays`() throws {
    let pair = try SecurePair(halfOpenLimit: 3)
    pair.open(options)
    #expect(pair.messages == 1)
    for number in [3, 5, 7] { pair.accept(UInt32(number)) }
    #expect(pair.failures.isEmpty)
    pair.accept(9)
    let reason =
      "closed by us: the TLS handshake of more than 3 connections was not finished, and it was the oldest of them (a limit of the Lab)"
    #expect(pair.failures == [reason])
    #expect([1, 3, 5, 7, 9].map { pair.server.connections.has(ConnectionID($0)) } == [true, false, true, true, true])
    // One that ends makes room.
    pair.server.receive(.closed(ConnectionID(5), .reset), at: .zero, &pair.toClient, &pair.serverNews)
    pair.accept(11)
    #expect(pair.failures == [reason, "reset by the peer"])
    pair.accept(13)
    #expect(!pair.server.connections.has(ConnectionID(7)))
  }

  @Test func `ten thousand connections that stall keep no more than the cap`() throws {
    let pair = try SecurePair(halfOpenLimit: 100)
    for number in 0..<10_000 { pair.accept(UInt32(2 * number + 1)) }
    #expect(pair.server.connections.table.count == 100)
    #expect(pair.failures.count == 9_900)
    pair.server.wake(at: at(10), &pair.toClient, &pair.serverNews)
    #expect(pair.server.connections.table.isEmpty)
    #expect(pair.server.nextDeadline == nil)
  }

  @Test(arguments: [1, 2, 5, 7, 100])
  func `a handshake and a message that come in pieces of any size are one handshake and one message (RFC 8446 §5.1)`(_ piece: Int) throws {
    let pair = try SecurePair()
    pair.open(options, piece: piece)
    #expect(pair.messages == 1)
    #expect(pair.failures.isEmpty)
  }

  @Test func `a record longer than TLS allows ends the connection with the alert record_overflow (RFC 8446 §5.1)`() throws {
    let pair = try SecurePair()
    pair.open(options)
    let record = [UInt8]([23, 3, 3, 0x48, 0x01]) + [UInt8](repeating: 0, count: 0x4801)
    pair.server.receive(.bytes(ConnectionID(1), Bytes(record)), at: .zero, &pair.toClient, &pair.serverNews)
    pair.server.wake(at: .zero, &pair.toClient, &pair.serverNews)
    let failure = try #require(pair.failures.first)
    #expect(failure.contains("record_overflow"), "\(failure)")
  }

  @Test func `a connection of ours is kept alive by pings that the other side answers (RFC 5626 §4.4.1)`() throws {
    let pair = try SecurePair(keepAlive: .seconds(30))
    pair.open(options)
    for _ in 0..<5 {
      let due = try #require(pair.client.nextDeadline)
      pair.client.wake(at: due, &pair.toServer, &pair.clientNews)
      #expect(!pair.toServer.isEmpty)
      pair.exchange()
    }
    #expect(pair.serverNews.count { if case .keepAlive = $0 { true } else { false } } == 5)
    #expect(pair.clientNews.count { if case .keepAlive = $0 { true } else { false } } == 5)
    // The other side falls silent.
    let ping = try #require(pair.client.nextDeadline)
    pair.client.wake(at: ping, &pair.toServer, &pair.clientNews)
    pair.toServer.removeAll()
    pair.client.wake(at: ping.adding(nanoseconds: 10_000_000_000), &pair.toServer, &pair.clientNews)
    guard case .flowFailed(_, .pongMissing(seconds: 10))? = pair.clientNews.last else {
      Issue.record("\(pair.clientNews.suffix(1))")
      return
    }
  }
}
