import KallglotPolicy
import LabBench
import SIPMessage
import SIPTransport
import SansIO

@testable import Kallglot
@testable import SIPTransport
@testable import SIPUserAgent

/// Drives an endpoint without a network. Quick enough for thousands of broken messages.
final class BareDriver: Bench<KallglotEndpoint> {
  static let peer = TransportAddress(IPAddress(v4: 0xC000_0214), port: 5060)
  private static let here = IPAddress(v4: 0xC633_640A)
  private static let udp = PortID(1)
  private static let tcp = PortID(2)

  private var lastConnection: UInt32 = 1

  init(seed: UInt64 = 1) {
    var policy = Policy.standard
    policy.authentication = .none
    policy.anyDomain = true
    let listeners = [TransportListener(.udp, .init(Self.here, port: 5060)), TransportListener(.tcp, .init(Self.here, port: 5060))]
    super.init(
      KallglotEndpoint(
        .init(listener: policy, listeners: listeners, mediaAddress: Self.here, sendsMedia: false), tls: nil, entropy: Entropy(seed: seed),
        epoch: .virtual))
  }

  var endpoint: KallglotEndpoint { host }

  /// Its name service knows no name: broken bytes make names of addresses.
  override func reply(to departure: Departure) -> Arrival? {
    if case .resolve(let query, _) = departure { return .resolved(query, .noSuchName) }
    return super.reply(to: departure)
  }

  // MARK: - In

  func datagram(_ bytes: Bytes) { receive(.datagram(Self.udp, from: Self.peer, bytes)) }

  /// A connection of the peer's, from a port of its own.
  func connect() -> ConnectionID {
    let id = ConnectionID(lastConnection)
    lastConnection += 2
    let remote = TransportAddress(Self.peer.address, port: UInt16(truncatingIfNeeded: 10_000 + id.rawValue % 50_000))
    receive(.accepted(id, Self.tcp, local: .init(Self.here, port: 5060), remote: remote))
    return id
  }

  func isOpen(_ id: ConnectionID) -> Bool { connections.contains(id) }

  func stream(_ bytes: Bytes, on id: ConnectionID) {
    guard isOpen(id) else { return }
    receive(.bytes(id, bytes))
    // What is due at this same instant, such as the end of a connection that cannot be read on.
    advance(.zero)
  }

  /// The peer's FIN.
  func end(_ id: ConnectionID) {
    if isOpen(id) { receive(.ended(id)) }
  }

  /// The peer ends all its connections.
  func closeAll() { for id in connections.sorted(by: { $0.rawValue < $1.rawValue }) { end(id) } }

  func forget() {
    _ = takeSent()
    forgetEvents()
  }

  // MARK: - Out

  /// Messages since ``forget()``, in order.
  var sent: [Bytes] { outgoing.map(\.bytes) }

  /// Why connections ended and what could not be read, in the endpoint's words.
  var news: [String] {
    hostEvents.compactMap { event in
      switch event as? EndpointEvent {
      case .party(.malformed(_, let rule)): rule
      case .party(.connectionFailed(_, let reason)): reason
      default: nil
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
