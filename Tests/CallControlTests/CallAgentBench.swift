import KallglotPolicy
import LabBench
import SDP
import SIPMessage
import SIPTransport
import SansIO

@testable import CallControl
@testable import SIPTransaction
@testable import SIPTransport
@testable import SIPUserAgent

/// A ``CallAgent`` as a host of its own: its owner takes every event and decides nothing.
final class CallAgentHost: NetworkHost {
  let agent: CallAgent
  /// What the owner does about an event, as soon as it takes it.
  var reaction: ((CallAgent, CallAgentEvent, Instant, inout Outbox) -> Void)?

  init(_ agent: CallAgent) { self.agent = agent }

  func start(at now: Instant, _ out: inout Outbox) {
    agent.start(at: now, &out)
    takeSignals(at: now, &out)
  }

  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    agent.receive(arrival, at: now, &out)
    takeSignals(at: now, &out)
  }

  func wake(at now: Instant, _ out: inout Outbox) {
    agent.wake(at: now, &out)
    takeSignals(at: now, &out)
  }

  var nextDeadline: Instant? { agent.nextDeadline }

  func perform(_ command: CallAgentCommand, at now: Instant, _ out: inout Outbox) {
    agent.perform(command, at: now, &out)
    takeSignals(at: now, &out)
  }

  private func takeSignals(at now: Instant, _ out: inout Outbox) {
    while let signal = agent.nextSignal() {
      guard case .event(let event) = signal else { continue }
      out.event(event)
      reaction?(agent, event, now, &out)
    }
  }
}

/// A user agent without a network: its peer is the test, which reads what left and answers by text.
final class CallAgentBench: Bench<CallAgentHost> {
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

  /// How many ports from here on another program holds, and what binding one of them says.
  var heldPorts = (count: 0, failure: BindFailure.addressInUse)

  /// What the name service knows.
  var names: [NameQuestion: NameAnswer] = [:]
  /// Questions wait for ``answerNames()``.
  var holdsNames = false
  private var asked: [(query: QueryID, question: NameQuestion)] = []

  init(prefersFlow: Bool = true, credentials: Credentials? = nil, rtpTimeout: Duration? = nil) {
    var signalling = UserAgent.Configuration(
      listeners: [.init(.udp, .init(Self.own, port: 5060)), .init(.tcp, .init(Self.own, port: 5060))], prefersFlowOverContact: prefersFlow)
    signalling.style = .plain
    let agent = CallAgent(
      .init(
        userAgent: signalling, capability: AudioCapability(codecs: [.pcmu, .pcma]), mediaAddress: Self.own,
        aor: NameAddress(uri: SIPURI(host: "192.0.2.20", user: "pbx")), rtpTimeout: rtpTimeout, sendsMedia: false),
      serverTLS: nil, clientTLS: nil, entropy: Entropy(seed: 1), epoch: .virtual)
    super.init(CallAgentHost(agent))
  }

  var agent: CallAgent { host.agent }
  var events: [CallAgentEvent] { hostEvents.compactMap { $0 as? CallAgentEvent } }

  override func reply(to departure: Departure) -> Arrival? {
    if case .resolve(let query, let question) = departure {
      guard holdsNames else { return answer(query, question) }
      asked.append((query, question))
    }
    guard case .bind(let port, let address, _) = departure, heldPorts.count > 0, address.port != 5060 else {
      return super.reply(to: departure)
    }
    heldPorts.count -= 1
    return .bindFailed(port, address, heldPorts.failure)
  }

  private func answer(_ query: QueryID, _ question: NameQuestion) -> Arrival {
    let isKnown = names.keys.contains { $0.name == question.name }
    return .resolved(query, names[question] ?? (isKnown ? .records([]) : .noSuchName))
  }

  // MARK: - What the test does

  /// A server of a name, in the order in which they are tried.
  func add(_ host: String, _ address: IPAddress, service: String? = nil, port: UInt16 = 5_060) {
    names[NameQuestion(host, .a)] = .records([NameRecord(.address(address))])
    guard let service else { return }
    var records: [NameRecord] = []
    if case .records(let known)? = names[NameQuestion(service, .srv)] { records = known }
    records.append(NameRecord(.srv(priority: UInt16(records.count), weight: 0, port: port, target: host)))
    names[NameQuestion(service, .srv)] = .records(records)
  }

  /// The name service answers what it was asked, and what is asked then.
  func answerNames() {
    holdsNames = false
    let waiting = asked
    asked = []
    for (query, question) in waiting { receive(answer(query, question)) }
  }

  func perform(_ command: CallAgentCommand) { run { host.perform(command, at: $0, &$1) } }

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
    receive(.datagram(PortID(1), from: source, Bytes(text)))
  }

  /// Answers a request that left.
  func answer(
    _ request: SIPMessage?, _ status: Int, tag: String? = "uas", headers: [String] = [], body: String = "",
    contact: String? = "sip:uas@198.51.100.10:5060",
    from source: TransportAddress = peer
  ) {
    guard let request else { return }
    receive(SIPText.response(status, to: request, tag: tag, contact: contact, headers: headers, body: body), from: source)
  }

  /// A request of the peer's in the dialog of an INVITE of ours.
  func request(_ method: String, in invite: SIPMessage?, tag: String? = "uas", sequence: Int, headers: [String] = [], body: String = "") {
    guard let invite else { return }
    let (own, theirs) = (invite.first(.from)?.text ?? "", invite.first(.to)?.text ?? "")
    receive(
      SIPText.request(
        method, "sip:pbx@192.0.2.20", via: "UDP 198.51.100.10;branch=z9hG4bK\(method)\(sequence);rport",
        from: theirs + (tag.map { ";tag=\($0)" } ?? ""), to: own, callID: invite.first(.callID)?.text ?? "", sequence: sequence,
        contact: "sip:uas@198.51.100.10", headers: headers, body: body))
  }

  /// What left since the last time, and where to.
  func takeWithTargets() -> [(message: SIPMessage, to: TransportAddress?)] {
    takeSent().compactMap { sent in
      sent.message.map { ($0, sent.to ?? opened.first { $0.id == sent.connection }?.to) }
    }
  }

  // MARK: - What is seen

  var leg: LegID? { agent.places.numbers.last.map { LegID($0) } }
  var ends: [EndReason] { events.compactMap { if case .ended(_, let end, _) = $0 { end } else { nil } } }
  var violations: [PeerViolation.Rule] { events.compactMap { if case .violation(_, let violation) = $0 { violation.rule } else { nil } } }
  /// The session of the newest leg while it is up.
  var session: Leg.Session? {
    guard let place = leg.flatMap({ agent.places[$0.rawValue] }), case .up(let session)? = agent.legs[place]?.leg.state else { return nil }
    return session
  }
  var isUp: Bool { session != nil }
}
