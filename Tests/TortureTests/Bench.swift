import KallglotPolicy
import Personas
import SIPMessage
import SIPTransport
import SansIO
import VirtualNetwork

@testable import Kallglot
@testable import CallControl
@testable import SIPTransaction
@testable import SIPTransport
@testable import SIPUserAgent

/// A Kallglot endpoint in virtual time and a host that sends it raw bytes.
final class Bench {
  static let endpointAddress = IPAddress(v4: 0xC633_640A)
  static let endpointAddress6 = IPAddress("2001:db8::10") ?? .anyV6
  static let wireAddress = IPAddress(v4: 0xC000_0214)
  static let wireAddress6 = IPAddress("2001:db8::20") ?? .anyV6

  let simulation: Simulation
  let endpoint: KallglotEndpoint
  let wire: WireHost
  private let wireID: HostID
  private let target: TransportAddress
  /// What came back, in order.
  private(set) var answers: [SIPMessage] = []
  private(set) var unreadable: [String] = []
  private(set) var closures: [String] = []
  private(set) var events: [EndpointEvent] = []

  /// - Parameter over: udp, tcp or udp6.
  init(over: String = "udp", digest: Bool = false, seed: UInt64 = 1, allow: [String]? = nil) {
    simulation = Simulation(seed: seed)
    let isSix = over == "udp6"
    let (here, there) = isSix ? (Self.endpointAddress6, Self.wireAddress6) : (Self.endpointAddress, Self.wireAddress)
    let transport: SIPTransportProtocol = over == "tcp" ? .tcp : .udp
    var policy = Policy.standard
    policy.authentication = digest ? .digest : .none
    policy.anyDomain = true
    policy.allow = (allow ?? []).compactMap { AddressRange($0) }
    if allow != nil { policy.allowlistRefusal = .drop }
    let listeners = [TransportListener(.udp, .init(here, port: 5060)), TransportListener(.tcp, .init(here, port: 5060))]
    endpoint = KallglotEndpoint(
      .init(listener: policy, listeners: listeners, mediaAddress: here, sendsMedia: false), tls: nil, entropy: Entropy(seed: seed),
      epoch: .virtual)
    wire = WireHost(address: .init(there, port: 5060), transport: transport)
    target = .init(here, port: 5060)
    let endpointID = simulation.add(endpoint, name: "kallglot", addresses: [here])
    wireID = simulation.add(wire, name: "wire", addresses: [there])
    simulation.onEvent = { [unowned self] host, event in
      switch event {
      case let event as WireHost.Event: took(event)
      case let event as EndpointEvent where host == endpointID: events.append(event)
      default: break
      }
    }
    simulation.run(until: .zero)
  }

  private func took(_ event: WireHost.Event) {
    switch event {
    case .received(let message): answers.append(message)
    case .unreadable(let rule): unreadable.append(rule)
    case .closed(let how): closures.append(how)
    }
  }

  func send(_ bytes: Bytes) {
    simulation.command(wireID) { now, out in wire.send(bytes, to: target, at: now, &out) }
    run(seconds: 0.05)
  }

  func run(seconds: Double) { simulation.run(until: simulation.now.adding(nanoseconds: Int64(seconds * 1e9))) }

  /// Lets all timers run out.
  func settle() { simulation.runUntilIdle(limit: simulation.now.adding(nanoseconds: 600_000_000_000)) }

  func leftovers(connections: Bool) -> [String] { endpoint.leftovers(connections: connections) }
}

extension KallglotEndpoint {
  /// What is still held, by name; empty when all is given back.
  ///
  /// - Parameter connections: false where the peer still holds its own.
  func leftovers(connections: Bool = true) -> [String] {
    let signalling = agent.userAgent
    let tables: [(String, Int)] = [
      ("legs", liveCalls), ("connections", connections ? signalling.stack.transport.connections.count : 0),
      ("deadlines", nextDeadline == nil ? 0 : 1),
    ]
    return (tables + sessions.holdings + agent.holdings + signalling.holdings).filter { $0.1 != 0 }.map { "\($0.1) \($0.0)" }
  }
}
