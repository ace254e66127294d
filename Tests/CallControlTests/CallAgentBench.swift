import KallglotPolicy
import SDP
import SIPMessage
import SIPTransport
import SansIO

@testable import CallControl
@testable import SIPTransaction
@testable import SIPTransport
@testable import SIPUserAgent

/// A user agent without a network: its peer is the test, which reads what left and answers by text.
final class CallAgentBench {
  static let own = IPAddress(v4: 0xC000_0214)  // 192.0.2.20
  static let peer = TransportAddress(IPAddress(v4: 0xC633_640A), port: 5060)  // 198.51.100.10
  static let answer = """
    v=0\r
    o=uas 1 1 IN IP4 198.51.100.10\r
    s=-\r
    c=IN IP4 198.51.100.10\r
    t=0 0\r
    m=audio 6000 RTP/AVP 0 101\r
    a=rtpmap:101 telephone-event/8000\r
    a=sendrecv\r

    """

  let agent: CallAgent
  private(set) var now = Instant.zero
  private var sent: [(message: SIPMessage, to: TransportAddress?)] = []
  var events: [CallAgentEvent] = []
  /// What the owner does about an event, as soon as it takes it.
  var reaction: ((CallAgent, CallAgentEvent, Instant, inout Outbox) -> Void)?
  private(set) var opened: [(id: ConnectionID, to: TransportAddress)] = []
  /// How many ports from here on another program holds, and what binding one of them says.
  var heldPorts = (count: 0, failure: BindFailure.addressInUse)

  init(prefersFlow: Bool = true, credentials: Credentials? = nil, rtpTimeout: Duration? = nil) {
    var signalling = UserAgent.Configuration(
      listeners: [.init(.udp, .init(Self.own, port: 5060)), .init(.tcp, .init(Self.own, port: 5060))], prefersFlowOverContact: prefersFlow)
    signalling.style = .plain
    agent = CallAgent(
      .init(
        userAgent: signalling, capability: AudioCapability(codecs: [.pcmu, .pcma]), mediaAddress: Self.own,
        aor: NameAddress(uri: SIPURI(host: "192.0.2.20", user: "pbx")), rtpTimeout: rtpTimeout, sendsMedia: false),
      serverTLS: nil, clientTLS: nil, entropy: Entropy(seed: 1), epoch: .virtual)
    call { agent.start(at: $0, &$1) }
  }

  private func call(_ body: (Instant, inout Outbox) -> Void) {
    var out = Outbox()
    body(now, &out)
    while let signal = agent.nextSignal() {
      guard case .event(let event) = signal else { continue }
      events.append(event)
      reaction?(agent, event, now, &out)
    }
    for departure in out.departures { act(on: departure) }
  }

  private func act(on departure: Departure) {
    switch departure {
    case .bind(let port, let address, _) where heldPorts.count > 0 && address.port != 5060:
      heldPorts.count -= 1
      call { [failure = heldPorts.failure] in agent.receive(.bindFailed(port, address, failure), at: $0, &$1) }
    case .bind(let port, let address, _): call { agent.receive(.bound(port, address), at: $0, &$1) }
    case .datagram(_, to: let remote, let bytes, _): keep(bytes, remote)
    case .bytes(let id, let bytes, _): keep(bytes, opened.first { $0.id == id }?.to)
    case .open(let id, from: _, to: let remote): opened.append((id, remote))
    case .event(let event): if let event = event as? CallAgentEvent { events.append(event) }
    case .unbind, .finish, .close, .resolve, .secret, .plaintext: break
    }
  }

  private func keep(_ bytes: Bytes, _ remote: TransportAddress?) {
    if let message = try? SIPMessage.parse(bytes) { sent.append((message, remote)) }
  }

  // MARK: - What the test does

  func perform(_ command: CallAgentCommand) { call { agent.perform(command, at: $0, &$1) } }

  /// Calls; the INVITE that left.
  @discardableResult
  func dial(
    _ uri: String = "sip:sess_demo@198.51.100.10", isOfferDelayed: Bool = false, fields: [HeaderField] = [],
    credentials: Credentials? = nil
  )
    throws -> SIPMessage?
  {
    let request = CallRequest(
      name: "leg", uri: try SIPURI(parsing: uri), target: SIPTarget(transport: .udp, address: Self.peer), credentials: credentials,
      fields: fields,
      isOfferDelayed: isOfferDelayed)
    perform(.call(request))
    return take().first
  }

