import KallglotPolicy
import LabBench
import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import Kallglot
@testable import CallControl
@testable import SIPTransaction
@testable import SIPTransport
@testable import SIPUserAgent

/// An endpoint without a network, opposite a PBX that a test plays by hand.
final class EndpointBench: Bench<KallglotEndpoint> {
  static let address = IPAddress(v4: 0xC633_640A)  // 198.51.100.10
  static let caller = TransportAddress(IPAddress(v4: 0xC000_0214), port: 5060)  // 192.0.2.20

  /// How many UDP ports were bound, the listener excepted.
  private(set) var bindings = 0
  private(set) var resets: [ConnectionID] = []
  /// Where messages went since ``forgetWays()``: `UDP 192.0.2.1:5060`, `TCP 192.0.2.1:5060` over a connection of ours, `connection 7`.
  private(set) var ways: [String] = []
  private var number = 0

  init(
    _ policy: Policy = .open, accounts: [Account]? = nil, sessions: [Session] = [Session(id: "sess_demo", account: "acme")],
    answerDelay: Duration = .zero
  ) {
    let own = Account(name: "acme", username: "acme", password: Secret("s3cret"), policy: policy)
    var settings = KallglotEndpoint.Configuration(
      accounts: accounts ?? [own], sessions: sessions, listener: policy,
      listeners: [.init(.udp, .init(Self.address, port: 5060)), .init(.tcp, .init(Self.address, port: 5060))], mediaAddress: Self.address,
      answerDelay: answerDelay)
    settings.sendsMedia = false
    super.init(KallglotEndpoint(settings, tls: nil, entropy: Entropy(seed: 1), epoch: .virtual))
  }

  var endpoint: KallglotEndpoint { host }
  var events: [EndpointEvent] { hostEvents.compactMap { $0 as? EndpointEvent } }

  override func saw(_ departure: Departure) {
    switch departure {
    case .bind(let port, _, .datagram) where port.rawValue > 2: bindings += 1
    case .close(let id, .reset): resets.append(id)
    case .datagram(_, to: let remote, let bytes, _) where (try? SIPMessage.parse(bytes)) != nil: ways.append("UDP \(remote)")
    case .bytes(let id, _, _): ways.append("connection \(id.rawValue)")
    case .open(_, from: _, to: let remote): ways.append("TCP \(remote)")
    case .bind, .unbind, .datagram, .close, .finish, .resolve, .event, .secret, .plaintext: break
    }
  }

  // MARK: - In

  /// Sends text over UDP and takes what came back.
  @discardableResult
  func send(_ text: String, from source: TransportAddress = caller) -> [SIPMessage] {
    receive(.datagram(PortID(1), from: source, Bytes(text)))
    return take()
  }

  /// A peer connects over TCP.
  func connect(_ id: ConnectionID, from source: TransportAddress = caller) {
    receive(.accepted(id, PortID(2), local: .init(Self.address, port: 5060), remote: source))
  }

  @discardableResult
  func send(_ text: String, on id: ConnectionID) -> [SIPMessage] {
    receive(.bytes(id, Bytes(text)))
    return take()
  }

  func perform(_ change: Administration) { perform(KallglotEndpoint.Command.administer(change)) }

  func perform(_ command: KallglotEndpoint.Command) { run { host.perform(command, at: $0, &$1) } }

  func forgetWays() { ways = [] }

  // MARK: - Messages

  static let offer = """
    v=0\r
    o=pbx 1 1 IN IP4 192.0.2.20\r
    s=-\r
    c=IN IP4 192.0.2.20\r
    t=0 0\r
    m=audio 4000 RTP/AVP 0 8\r
    a=sendrecv\r

    """

  /// A request outside dialogs with an identity of its own, unless one is given.
  func request(
    _ method: String, to uri: String = "sip:sess_demo@sip.kallglot.com", identity: String? = nil, sequence: Int = 1, toTag: String? = nil,
    branch: String? = nil, via: String = "192.0.2.20:5060", transport: String = "UDP", headers: [String] = [],
    type: String = "application/sdp",
    body: String = "", aor: String? = nil
  ) -> String {
    number += 1
    let identity = identity ?? "call\(number)"
    return SIPText.request(
      method, uri, via: "\(transport) \(via);branch=\(branch ?? "z9hG4bK\(method)\(number)");rport",
      from: "<\(aor ?? "sip:pbx@pbx.example")>;tag=f\(identity)", to: "<\(aor ?? uri)>\(toTag.map { ";tag=\($0)" } ?? "")",
      callID: "\(identity)@pbx.example", sequence: sequence, contact: headers.contains("no Contact") ? nil : "sip:pbx@192.0.2.20:5060",
      headers: headers.filter { $0 != "no Contact" }, type: type, body: body)
  }

