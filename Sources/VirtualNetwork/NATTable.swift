import SansIO

/// The bindings of a NAT. Time is an argument; nothing happens when a binding expires, it is found expired when it is asked for.
///
/// ```
///            packet from inside, or a forward                  nothing refreshes it for its lifetime
///   no binding ───────────────────────────► binding ──────────────────────────────────────────────► expired, its port is free
///                                            │   ▲
///                                            └───┘ packet that refreshes (RFC 4787 §4.3)        reboot: all are forgotten
/// ```
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
    /// Who may send though nothing was sent to it: everybody, or one host.
    var welcomes: Welcome = .nobody
    /// TCP: which directions have sent their FIN.
    var finOut = false
    var finIn = false

    func isAlive(at now: Int64) -> Bool { lifetime == .max || now - lastUsed <= lifetime }
  }

  private enum Welcome {
    case nobody
    case host(IPAddress)
    case everybody

    func covers(_ remote: TransportAddress) -> Bool {
      switch self {
      case .nobody: false
      case .host(let address): remote.address == address
      case .everybody: true
      }
    }
  }

  private struct InsideKey: Hashable {
    var isStream: Bool
    var inside: TransportAddress
    var scope: TransportAddress
  }

  /// A port of the outside address; one that is overloaded, towards one destination.
  struct OutsideKey: Hashable {
    var isStream: Bool
    var port: UInt16
    var remote: TransportAddress
  }

  /// A TCP connection that has ended keeps its binding so long, for what is still under way (RFC 5382 REQ-5, transitory).
  private static let endedLifetime: Int64 = 240_000_000_000
  private static let anybody = TransportAddress(.anyV4, port: 0)

  private let nat: NAT
  private let lifetime: Int64
  private let streamLifetime: Int64
  private var assigner: PortAssigner
  private var ports: [InsideKey: OutsideKey] = [:]
  private var bindings: [OutsideKey: Binding] = [:]
  /// Inside addresses whose port is fixed whoever they send to: forwards, and what a gateway promised in a message.
  private var fixed: [InsideKey: OutsideKey] = [:]

  /// - Parameter generator: draws ports where they are not preserved.
  init(_ nat: NAT, generator: SeededGenerator = SeededGenerator(seed: 0)) {
    self.nat = nat
    lifetime = max(0, nat.lifetime.wholeNanoseconds)
    streamLifetime = max(0, nat.streamLifetime.wholeNanoseconds)
    assigner = PortAssigner(nat.ports, generator)
    for forward in nat.forwards { addForward(forward) }
  }

  private var isOverloading: Bool { nat.ports == .overload }

  private func outsideKey(_ port: UInt16, _ remote: TransportAddress, isStream: Bool) -> OutsideKey {
    OutsideKey(isStream: isStream, port: port, remote: isOverloading ? remote : Self.anybody)
  }

  // MARK: - Packets

  /// A packet from inside. It makes a binding or refreshes its own; a TCP segment without one does so only when it opens a connection.
  mutating func passOut(
    _ inside: TransportAddress, to remote: TransportAddress, isStream: Bool = false, opens: Bool = true, at now: Instant
  ) -> Passage {
    let key = insideKey(inside, remote, isStream: isStream)
    if let outside = known(key, inside, isStream: isStream), let binding = bindings[outside], binding.isAlive(at: now.nanoseconds) {
      use(outside, nat.filtering.scope(remote), isOutbound: true, at: now)
      return .outbound(port: binding.port, isNew: false)
    }
    guard opens else { return .filtered(.noSession) }
    forget(key)
    guard let port = freePort(for: inside, to: remote, isStream: isStream, at: now) else { return .filtered(.noPort) }
    let outside = outsideKey(port, remote, isStream: isStream)
    ports[key] = outside
    bindings[outside] = Binding(
      key: key, inside: inside, port: port, lifetime: isStream ? streamLifetime : lifetime, lastUsed: now.nanoseconds,
      sent: [nat.filtering.scope(remote): now.nanoseconds])
    return .outbound(port: port, isNew: true)
  }

  private func insideKey(_ inside: TransportAddress, _ remote: TransportAddress, isStream: Bool) -> InsideKey {
    let known = nat.confusesInside ? TransportAddress(nat.outside, port: inside.port) : inside
    return InsideKey(isStream: isStream, inside: known, scope: isOverloading ? remote : nat.mapping.scope(remote))
  }

  private func known(_ key: InsideKey, _ inside: TransportAddress, isStream: Bool) -> OutsideKey? {
    if !fixed.isEmpty, let outside = fixed[InsideKey(isStream: isStream, inside: inside, scope: Self.anybody)] { return outside }
    return ports[key]
  }

  private mutating func use(_ outside: OutsideKey, _ scope: TransportAddress, isOutbound: Bool, at now: Instant) {
    let refreshes = outside.isStream || nat.refresh == .both || (nat.refresh == .outbound) == isOutbound
    if refreshes { bindings[outside]?.lastUsed = now.nanoseconds }
    if isOutbound ? (refreshes || bindings[outside]?.sent[scope] == nil) : refreshes && bindings[outside]?.sent[scope] != nil {
      bindings[outside]?.sent[scope] = now.nanoseconds
    }
  }

  /// A packet from outside to a port of the outside address.
  mutating func passIn(port: UInt16, from remote: TransportAddress, isStream: Bool = false, at now: Instant) -> Passage {
    guard let (outside, binding) = find(port, remote, isStream: isStream) else { return .filtered(.noMapping) }
    guard binding.isAlive(at: now.nanoseconds) else { return .filtered(.expired) }
    let scope = nat.filtering.scope(remote)
    if nat.filtering != .endpointIndependent, !binding.welcomes.covers(remote) {
      guard let sent = binding.sent[scope] else { return .filtered(.stranger) }
      // Of a binding that is kept up by traffic to others, the right of this peer ends all the same.
      if !isStream, now.nanoseconds - sent > lifetime { return .filtered(.expired) }
    }
    use(outside, scope, isOutbound: false, at: now)
    return .inbound(to: binding.inside)
  }

  private func find(_ port: UInt16, _ remote: TransportAddress, isStream: Bool) -> (OutsideKey, Binding)? {
    let exact = outsideKey(port, remote, isStream: isStream)
    if let binding = bindings[exact] { return (exact, binding) }
    guard isOverloading, !fixed.isEmpty else { return nil }
    let open = OutsideKey(isStream: isStream, port: port, remote: Self.anybody)
    return bindings[open].map { (open, $0) }
  }

  /// Who has an outside port, without a packet.
  func inside(of port: UInt16, from remote: TransportAddress, isStream: Bool = false) -> TransportAddress? {
    find(port, remote, isStream: isStream)?.1.inside
  }

  /// The outside port of an inside address towards a peer, without a packet.
  func outside(of inside: TransportAddress, to remote: TransportAddress, isStream: Bool) -> UInt16? {
    known(insideKey(inside, remote, isStream: isStream), inside, isStream: isStream)?.port
  }

  /// A segment ends its connection: RST at once, FIN when both sides have sent theirs.
  mutating func streamEnds(port: UInt16, with remote: TransportAddress, _ flags: TCPSegment.Flags, isOutbound: Bool) {
    guard flags.contains(.fin) || flags.contains(.rst), let (outside, found) = find(port, remote, isStream: true) else { return }
    guard found.lifetime != .max else { return }
    var binding = found
    if flags.contains(.fin) { if isOutbound { binding.finOut = true } else { binding.finIn = true } }
    if flags.contains(.rst) || (binding.finOut && binding.finIn) { binding.lifetime = min(binding.lifetime, Self.endedLifetime) }
    bindings[outside] = binding
  }

  // MARK: - Fixed ports

  private mutating func addForward(_ forward: NAT.Forward) {
    for isStream in [false, true] {
      let key = InsideKey(isStream: isStream, inside: forward.inside, scope: Self.anybody)
      let outside = OutsideKey(isStream: isStream, port: forward.port, remote: Self.anybody)
      fixed[key] = outside
      bindings[outside] = Binding(
        key: key, inside: forward.inside, port: forward.port, lifetime: .max, lastUsed: 0, welcomes: .everybody)
    }
  }

  /// Promises an inside UDP address an outside port before anything was sent from it: a gateway writes it into a message.
  ///
  /// - Parameter peer: the host that may send to it first.
  /// - Returns: nil when no port is left.
  mutating func promise(_ inside: TransportAddress, to peer: IPAddress, at now: Instant) -> (port: UInt16, isNew: Bool)? {
    let key = InsideKey(isStream: false, inside: inside, scope: Self.anybody)
    if let outside = fixed[key], let binding = bindings[outside], binding.isAlive(at: now.nanoseconds) {
      if binding.lifetime != .max {
        bindings[outside]?.lastUsed = now.nanoseconds
        bindings[outside]?.welcomes = .host(peer)
      }
      return (outside.port, false)
    }
    guard let port = freePort(for: inside, to: Self.anybody, isStream: false, at: now) else { return nil }
    let outside = OutsideKey(isStream: false, port: port, remote: Self.anybody)
    fixed[key] = outside
    bindings[outside] = Binding(
      key: key, inside: inside, port: port, lifetime: lifetime, lastUsed: now.nanoseconds, welcomes: .host(peer))
    return (port, true)
  }

  // MARK: - Ports

  private mutating func forget(_ key: InsideKey) {
    guard let outside = ports.removeValue(forKey: key) else { return }
    bindings[outside] = nil
  }

  private mutating func freePort(for inside: TransportAddress, to remote: TransportAddress, isStream: Bool, at now: Instant) -> UInt16? {
    var wanted = assigner.candidates(for: inside.port, after: sibling(of: inside, isStream: isStream, at: now))
    while let candidate = wanted.next() {
      if take(outsideKey(candidate, remote, isStream: isStream), at: now) { return candidate }
    }
    return nil
  }

  /// The outside port of the even port below an odd one.
  private func sibling(of inside: TransportAddress, isStream: Bool, at now: Instant) -> UInt16? {
    guard nat.ports == .contiguous, !inside.port.isMultiple(of: 2) else { return nil }
    let even = TransportAddress(inside.address, port: inside.port - 1)
    let found = bindings.values.filter { $0.inside == even && $0.key.isStream == isStream && $0.isAlive(at: now.nanoseconds) }
    return found.map(\.port).min()
  }

  /// Whether a port is free; an expired binding gives its port up.
  private mutating func take(_ outside: OutsideKey, at now: Instant) -> Bool {
    guard let binding = bindings[outside] else { return !isOverloading || fixed.isEmpty || isFreeForAll(outside, at: now) }
    guard !binding.isAlive(at: now.nanoseconds) else { return false }
    ports[binding.key] = nil
    fixed[binding.key] = nil
    bindings[outside] = nil
    return true
  }

  /// A port that is fixed for somebody is not overloaded.
  private func isFreeForAll(_ outside: OutsideKey, at now: Instant) -> Bool {
    let open = OutsideKey(isStream: outside.isStream, port: outside.port, remote: Self.anybody)
    return bindings[open]?.isAlive(at: now.nanoseconds) != true
  }
}