  func receive(_ text: String, from source: TransportAddress = peer) {
    call { agent.receive(.datagram(PortID(1), from: source, Bytes(text)), at: $0, &$1) }
  }

  func receive(_ arrival: Arrival) { call { agent.receive(arrival, at: $0, &$1) } }

  /// Answers a request that left.
  func answer(
    _ request: SIPMessage?, _ status: Int, tag: String? = "uas", headers: [String] = [], body: String = "",
    contact: String? = "sip:uas@198.51.100.10:5060",
    from source: TransportAddress = peer
  ) {
    guard let request else { return }
    var lines = ["SIP/2.0 \(status) \(SIPStatus.phrase(status))"]
    lines += request.all(.via).map { "Via: \($0.text)" }
    lines.append("From: \(request.first(.from)?.text ?? "")")
    let to = request.first(.to)?.text ?? ""
    lines.append("To: \(to)\(tag == nil || to.contains(";tag=") ? "" : ";tag=\(tag ?? "")")")
    lines += ["Call-ID: \(request.first(.callID)?.text ?? "")", "CSeq: \(request.first(.cseq)?.text ?? "")"]
    if let contact, !headers.contains(where: { $0.hasPrefix("Contact") }) { lines.append("Contact: <\(contact)>") }
    lines += headers
    if !body.isEmpty { lines.append("Content-Type: application/sdp") }
    lines.append("Content-Length: \(body.utf8.count)")
    receive(lines.joined(separator: "\r\n") + "\r\n\r\n" + body, from: source)
  }

  /// A request of the peer's in the dialog of an INVITE of ours.
  func request(_ method: String, in invite: SIPMessage?, tag: String? = "uas", sequence: Int, headers: [String] = [], body: String = "") {
    guard let invite else { return }
    var lines = [
      "\(method) sip:pbx@192.0.2.20 SIP/2.0", "Via: SIP/2.0/UDP 198.51.100.10;branch=z9hG4bK\(method)\(sequence);rport",
      "From: \(invite.first(.to)?.text ?? "")\(tag.map { ";tag=\($0)" } ?? "")", "To: \(invite.first(.from)?.text ?? "")",
      "Call-ID: \(invite.first(.callID)?.text ?? "")",
      "CSeq: \(sequence) \(method)", "Max-Forwards: 70", "Contact: <sip:uas@198.51.100.10>",
    ]
    lines += headers
    if !body.isEmpty { lines.append("Content-Type: application/sdp") }
    lines.append("Content-Length: \(body.utf8.count)")
    receive(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
  }

  @discardableResult
  func wait(_ duration: Duration) -> [SIPMessage] {
    let end = now.advanced(by: duration)
    while let due = agent.nextDeadline, due <= end {
      now = max(now, due)
      call { agent.wake(at: $0, &$1) }
    }
    now = end
    return take()
  }

  /// What left since the last time.
  @discardableResult
  func take() -> [SIPMessage] { takeWithTargets().map(\.message) }

  func takeWithTargets() -> [(message: SIPMessage, to: TransportAddress?)] {
    defer { sent = [] }
    return sent
  }

  // MARK: - What is seen

  var leg: LegID? { agent.places.keys.max() }
  var ends: [EndReason] { events.compactMap { if case .ended(_, let end, _) = $0 { end } else { nil } } }
  var violations: [PeerViolation.Rule] { events.compactMap { if case .violation(_, let violation) = $0 { violation.rule } else { nil } } }
  /// The session of the newest leg while it is up.
  var session: Leg.Session? {
    guard let place = leg.flatMap({ agent.places[$0] }), case .up(let session)? = agent.legs[place]?.leg.state else { return nil }
    return session
  }
  var isUp: Bool { session != nil }

  var leftovers: [String] {
    (agent.holdings + agent.userAgent.holdings.map { ($0.name, $0.count) }).filter { $0.1 != 0 }.map { "\($0.1) \($0.0)" }
  }
}

extension [SIPMessage] {
  /// `INVITE`, `200`, … in their order.
  var words: [String] { map { $0.method?.token ?? "\($0.status ?? 0)" } }
}
