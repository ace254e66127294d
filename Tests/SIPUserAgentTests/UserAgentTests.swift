import KallglotPolicy
import SIPComposition
import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import SIPUserAgent

/// The router itself: what it makes of what arrives, what it hands up and in which order, and that nothing stays behind.
@Suite final class UserAgentTests {
  private let agent: UserAgent
  private let peer = TransportAddress("192.0.2.20:5060") ?? .init(.anyV4, port: 5060)
  private let own = TransportAddress("198.51.100.10:5060") ?? .init(.anyV4, port: 5060)
  private var now = Instant.zero
  private var sent: [SIPMessage] = []
  private var news: [UserAgentEvent] = []

  init() {
    agent = UserAgent(
      .init(listeners: [TransportListener(.udp, own)]), serverTLS: nil, clientTLS: nil, entropy: Entropy(seed: 1),
      epoch: Epoch(unixSeconds: 0))
    act { agent.start(at: $0, &$1) }
    act { agent.receive(.bound(PortID(1), own), at: $0, &$1) }
    _ = take()
    news = []
  }

  // MARK: - The bench

  private func act(_ body: (Instant, inout Outbox) -> Void) {
    var out = Outbox()
    body(now, &out)
    while let event = agent.nextEvent() { news.append(event) }
    for case .datagram(_, to: _, let bytes, _) in out.departures { if let message = try? SIPMessage.parse(bytes) { sent.append(message) } }
  }

  private func receive(_ text: String, from source: TransportAddress? = nil) {
    act { agent.receive(.datagram(PortID(1), from: source ?? peer, Bytes(text.replacing("\n", with: "\r\n") + "\r\n")), at: $0, &$1) }
  }

  private func request(
    _ method: String, branch: String, cseq: Int = 1, toTag: String? = nil, fromTag: String = "a", more: String = "",
    from source: TransportAddress? = nil
  ) {
    receive(
      """
      \(method) sip:bob@198.51.100.10 SIP/2.0
      Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK\(branch)
      Max-Forwards: 70
      From: <sip:alice@a>;tag=\(fromTag)
      To: <sip:bob@b>\(toTag.map { ";tag=\($0)" } ?? "")
      Call-ID: one
      CSeq: \(cseq) \(method)
      Contact: <sip:alice@192.0.2.20>
      \(more)
      """, from: source)
  }

  private func answer(_ request: SIPMessage?, _ status: Int, tag: String = "b", more: String = "") throws {
    let request = try #require(request)
    let copied = ["Via", "From", "Call-ID", "CSeq"].map { "\($0): \(request.first(HeaderName($0))?.text ?? "")\n" }.joined()
    receive("SIP/2.0 \(status) x\n\(copied)To: \(request.first(.to)?.text ?? "");tag=\(tag)\nContact: <sip:bob@192.0.2.20>\n\(more)")
  }

  private func wait(_ duration: Duration) {
    let end = now.advanced(by: duration)
    while let due = agent.nextDeadline, due <= end {
      now = max(now, due)
      act { agent.wake(at: $0, &$1) }
    }
    now = end
  }

  private func take() -> [SIPMessage] {
    defer { sent = [] }
    return sent
  }

  private func takeNews() -> [String] {
    defer { news = [] }
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

  private func words(_ messages: [SIPMessage]) -> [String] { messages.map { $0.method?.token ?? "\($0.status ?? 0)" } }

  private var left: [String] { agent.holdings.filter { $0.count != 0 }.map(\.name) }

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
    #expect(left == ["arrivals", "served", "transactions"])
    act { agent.refuse(LegID(1), status: 403, at: $0, &$1) }
    #expect(words(take()) == ["403"] && takeNews() == ["refused INVITE 403", "ended 1: refused with 403"])
    #expect(!left.contains("conversations") && !left.contains("tags"))
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
    #expect(words(answers) == ["180", "200"])
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
    #expect(words(take()) == ["200", "200"])
    request("BYE", branch: "5", cseq: 4, toTag: tag)
    guard case .defective(let server, _, let defect)? = news.last else {
      Issue.record("the BYE of a dialog that is over was not handed up")
      return
    }
    wait(.seconds(70))
    #expect(left == ["requests asked", "transactions"], "what the owner was told of waits for its answer")
    act { agent.refuse(server, defect, at: $0, &$1) }
    #expect(words(take()) == ["481"])
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
    request("OPTIONS", branch: "3", cseq: 7, toTag: tag, more: "Require: unknown\n", from: elsewhere)
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
    receive("OPTIONS sip:b  SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK9\n")
    #expect(takeNews().filter { $0 != "other" } == ["dropped OPTIONS", "dropped 2 INVITE"])
    #expect(take().isEmpty && agent.stack.transactions.count == 1)
    request("CANCEL", branch: "1")
    #expect(words(take()) == ["200"], "the INVITE came before the gate was shut")
  }

  // MARK: - Calling

  @Test func `a challenge is answered in the same call with the next CSeq, and the 2xx acknowledged with its credentials (RFC 3261 §22.2)`()
    throws
  {
    let leg = agent.reserveLeg()
    act { _ = agent.call(offer, as: leg, at: $0, &$1) }
    let first = try #require(take().first)
    try answer(first, 401, more: "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\n")
    let next = take()
    #expect(words(next) == ["ACK", "INVITE"])
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
    #expect(words(seen) == ["ACK", "ACK", "BYE"] && seen.map(\.toTag) == ["b", "c", "c"])
    try answer(invite, 200, tag: "c")
    #expect(words(take()) == ["ACK"])
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
