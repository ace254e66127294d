import KallglotPolicy
import SIPMessage
import SIPTransport
import SansIO

@testable import Kallglot
@testable import SIPTransport
@testable import SIPUserAgent

/// Drives an endpoint without a network: arrivals in, departures out, time by hand. Quick enough for thousands of broken messages.
final class BareDriver {
  static let peer = TransportAddress(IPAddress(v4: 0xC000_0214), port: 5060)
  private static let here = IPAddress(v4: 0xC633_640A)
  private static let udp = PortID(1)
  private static let tcp = PortID(2)

  let endpoint: KallglotEndpoint
  private(set) var now: Instant = .zero
  private var lastConnection: UInt32 = 1
  private var open: Set<ConnectionID> = []
  /// Messages since ``forget()``, in order.
  private(set) var sent: [Bytes] = []
  /// Why connections ended and what could not be read, in the endpoint's words.
  private(set) var news: [String] = []

  init(seed: UInt64 = 1) {
    var policy = Policy.standard
    policy.authentication = .none
    policy.anyDomain = true
    let listeners = [TransportListener(.udp, .init(Self.here, port: 5060)), TransportListener(.tcp, .init(Self.here, port: 5060))]
    endpoint = KallglotEndpoint(
      .init(listener: policy, listeners: listeners, mediaAddress: Self.here, sendsMedia: false), tls: nil, entropy: Entropy(seed: seed),
      epoch: .virtual)
    var out = Outbox()
    endpoint.start(at: now, &out)
    act(out)
  }

  // MARK: - In

  private func arrive(_ arrival: Arrival) {
    var out = Outbox()
    endpoint.receive(arrival, at: now, &out)
    act(out)
  }

  func datagram(_ bytes: Bytes) { arrive(.datagram(Self.udp, from: Self.peer, bytes)) }

  /// A connection of the peer's, from a port of its own.
  func connect() -> ConnectionID {
    let id = ConnectionID(lastConnection)
    lastConnection += 2
    open.insert(id)
    let remote = TransportAddress(Self.peer.address, port: UInt16(truncatingIfNeeded: 10_000 + id.rawValue % 50_000))
    arrive(.accepted(id, Self.tcp, local: .init(Self.here, port: 5060), remote: remote))
    return id
  }

  func isOpen(_ id: ConnectionID) -> Bool { open.contains(id) }

  func stream(_ bytes: Bytes, on id: ConnectionID) {
    guard open.contains(id) else { return }
    arrive(.bytes(id, bytes))
    // What is due at this same instant, such as the end of a connection that cannot be read on.
    advance(seconds: 0)
  }

  /// The peer's FIN.
  func end(_ id: ConnectionID) {
    if open.contains(id) { arrive(.ended(id)) }
  }

  /// The peer ends all its connections.
  func closeAll() { for id in open.sorted(by: { $0.rawValue < $1.rawValue }) { end(id) } }

  /// Lets time pass, with every wake-up in it.
  func advance(seconds: Double) {
    let target = now.adding(nanoseconds: Int64(seconds * 1e9))
    while let due = endpoint.nextDeadline, due <= target {
      now = max(now, due)
      var out = Outbox()
      endpoint.wake(at: now, &out)
      act(out)
    }
    now = target
  }

  func forget() {
    sent = []
    news = []
  }

  // MARK: - Out

  private func act(_ out: Outbox) {
    for departure in out.departures {
      switch departure {
      case .bind(let port, let address, _): arrive(.bound(port, address))
      case .datagram(_, to: _, let bytes, _), .bytes(_, let bytes, _): sent.append(bytes)
      case .close(let id, let mode):
        if open.remove(id) != nil { arrive(.closed(id, mode == .orderly ? .orderly : .reset)) }
      case .event(let event):
        if case .party(.malformed(_, let rule)) = event as? EndpointEvent { news.append(rule) }
        if case .party(.connectionFailed(_, let reason)) = event as? EndpointEvent { news.append(reason) }
      case .unbind, .open, .finish, .resolve, .secret, .plaintext: break
      }
    }
  }

  /// Status, phrase and Warning of the first answer.
  var refusal: String? {
    guard let answer = sent.first.flatMap({ try? SIPMessage.parse($0) }), let warning = try? answer.warnings().first else { return nil }
    return "\(answer.status ?? 0) \(answer.reasonPhrase?.text ?? ""): \(warning.text)"
  }

  // MARK: - Is it still well?

  /// INVITE, 200, ACK, BYE, 200 over UDP; what failed, or nil.
  func cleanCallFailure(_ name: String) -> String? {
    forget()
    let call = CleanCall(name: name)
    datagram(call.invite)
    guard let tag = answer(200, to: .invite).flatMap({ try? $0.to().tag }) else { return "no 200 to INVITE but \(sent.map(\.text))" }
    datagram(call.ack(tag))
    datagram(call.bye(tag))
    return answer(200, to: .bye) == nil ? "no 200 to BYE but \(sent.map(\.text))" : nil
  }

  private func answer(_ status: Int, to method: SIPMethod) -> SIPMessage? {
    sent.compactMap { try? SIPMessage.parse($0) }.first { $0.status == status && (try? $0.cseq().method) == method }
  }
}
