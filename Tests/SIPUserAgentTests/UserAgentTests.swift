import KallglotPolicy
import LabBench
import SIPComposition
import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import SIPUserAgent

/// A ``UserAgent`` as a host of its own: what it tells its owner is kept.
private final class UserAgentHost: NetworkHost {
  let agent: UserAgent
  var news: [UserAgentEvent] = []

  init(_ agent: UserAgent) { self.agent = agent }

  func start(at now: Instant, _ out: inout Outbox) { act { agent.start(at: now, &out) } }
  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) { act { agent.receive(arrival, at: now, &out) } }
  func wake(at now: Instant, _ out: inout Outbox) { act { agent.wake(at: now, &out) } }
  var nextDeadline: Instant? { agent.nextDeadline }

  func act(_ body: () -> Void) {
    body()
    while let event = agent.nextEvent() { news.append(event) }
  }
}

/// The router itself: what it makes of what arrives, what it hands up and in which order, and that nothing stays behind.
@Suite struct UserAgentTests {
  private static let own = TransportAddress(IPAddress(v4: 0xC633_640A), port: 5060)  // 198.51.100.10
  private let peer = TransportAddress(IPAddress(v4: 0xC000_0214), port: 5060)  // 192.0.2.20
  private let bench: Bench<UserAgentHost>

  init() {
    let agent = UserAgent(
      .init(listeners: [TransportListener(.udp, Self.own)]), serverTLS: nil, clientTLS: nil, entropy: Entropy(seed: 1),
      epoch: Epoch(unixSeconds: 0))
    bench = Bench(UserAgentHost(agent))
    bench.host.news = []
  }

  private var agent: UserAgent { bench.host.agent }
  private var news: [UserAgentEvent] { bench.host.news }
  private var now: Instant { bench.now }

  // MARK: - The bench

  private func act(_ body: (Instant, inout Outbox) -> Void) {
    bench.run { now, out in bench.host.act { body(now, &out) } }
  }

  private func receive(_ text: String, from source: TransportAddress? = nil) {
    bench.receive(.datagram(PortID(1), from: source ?? peer, Bytes(text)))
  }

  private func request(
    _ method: String, branch: String, cseq: Int = 1, toTag: String? = nil, fromTag: String = "a", headers: [String] = [],
    from source: TransportAddress? = nil
  ) {
    let text = SIPText.request(
      method, "sip:bob@198.51.100.10", via: "UDP 192.0.2.20;branch=z9hG4bK\(branch)", from: "<sip:alice@a>;tag=\(fromTag)",
      to: "<sip:bob@b>\(toTag.map { ";tag=\($0)" } ?? "")", callID: "one", sequence: cseq, contact: "sip:alice@192.0.2.20", headers: headers
    )
    receive(text, from: source)
  }

