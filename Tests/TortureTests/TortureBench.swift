import KallglotPolicy
import LabBench
import Personas
import SIPMessage
import SIPTransport
import SansIO

@testable import Kallglot

/// A Kallglot endpoint in virtual time and a host that sends it raw bytes.
final class TortureBench {
  static let endpointAddress = IPAddress(v4: 0xC633_640A)
  static let endpointAddress6 = IPAddress("2001:db8::10") ?? .anyV6
  static let wireAddress = IPAddress(v4: 0xC000_0214)
  static let wireAddress6 = IPAddress("2001:db8::20") ?? .anyV6

  let pair: Pair<KallglotEndpoint, WireHost>
  private let target: TransportAddress

  /// - Parameter over: udp, tcp or udp6.
  init(over: String = "udp", digest: Bool = false, seed: UInt64 = 1, allow: [String]? = nil) {
    let isSix = over == "udp6"
    let (here, there) = isSix ? (Self.endpointAddress6, Self.wireAddress6) : (Self.endpointAddress, Self.wireAddress)
    let transport: SIPTransportProtocol = over == "tcp" ? .tcp : .udp
    var policy = Policy.standard
    policy.authentication = digest ? .digest : .none
    policy.anyDomain = true
    policy.allow = (allow ?? []).compactMap { AddressRange($0) }
    if allow != nil { policy.allowlistRefusal = .drop }
    let listeners = [TransportListener(.udp, .init(here, port: 5060)), TransportListener(.tcp, .init(here, port: 5060))]
    let endpoint = KallglotEndpoint(
      .init(listener: policy, listeners: listeners, mediaAddress: here, sendsMedia: false), tls: nil, entropy: Entropy(seed: seed),
      epoch: .virtual)
    target = .init(here, port: 5060)
    pair = Pair(
      endpoint, named: "kallglot", at: here, WireHost(address: .init(there, port: 5060), transport: transport), named: "wire", at: there,
      seed: seed)
  }

  private var heard: [WireHost.Event] { pair.rightEvents.compactMap { $0 as? WireHost.Event } }
  /// What came back, in order.
  var answers: [SIPMessage] { heard.compactMap { if case .received(let message) = $0 { message } else { nil } } }
  var unreadable: [String] { heard.compactMap { if case .unreadable(let rule) = $0 { rule } else { nil } } }
  var closures: [String] { heard.compactMap { if case .closed(let how) = $0 { how } else { nil } } }

  func send(_ bytes: Bytes) {
    pair.tellRight { [pair, target] now, out in _ = pair.right.perform(.send(bytes, to: target), at: now, &out) }
    pair.run(.milliseconds(50))
  }

  /// Lets all timers run out.
  func settle() { pair.settle() }

  /// What the endpoint still holds; empty when all is given back.
  ///
  /// - Parameter connections: false where the peer still holds its own.
  func leftovers(connections: Bool) -> [String] {
    pair.leftoversOfLeft(without: connections ? [] : ["transport.connections.table"])
  }
}