  func invite(
    to uri: String = "sip:sess_demo@sip.kallglot.com", identity: String? = nil, sequence: Int = 1, headers: [String] = [],
    body: String = offer
  ) -> String {
    request("INVITE", to: uri, identity: identity, sequence: sequence, headers: headers, body: body)
  }

  /// What answers the challenges in a 401: the first of this algorithm.
  func authorization(
    for challenge: SIPMessage, method: String = "INVITE", uri: String = "sip:sess_demo@sip.kallglot.com", username: String = "acme",
    password: String = "s3cret", algorithm: DigestAlgorithm = .sha256, count: UInt32 = 1, realm: String = "sip.kallglot.com",
    nonce: String? = nil
  ) -> String {
    let offered = challenge.digestChallenges(.wwwAuthenticate).first { $0.algorithm == algorithm.rawValue }
    let digits = String(count, radix: 16)
    let nc = String(repeating: "0", count: 8 - digits.count) + digits
    let nonce = nonce ?? offered?.nonce ?? ""
    let calculation = DigestCalculation()
    let response = calculation.response(
      algorithm, calculation.secretHash(algorithm, username: username, realm: realm, password: Secret(password)),
      .init(nonce: nonce, method: method, uri: uri, protection: .init(nonceCount: nc, clientNonce: "cn")))
    let parameters: [(DigestParameters.Name, String)] = [
      (.username, username), (.realm, realm), (.nonce, nonce), (.uri, uri), (.response, response.text),
      (.algorithm, algorithm.rawValue), (.cnonce, "cn"), (.qop, "auth"), (.nc, nc),
    ]
    return "Authorization: \(DigestCredentials { writer in for (name, value) in parameters { writer.add(name, value) } })"
  }

  // MARK: - Whole calls

  /// What a test keeps of a call that is up.
  struct Call {
    var identity: String
    var tag: String
    var contact: String
    var sequence = 1
  }

  /// INVITE, 200, ACK; without digest.
  func establish(_ identity: String, to uri: String = "sip:+49@sip.kallglot.com", headers: [String] = []) -> Call? {
    let answers = send(invite(to: uri, identity: identity, headers: headers))
    guard let success = answers.last, success.status == 200, let tag = try? success.to().tag else { return nil }
    let call = Call(identity: identity, tag: tag, contact: "sip:198.51.100.10:5060")
    send(inDialog("ACK", call, sequence: 1, uri: uri))
    return call
  }

  func inDialog(
    _ method: String, _ call: Call, sequence: Int, uri: String = "sip:198.51.100.10:5060", headers: [String] = [],
    type: String = "application/sdp",
    body: String = ""
  ) -> String {
    request(method, to: uri, identity: call.identity, sequence: sequence, toTag: call.tag, headers: headers, type: type, body: body)
  }

  /// The ACK of a refusal, with the INVITE's branch.
  func acknowledge(_ invite: String, _ refusal: SIPMessage) -> String {
    let branch = invite.split(separator: "branch=")[1].prefix { $0 != ";" }
    let identity = invite.split(separator: "Call-ID: ")[1].prefix { $0 != "@" }
    let uri = invite.split(separator: " ")[1]
    let sequence = (try? refusal.cseq().number).map(Int.init) ?? 1
    return request(
      "ACK", to: String(uri), identity: String(identity), sequence: sequence, toTag: (try? refusal.to().tag) ?? "", branch: String(branch))
  }

  // MARK: - What is seen

  var decisions: [PolicyDecision] {
    events.compactMap { if case .decision(_, let decision, _) = $0 { decision } else { nil } }
  }

  var ends: [EndReason] { events.compactMap { if case .party(.ended(_, let end, _)) = $0 { end } else { nil } } }

  var violations: [PeerViolation.Rule] {
    events.compactMap { if case .party(.violation(_, let violation)) = $0 { violation.rule } else { nil } }
  }

  var violationDetails: [String] {
    events.compactMap { if case .party(.violation(_, let violation)) = $0 { violation.detail } else { nil } }
  }

}

extension Policy {
  /// The standard policy without digest, for what is not about digest.
  static var open: Policy { with { $0.authentication = .none } }

  static func with(_ change: (inout Policy) -> Void) -> Policy {
    var policy = Policy.standard
    change(&policy)
    return policy
  }
}

extension SIPMessage {
  func text(_ name: HeaderName) -> String? { first(name)?.text }
}
