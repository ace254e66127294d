import Kallglot
import KallglotPolicy
import CallControl
import NIOCore
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import Synchronization
import Testing

@testable import LiveNetwork

/// An endpoint on a driver whose system calls fail when a test says so.
final class FaultBench: @unchecked Sendable {
  private static let count = Atomic<Int>(0)
  let calls = FaultySockets()
  let loop: SocketLoop
  let driver: LiveDriver
  let endpoint: KallglotEndpoint
  private let events: AsyncStream<CallAgentEvent>
  private var udp = TransportAddress(.loopbackV4, port: 0)
  private(set) var tcp = TransportAddress(.loopbackV4, port: 0)
  private var lastDialog = 0
  /// Open descriptors once it listens.
  private(set) var baseline = 0

  init(sinks: [any JournalSink] = [], sendsMedia: Bool = false) async throws {
    loop = try SocketLoop()
    var policy = Policy()
    policy.authentication = .none
    // Suites run side by side: no two benches share a media port.
    let first = 20_000 + UInt16(Self.count.add(1, ordering: .relaxed).newValue % 400) * 100
    policy.mediaPorts = first...first + 99
    let account = Account(name: "acme", username: "acme", password: Secret("s3cret"), policy: policy)
    let own = TransportAddress(.loopbackV4, port: 0)
    var settings = KallglotEndpoint.Configuration(
      accounts: [account], sessions: [], listener: policy, listeners: [.init(.udp, own), .init(.tcp, own)], mediaAddress: .loopbackV4)
    settings.sendsMedia = sendsMedia
    endpoint = KallglotEndpoint(settings, tls: nil, entropy: .system, epoch: Epoch(unixSeconds: 0))
    driver = LiveDriver(endpoint, name: "kallglot", on: loop, parking: .milliseconds(20), sinks: sinks, calls: calls)
    let (stream, continuation) = AsyncStream.makeStream(of: CallAgentEvent.self)
    events = stream
    driver.onEvent = { event in if case EndpointEvent.party(let news) = event { continuation.yield(news) } }
    driver.start()
    for _ in 0..<2 {
      guard case .listening(let listener)? = await next({ if case .listening = $0 { true } else { false } }) else { continue }
      if listener.transport == .udp { udp = listener.address } else { tcp = listener.address }
    }
    baseline = calls.openCount
  }

  func next(_ match: (CallAgentEvent) -> Bool) async -> CallAgentEvent? {
    for await event in events where match(event) { return event }
    return nil
  }

  /// The next failure that is told.
  func failure() async -> SocketFailure? {
    if case .socketFailed(_, let failure)? = await next({ if case .socketFailed = $0 { true } else { false } }) { return failure }
    return nil
  }

  func stop() async throws {
    try await driver.stop().get()
    #expect(calls.openCount == 0, "a descriptor is left")
    try await loop.shutdownGracefully()
    #expect(loop.droppedTasks == 0)
  }

  // MARK: - Peers

  /// A dialog of its own, from this address.
  func dialogue(_ peer: TransportAddress, _ transport: String = "UDP") -> Dialogue {
    lastDialog += 1
    return Dialogue(callID: "fault-\(lastDialog)", transport: transport, local: peer)
  }

  /// An OPTIONS over UDP from a peer of its own.
  func pingsByDatagram() -> Bool {
    let peer = PlainPeer()
    send(dialogue(peer.address).request("OPTIONS"), from: peer)
    return peer.status() == 200
  }

  func pingsByStream() -> Bool {
    let peer = connection()
    peer.send(dialogue(peer.address, "TCP").request("OPTIONS"))
    return peer.status() == 200
  }

  func connection() -> PlainPeer { PlainPeer(connectedTo: tcp) }

  func send(_ bytes: Bytes, from peer: PlainPeer) { peer.send(bytes, to: udp) }

  /// Sends an INVITE with an offer.
  ///
  /// - Parameter media: where the caller wants its RTP: the discard port, unless a test says so.
  func invite(_ dialogue: Dialogue, from peer: PlainPeer, headers: [String] = [], media: IPAddress = .loopbackV4) {
    send(dialogue.request("INVITE", headers: headers, body: Dialogue.offer(TransportAddress(media, port: 9))), from: peer)
  }
}

extension FaultBench {
  var pending: Int { calls.pending }

  /// A call over UDP that is up.
  func establish(_ peer: PlainPeer, headers: [String] = [], media: IPAddress = .loopbackV4) -> Dialogue? {
    var dialogue = dialogue(peer.address)
    invite(dialogue, from: peer, headers: headers, media: media)
    guard let success = peer.message({ $0.status == 200 }) else { return nil }
    dialogue.take(success)
    send(dialogue.acknowledge(), from: peer)
    return dialogue
  }

  func hangUpAll() { driver.command { now, out in self.endpoint.perform(.party(.hangUpAll), at: now, &out) } }
}
