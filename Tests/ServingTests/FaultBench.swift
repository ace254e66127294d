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
  private var lastBranch = 0
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

  func request(_ method: String, from peer: TransportAddress, _ transport: String, body: String = "") -> String {
    lastBranch += 1
    let type = body.isEmpty ? "" : "Content-Type: application/sdp\r\n"
    return "\(method) sip:line@sip.kallglot.com SIP/2.0\r\nVia: SIP/2.0/\(transport) \(peer);branch=z9hG4bKfault\(lastBranch);rport\r\n"
      + "Max-Forwards: 70\r\nFrom: <sip:peer@127.0.0.1>;tag=p\(lastBranch)\r\nTo: <sip:line@sip.kallglot.com>\r\n"
      + "Call-ID: fault-\(lastBranch)\r\nCSeq: 1 \(method)\r\nContact: <sip:peer@\(peer)>\r\n\(type)"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  func offer(_ address: String = "127.0.0.1", port: UInt16 = 9) -> String {
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 \(address)\r\nt=0 0\r\nm=audio \(port) RTP/AVP 0\r\n"
  }

  /// An OPTIONS over UDP from a peer of its own.
  func pingsByDatagram() -> Bool {
    let peer = PlainPeer()
    peer.send(request("OPTIONS", from: peer.address, "UDP"), to: udp)
    return peer.status() == 200
  }

  func pingsByStream() -> Bool {
    let peer = connection()
    peer.send(request("OPTIONS", from: peer.address, "TCP"))
    return peer.status() == 200
  }

  func connection() -> PlainPeer { PlainPeer(connectedTo: tcp) }

  func send(_ text: String, from peer: PlainPeer) { peer.send(text, to: udp) }
}

extension FaultBench {
  var pending: Int { calls.pending }

  /// A call over UDP that is up, with the header fields of its dialog; its caller's RTP port is the discard port.
  func establish(_ peer: PlainPeer, body: String? = nil, extra: String = "") -> PlainDialog? {
    let invite = request("INVITE", from: peer.address, "UDP", body: body ?? offer()).replacing("Max-Forwards", with: "\(extra)Max-Forwards")
    send(invite, from: peer)
    guard let success = peer.message("SIP/2.0 200"), let dialog = PlainDialog(invite: invite, success: success) else { return nil }
    send(dialog.request("ACK", sequence: 1, branch: "z9hG4bKack-\(dialog.callID)"), from: peer)
    return dialog
  }

  /// Answers a request that a peer received.
  func answer(_ request: String, _ status: String, from peer: PlainPeer, extra: String = "") {
    let kept = request.split(separator: "\r\n").filter { line in
      ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].contains { line.hasPrefix($0) }
    }
    let lines = kept.map { $0.hasPrefix("To:") && !$0.contains("tag=") ? "\($0);tag=answer" : String($0) }
    send("SIP/2.0 \(status)\r\n\(lines.joined(separator: "\r\n"))\r\n\(extra)Content-Length: 0\r\n\r\n", from: peer)
  }

  func hangUpAll() { driver.command { now, out in self.endpoint.perform(.party(.hangUpAll), at: now, &out) } }
}

/// What a caller remembers of a dialog, as text.
struct PlainDialog {
  let callID: String
  private let from: String
  private let to: String
  private let via: String

  init?(invite: String, success: String) {
    func line(_ name: String, _ text: String) -> String? {
      text.split(separator: "\r\n").first { $0.hasPrefix("\(name):") }.map { String($0.dropFirst(name.count + 1).drop { $0 == " " }) }
    }
    guard let callID = line("Call-ID", invite), let from = line("From", invite), let to = line("To", success),
      let via = line("Via", invite)?.split(separator: ";").first
    else { return nil }
    (self.callID, self.from, self.to, self.via) = (callID, from, to, String(via))
  }

  func request(_ method: String, sequence: Int, branch: String) -> String {
    "\(method) sip:line@sip.kallglot.com SIP/2.0\r\nVia: \(via);branch=\(branch);rport\r\nMax-Forwards: 70\r\nFrom: \(from)\r\n"
      + "To: \(to)\r\n"
      + "Call-ID: \(callID)\r\nCSeq: \(sequence) \(method)\r\nContent-Length: 0\r\n\r\n"
  }
}
