import SansIO

/// The bindings of a NAT. Time is an argument; nothing happens when a binding expires, it is found expired when it is asked for.
struct NATTable {
  /// What becomes of a packet.
  enum Passage: Hashable {
    /// From inside: leaves from this port of the outside address. From outside: goes to this address inside.
    case outbound(port: UInt16, isNew: Bool)
    case inbound(to: TransportAddress)
    case filtered(FilterReason)
  }

  private struct Binding {
    var key: InsideKey
    var inside: TransportAddress
    var port: UInt16
    var lifetime: Int64
    var lastUsed: Int64
    /// When something was last sent to a peer, by the scope that filtering tells apart.
    var sent: [TransportAddress: Int64] = [:]
    /// TCP: which directions have sent their FIN.
    var finOut = false
    var finIn = false

    func isAlive(at now: Int64) -> Bool { now - lastUsed <= lifetime }
  }

  private struct InsideKey: Hashable {
    var isStream: Bool
    var inside: TransportAddress
    var scope: TransportAddress
  }

  private struct OutsideKey: Hashable {
    var isStream: Bool
    var port: UInt16
  }

  /// A TCP connection that has ended keeps its binding so long, for what is still under way (RFC 5382 REQ-5, transitory).
  private static let endedLifetime: Int64 = 240_000_000_000

  private let nat: NAT
  private let lifetime: Int64
  private let streamLifetime: Int64
  private var ports: [InsideKey: OutsideKey] = [:]
  private var bindings: [OutsideKey: Binding] = [:]

  init(_ nat: NAT) {
    self.nat = nat
    lifetime = max(0, nat.lifetime.wholeNanoseconds)
    streamLifetime = max(0, nat.streamLifetime.wholeNanoseconds)
  }

  // MARK: - Packets

  /// A packet from inside. It makes a binding or refreshes its own; a TCP segment without one does so only when it opens a connection.
  mutating func passOut(
    _ inside: TransportAddress, to remote: TransportAddress, isStream: Bool = false, opens: Bool = true, at now: Instant
  ) -> Passage {
    let known = nat.confusesInside ? TransportAddress(nat.outside, port: inside.port) : inside
    let key = InsideKey(isStream: isStream, inside: known, scope: nat.mapping.scope(remote))
    let scope = nat.filtering.scope(remote)
    if let outside = ports[key], let binding = bindings[outside], binding.isAlive(at: now.nanoseconds) {
      bindings[outside]?.lastUsed = now.nanoseconds
      bindings[outside]?.sent[scope] = now.nanoseconds
      return .outbound(port: outside.port, isNew: false)
    }
    guard opens else { return .filtered(.noSession) }
    forget(key)
    guard let port = freePort(like: inside.port, isStream: isStream, at: now) else { return .filtered(.noPort) }
    let outside = OutsideKey(isStream: isStream, port: port)
    ports[key] = outside
    bindings[outside] = Binding(
      key: key, inside: inside, port: port, lifetime: isStream ? streamLifetime : lifetime, lastUsed: now.nanoseconds,
      sent: [scope: now.nanoseconds])
    return .outbound(port: port, isNew: true)
  }

  /// A packet from outside to a port of the outside address.
  mutating func passIn(port: UInt16, from remote: TransportAddress, isStream: Bool = false, at now: Instant) -> Passage {
    let outside = OutsideKey(isStream: isStream, port: port)
    guard let binding = bindings[outside] else { return .filtered(.noMapping) }
    guard binding.isAlive(at: now.nanoseconds) else { return .filtered(.expired) }
    guard nat.filtering != .endpointIndependent else { return .inbound(to: binding.inside) }
    guard let sent = binding.sent[nat.filtering.scope(remote)] else { return .filtered(.stranger) }
    // Of a binding that is kept up by traffic to others, the right of this peer ends all the same.
    if !isStream, now.nanoseconds - sent > lifetime { return .filtered(.expired) }
    if isStream { bindings[outside]?.lastUsed = now.nanoseconds }
    return .inbound(to: binding.inside)
  }

  /// Who has an outside port, without a packet.
  func inside(of port: UInt16, isStream: Bool = false) -> TransportAddress? {
    bindings[OutsideKey(isStream: isStream, port: port)]?.inside
  }

  /// A segment ends its connection: RST at once, FIN when both sides have sent theirs.
  mutating func streamEnds(port: UInt16, _ flags: TCPSegment.Flags, isOutbound: Bool) {
    let outside = OutsideKey(isStream: true, port: port)
    guard flags.contains(.fin) || flags.contains(.rst), var binding = bindings[outside] else { return }
    if flags.contains(.fin) { if isOutbound { binding.finOut = true } else { binding.finIn = true } }
    if flags.contains(.rst) || (binding.finOut && binding.finIn) { binding.lifetime = min(binding.lifetime, Self.endedLifetime) }
    bindings[outside] = binding
  }

  // MARK: - Ports

  private mutating func forget(_ key: InsideKey) {
    guard let outside = ports.removeValue(forKey: key) else { return }
    bindings[outside] = nil
  }

  /// The inside port if it is free, else the next of the same parity, so that RTP stays even (RFC 4787 §4.2.1 and §4.2.2), else any;
  /// well-known ports stay among themselves (REQ-3).
  private mutating func freePort(like port: UInt16, isStream: Bool, at now: Instant) -> UInt16? {
    let range: ClosedRange<Int> = port < 1_024 ? 0...1_023 : 1_024...65_535
    for parity in 0...1 {
      for step in stride(from: parity, to: range.count, by: 2) {
        let candidate = range.lowerBound + (Int(port) - range.lowerBound + step) % range.count
        if candidate > 0, take(UInt16(candidate), isStream: isStream, at: now) { return UInt16(candidate) }
      }
    }
    return nil
  }

  /// Whether a port is free; an expired binding gives its port up.
  private mutating func take(_ port: UInt16, isStream: Bool, at now: Instant) -> Bool {
    let outside = OutsideKey(isStream: isStream, port: port)
    guard let binding = bindings[outside] else { return true }
    guard !binding.isAlive(at: now.nanoseconds) else { return false }
    ports[binding.key] = nil
    bindings[outside] = nil
    return true
  }
}
