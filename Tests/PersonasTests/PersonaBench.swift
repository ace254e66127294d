import Foundation
import LabBench
import CallControl
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO

@testable import Personas

/// A persona alone, on 127.0.0.1:5060, opposite a peer that a test plays by hand.
final class PersonaBench: Bench<Persona> {
  static let here = IPAddress(v4: 0x7F00_0001)

  let peer: TransportAddress
  let transport: SIPTransportProtocol
  private var connection: ConnectionID?
  /// Addresses that RTP left for, and the bound places it left from.
  private(set) var rtp: [(from: TransportAddress?, to: TransportAddress)] = []

  init(
    _ profile: PersonaProfile, user: String = "minicaller", transport: SIPTransportProtocol = .udp, peerPort: UInt16 = 6001,
    change: (inout Persona.Configuration) -> Void = { _ in }
  ) {
    self.transport = transport
    peer = TransportAddress(Self.here, port: peerPort)
    var configuration = Persona.Configuration(
      profile: profile, listeners: [TransportListener(transport, .init(Self.here, port: 5060))], mediaAddress: Self.here,
      aor: NameAddress(uri: SIPURI(host: "127.0.0.1", user: user)),
      credentials: Credentials(username: "alice", password: Secret("not written down")))
    change(&configuration)
    super.init(Persona(configuration, serverTLS: nil, clientTLS: nil, entropy: Entropy(seed: 4), epoch: .virtual))
  }

  // MARK: - Driving

  override func saw(_ departure: Departure) {
    if case .datagram(let port, let to, let bytes, _) = departure, bytes.first == 0x80 { rtp.append((ports[port], to)) }
  }

  /// The peer takes every connection.
  override func reply(to departure: Departure) -> Arrival? {
    guard case .open(let id, _, let remote) = departure else { return super.reply(to: departure) }
    connection = id
    return .opened(id, local: .init(Self.here, port: 40_000), remote: remote)
  }

  func perform(_ command: CallAgentCommand) { run { host.perform(command, at: $0, &$1) } }

  /// The peer sends this.
  func receive(_ text: String) {
    receive(connection.map { .bytes($0, Bytes(text)) } ?? .datagram(PortID(1), from: peer, Bytes(text)))
  }

  // MARK: - What is looked at

  /// All SIP messages that left, oldest first.
  var sent: [SIPMessage] { outgoing.compactMap(\.message) }
  /// Where the messages that left over UDP went.
  var destinations: [TransportAddress] { outgoing.compactMap(\.to) }
  var events: [CallAgentEvent] { hostEvents.compactMap { $0 as? CallAgentEvent } }

  func requests(_ method: SIPMethod) -> [SIPMessage] { sent.filter { $0.method == method } }
  func responses(_ status: Int) -> [SIPMessage] { sent.filter { $0.status == status } }

  func last(_ method: SIPMethod) throws -> SIPMessage {
    guard let message = requests(method).last else { throw BenchError("no \(method.token) left") }
    return message
  }

  func response(_ status: Int) throws -> SIPMessage {
    guard let message = responses(status).last else {
      throw BenchError("no \(status) left, but \(sent.map { $0.status.map(String.init) ?? $0.method?.token ?? "" })")
    }
    return message
  }
}

struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

// MARK: - The peer's messages

enum Peer {
  static let offer = lines([
    "v=0", "o=mini 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 30000 RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=sendrecv",
  ])

  private static func lines(_ lines: [String]) -> String { lines.map { $0 + "\r\n" }.joined() }

  static func answer(_ request: SIPMessage, _ status: Int, headers: [String] = [], body: String = "") -> String {
    SIPText.response(status, to: request, tag: status == 100 ? nil : "mt1", headers: headers, body: body)
  }

  /// A request of the scripted peer: outside dialogs, or with the persona's tag within one.
  static func request(
    _ method: String, tag: String? = nil, sequence: Int = 1, branch: String = "1", callID: String = "mc1",
    contentType: String = "application/sdp", uri: String = "sip:ring@127.0.0.1:5060", headers: [String] = [], body: String = ""
  ) -> String {
    SIPText.request(
      method, uri, via: "UDP 127.0.0.1:6001;branch=z9hG4bKpeer\(branch);rport", from: "<sip:minicaller@127.0.0.1>;tag=ft7",
      to: "<sip:ring@127.0.0.1>\(tag.map { ";tag=\($0)" } ?? "")", callID: callID, sequence: sequence,
      contact: "sip:minicaller@127.0.0.1:6001", headers: headers, type: contentType, body: body)
  }
}

extension PersonaBench {
  /// A call of the persona's, up to its INVITE.
  func invite() throws -> SIPMessage {
    let target = SIPTarget(transport: transport, address: peer)
    var uri = SIPURI(host: "127.0.0.1", user: "bob")
    uri.port = peer.port
    if transport != .udp { uri.parameters["transport"] = transport.rawValue }
    perform(.call(CallRequest(uri: uri, target: target)))
    return try last(.invite)
  }

  /// A call of the persona's that is up; the answer, or the offer it asked for, is ours.
  func establish() throws -> SIPMessage {
    let invite = try invite()
    receive(Peer.answer(invite, 200, headers: ["Contact: <sip:mini@127.0.0.1:6001>"], body: Peer.offer))
    return try last(.ack)
  }

  var leg: LegID { LegID(1) }

  /// The persona is called and answers.
  func beCalled(_ invite: String = Peer.request("INVITE", body: Peer.offer)) throws -> SIPMessage {
    receive(invite)
    let success = try response(200)
    receive(Peer.request("ACK", tag: try success.to().tag, branch: "ack"))
    return success
  }

  /// The peer's 200 to the persona's newest re-INVITE.
  func answerReinvite(_ body: String) throws {
    receive(Peer.answer(try last(.invite), 200, headers: ["Contact: <sip:mini@127.0.0.1:6001>"], body: body))
  }

  func ping() throws -> SIPMessage {
    var uri = SIPURI(host: "127.0.0.1")
    uri.port = peer.port
    perform(.options(to: NextHop(SIPTarget(transport: transport, address: peer)), uri: uri))
    return try last(.options)
  }

  func register(expires: Int = 60) throws -> SIPMessage {
    var registrar = SIPURI(host: "127.0.0.1")
    registrar.port = peer.port
    perform(
      .register(
        RegisterRequest(
          registrar: registrar, target: SIPTarget(transport: transport, address: peer),
          aor: NameAddress(uri: SIPURI(host: "127.0.0.1", user: "alice")),
          expires: expires)))
    return try last(.register)
  }

  /// The registrar takes the binding.
  func acceptRegistration(expires: Int = 60) throws {
    let request = try last(.register)
    receive(Peer.answer(request, 200, headers: ["Contact: \(request.first(.contact)?.text ?? "");expires=\(expires)"]))
  }
}

extension SIPMessage {
  func value(_ name: String) -> String? { first(HeaderName(name))?.text }
  func values(_ name: String) -> [String] { all(HeaderName(name)).map(\.text) }
  var names: [String] { fields.map { $0.name.text } }
  var text: String { bytes.text }
}