  private func answer(_ request: SIPMessage?, _ status: Int, tag: String = "b", headers: [String] = []) throws {
    receive(SIPText.response(status, to: try #require(request), tag: tag, contact: "sip:bob@192.0.2.20", headers: headers))
  }

  private func wait(_ duration: Duration) { bench.advance(duration) }

  private func take() -> [SIPMessage] { bench.take() }

  private func takeNews() -> [String] {
    defer { bench.host.news = [] }
    return news.map { event in
      switch event {
      case .incoming(let leg, _): "incoming \(leg.rawValue)"
      case .acknowledged(let leg, _): "acknowledged \(leg.rawValue)"
      case .ringing(let leg, _): "ringing \(leg.rawValue)"
      case .answered(let leg, _): "answered \(leg.rawValue)"
      case .refused(let leg, _): "refused \(leg.rawValue)"
      case .ended(let leg, let reason): "ended \(leg.rawValue): \(reason)"
      case .defective(_, _, let defect): "defective \(defect.status)"
      case .dropped(let leg, let message): "dropped \(leg.map { "\($0.rawValue) " } ?? "")\(message.message.method?.token ?? "")"
      case .request(let request): "request \(request.method.token)"
      case .inDialog(let leg, let request): "in \(leg.rawValue) \(request.method.token)"
      case .requestRefused(_, let refused): "refused \(refused.method) \(refused.status)"
      case .violation(_, let violation): "violation \(violation.rule.id)"
      default: "other"
      }
    }
  }

  /// What holds something that it did not hold at the start: `arrivals`, `stack.served`, `deadline`.
  private var left: Set<String> {
    let paths = bench.leftovers.compactMap { $0.split(separator: " ").last?.split(separator: ".") }.filter { $0 != ["news"] }
    return Set(paths.map { path in path.drop { $0 == "agent" }.prefix(path.contains("stack") ? 2 : 1).joined(separator: ".") })
  }

  private var offer: OutgoingCall {
    let target = SIPTarget(transport: .udp, address: peer)
    let bob = SIPURI(host: "192.0.2.20", user: "bob")
    return OutgoingCall(
      requestURI: bob, target: target, from: NameAddress(uri: SIPURI(host: "a", user: "alice")), to: NameAddress(uri: bob),
      credentials: Credentials(username: "u", password: Secret("p")), body: "v=0\r\n")
  }

  // MARK: - Being called

  @Test func `a refused INVITE is answered by its server transaction: it makes no conversation and no dialog`() {
    request("INVITE", branch: "1")
    #expect(takeNews() == ["incoming 1"])
    #expect(left == ["arrivals", "stack.served", "stack.transactions", "deadline"])
    act { agent.refuse(LegID(1), status: 403, at: $0, &$1) }
    #expect(take().words == ["403"] && takeNews() == ["refused INVITE 403", "ended 1: refused with 403"])
    #expect(left.isDisjoint(with: ["conversations", "legsByTag"]))
    request("ACK", branch: "1", toTag: "x")
    wait(.seconds(40))
    #expect(left == [])
  }

  @Test func `a call that is taken in rings, is answered, acknowledged and ended, and nothing stays (RFC 3261 §13.3, §15)`() throws {
    request("INVITE", branch: "1")
    agent.admit(LegID(1), prefersFlow: nil, at: now)
    act { agent.ring(LegID(1), at: $0, &$1) }
    act { agent.accept(LegID(1), body: "v=0\r\n", at: $0, &$1) }
    let answers = take()
    #expect(answers.words == ["180", "200"])
    let tag = try #require(answers.last?.toTag)
    #expect(answers.first?.toTag == tag)
    request("ACK", branch: "2", toTag: tag)
    request("OPTIONS", branch: "3", cseq: 2, toTag: tag)
    guard case .inDialog(let leg, let options)? = news.last else {
      Issue.record("the OPTIONS was not handed up")
      return
    }
    act { agent.respondInDialog(leg, options.server, status: 200, at: $0, &$1) }
    request("BYE", branch: "4", cseq: 3, toTag: tag)
    #expect(takeNews() == ["incoming 1", "acknowledged 1", "in 1 OPTIONS", "ended 1: hung up by the peer"])
    #expect(take().words == ["200", "200"])
    request("BYE", branch: "5", cseq: 4, toTag: tag)
    guard case .defective(let server, _, let defect)? = news.last else {
      Issue.record("the BYE of a dialog that is over was not handed up")
      return
    }
    wait(.seconds(70))
    #expect(left == ["asked", "stack.transactions"], "what the owner was told of waits for its answer")
    act { agent.refuse(server, defect, at: $0, &$1) }
    #expect(take().words == ["481"])
    wait(.seconds(70))
    #expect(left == [])
  }

  @Test func `a dialog is named by all three identifiers (RFC 3261 §12.2.2)`() throws {
    request("INVITE", branch: "1")
    agent.admit(LegID(1), prefersFlow: nil, at: now)
    act { agent.accept(LegID(1), body: "v=0\r\n", at: $0, &$1) }
    let tag = try #require(take().last?.toTag)
    request("ACK", branch: "2", toTag: tag)
    _ = takeNews()
    request("INFO", branch: "3", cseq: 2, toTag: tag, fromTag: "other")
    request("INFO", branch: "4", cseq: 2, toTag: "other")
    request("INFO", branch: "5", cseq: 2, toTag: tag)
    #expect(takeNews() == ["defective 481", "defective 481", "in 1 INFO"])
  }

  @Test func `a copy by another path is merged once its call was taken in, and judged again while it was not (RFC 3261 §8.2.2.2)`() {
    request("INVITE", branch: "1")
    act { agent.refuse(LegID(1), status: 403, at: $0, &$1) }
    _ = takeNews()
    request("INVITE", branch: "2")
    agent.admit(LegID(2), prefersFlow: nil, at: now)
    request("INVITE", branch: "3")
    #expect(takeNews() == ["incoming 2", "defective 482"])
  }

  @Test func `a request that is refused for its Require moves neither CSeq nor flow (RFC 3261 §12.2.2)`() throws {
    request("INVITE", branch: "1")
    agent.admit(LegID(1), prefersFlow: nil, at: now)
    act { agent.accept(LegID(1), body: "v=0\r\n", at: $0, &$1) }
    let tag = try #require(take().last?.toTag)
    request("ACK", branch: "2", toTag: tag)
    let elsewhere = try #require(TransportAddress("192.0.2.99:5060"))
    request("OPTIONS", branch: "3", cseq: 7, toTag: tag, headers: ["Require: unknown"], from: elsewhere)
    let path = try #require(agent.conversation(LegID(1))?.path)
    #expect(path.flow.remote == peer && path.dialog?.remoteSequence == 1)
  }

  // MARK: - The gate

  @Test func `what the gate drops makes no transaction and is reported once, and what belongs to a live one passes (contract 8.1 step 3)`()
  {
    request("INVITE", branch: "1")
    agent.gate = DropGate(admitting: [AddressRange("10.0.0.0/8")].compactMap(\.self), over: [.udp], coversRequests: true)
    _ = takeNews()
    request("OPTIONS", branch: "2")
    request("OPTIONS", branch: "2")
    request("INVITE", branch: "3")
    receive(SIPText.message("OPTIONS sip:b  SIP/2.0", ["Via: SIP/2.0/UDP h;branch=z9hG4bK9"]))
    #expect(takeNews().filter { $0 != "other" } == ["dropped OPTIONS", "dropped 2 INVITE"])
    #expect(take().isEmpty && agent.stack.transactions.count == 1)
    request("CANCEL", branch: "1")
    #expect(take().words == ["200"], "the INVITE came before the gate was shut")
  }

  // MARK: - Calling

  @Test func `a challenge is answered in the same call with the next CSeq, and the 2xx acknowledged with its credentials (RFC 3261 §22.2)`()
    throws
  {
    let leg = agent.reserveLeg()
    act { _ = agent.call(offer, as: leg, at: $0, &$1) }
    let first = try #require(take().first)
    let challenge = "Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\""
    try answer(first, 401, headers: ["WWW-Authenticate: \(challenge)"])
    let next = take()
    #expect(next.words == ["ACK", "INVITE"])
    let invite = try #require(next.last)
    #expect(try invite.cseq().number == first.cseq().number + 1 && invite.has(.authorization))
    #expect(invite.first(.callID)?.text == first.first(.callID)?.text && invite.fromTag == first.fromTag)
    try answer(invite, 180)
    try answer(invite, 200)
    let ack = try #require(take().first)
    #expect(ack.method == .ack && ack.first(.authorization)?.text == invite.first(.authorization)?.text)
    #expect(takeNews() == ["ringing 1", "answered 1"])
  }

  @Test func `a 2xx of another branch is acknowledged and ended in a dialog of its own, each time it comes (RFC 3261 §13.2.2.4)`() throws {
    let leg = agent.reserveLeg()
    act { _ = agent.call(offer, as: leg, at: $0, &$1) }
    let invite = take().first
    try answer(invite, 200, tag: "b")
    try answer(invite, 200, tag: "c")
    let seen = take()
    #expect(seen.words == ["ACK", "ACK", "BYE"] && seen.map(\.toTag) == ["b", "c", "c"])
    try answer(invite, 200, tag: "c")
    #expect(take().words == ["ACK"])
    #expect(takeNews() == ["answered 1"])
    act { agent.hangUp(leg, at: $0, &$1) }
    try answer(take().last, 200)
    wait(.seconds(70))
    #expect(left == [])
  }

  @Test func `what a reaction causes is reported after what had already happened`() throws {
    let leg = agent.reserveLeg()
    act { _ = agent.call(offer, as: leg, at: $0, &$1) }
    try answer(take().first, 486)
    #expect(takeNews() == ["refused 1", "ended 1: refused with 486"])
    wait(.seconds(40))
    #expect(left == [])
  }
}
