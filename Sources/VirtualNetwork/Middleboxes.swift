import SansIO

/// The NATs and firewalls of a network: who stands behind which, and what becomes of packets that cross one.
///
/// ```
///   host ──► innermost box ──► … ──► outermost box ──► link ──► outermost box ──► … ──► innermost box ──► host
///             out: its own          out                         in                      in
/// ```
/// A box may stand behind another one. Inside a box, addresses of hosts (and outside addresses of NATs) that stand there too are reached
/// directly; everything else goes out through it.
struct Middleboxes {
  private struct Box {
    /// Its number among the hosts: it has a capture of its own, of what passes outside.
    let host: Int
    /// The hosts behind it, the first one first.
    let inside: [Int]
    /// The box that it stands behind.
    var behind: Int?
    var nat: NATBox?
    var firewall: FirewallTable?
  }

  /// A NAT with its bindings.
  private struct NATBox {
    var nat: NAT
    let generator: SeededGenerator
    var reboots = 0
    var table: NATTable

    init(_ nat: NAT, _ generator: SeededGenerator) {
      (self.nat, self.generator) = (nat, generator)
      table = NATTable(nat, generator: generator)
    }

    mutating func reboot(outside: IPAddress?) {
      if let outside { nat.outside = outside }
      reboots += 1
      table = NATTable(nat, generator: generator.fork("reboot \(reboots)"))
    }
  }

  /// What a host is to them.
  private struct Position {
    /// The box that it stands behind.
    var behind: Int?
    /// The box that it is itself.
    var own: Int?
  }

  /// What a box did with a packet.
  struct Passage {
    /// nil = it passes.
    var filtered: FilterReason?
    var event: BoxEvent?
    var rewriting: Rewriting?
  }

  private let generator: SeededGenerator
  private var boxes = ContiguousArray<Box>()
  private var positions = ContiguousArray<Position>()

  init(_ generator: SeededGenerator) { self.generator = generator }

  var isEmpty: Bool { boxes.isEmpty }

  // MARK: - Who stands where

  /// - Parameters:
  ///   - host: its number among the hosts.
  ///   - members: hosts, and boxes that stand behind this one.
  mutating func add(_ nat: NAT, name: String, as host: Int, inside members: [Int]) {
    if nat.alg != nil { hasGateways = true }
    add(Box(host: host, inside: members, nat: NATBox(nat, generator.fork("nat \(name)"))))
  }

  mutating func add(_ firewall: Firewall, as host: Int, inside members: [Int]) {
    add(Box(host: host, inside: members, firewall: FirewallTable(firewall)))
  }

  private mutating func add(_ box: Box) {
    while positions.count <= max(box.host, box.inside.max() ?? 0) { positions.append(Position()) }
    for member in box.inside {
      precondition(positions[member].behind == nil, "host \(member) is behind two boxes at once")
      positions[member].behind = boxes.count
      if let own = positions[member].own { boxes[own].behind = boxes.count }
    }
    positions[box.host].own = boxes.count
    boxes.append(box)
  }

  private func position(_ host: Int) -> Position { host >= 0 && host < positions.count ? positions[host] : Position() }

  /// The box that a host stands behind, or the one that a box stands behind.
  func first(of host: Int) -> Int? { position(host).behind }
  func next(after box: Int) -> Int? { boxes[box].behind }

  /// The number of a box's capture.
  func host(_ box: Int) -> Int { boxes[box].host }

  /// The box that a host is.
  func number(of host: Int) -> Int? { position(host).own }

  /// Whether a host stands somewhere behind a box.
  func contains(_ box: Int, _ host: Int) -> Bool {
    var current = position(host).behind
    while let number = current {
      if number == box { return true }
      current = boxes[number].behind
    }
    return false
  }

  /// Where a packet for a host's address goes next, once it is inside a box (nil = outside all): another box, or the host.
  ///
  /// - Returns: nil when nobody there has the address: a NAT hides it.
  func place(of host: Int, inside box: Int?) -> Delivery.Place? {
    guard host >= 0 else { return nil }
    let position = position(host)
    guard position.behind != box else { return position.own.map { .box($0) } ?? .host(host) }
    var current = position.behind
    while let number = current {
      if boxes[number].behind == box { return boxes[number].nat == nil ? .box(number) : nil }
      current = boxes[number].behind
    }
    return nil
  }

  /// The host that a packet is for in the end, as far as anybody outside can tell: whose link it takes.
  func receiver(at place: Delivery.Place, _ destination: TransportAddress, from source: TransportAddress, _ topology: inout Topology) -> Int
  {
    switch place {
    case .host(let host): return host
    case .box(let box):
      guard boxes[box].nat != nil else {
        let host = topology.host(of: destination.address)
        return host < 0 || position(host).own != nil ? boxes[box].host : host
      }
      guard let inside = boxes[box].nat?.table.inside(of: destination.port, from: source) else { return member(box) }
      let host = topology.host(of: inside.address)
      guard host >= 0 else { return member(box) }
      guard let own = position(host).own, own != box else { return host }
      return receiver(at: .box(own), inside, from: source, &topology)
    }
  }

  /// The first host behind a box.
  private func member(_ box: Int) -> Int {
    let first = boxes[box].inside[0]
    return position(first).own.map { member($0) } ?? first
  }

  /// Who has an outside port of a NAT.
  func inside(_ box: Int, of port: UInt16, from remote: TransportAddress, isStream: Bool = false) -> TransportAddress? {
    boxes[box].nat?.table.inside(of: port, from: remote, isStream: isStream)
  }

  /// How an address inside a box is known outside, without a packet; nil = it is not.
  func outside(of inside: TransportAddress, towards remote: TransportAddress, _ box: Int, isStream: Bool) -> TransportAddress? {
    guard let nat = boxes[box].nat else { return inside }
    return nat.table.outside(of: inside, to: remote, isStream: isStream).map { TransportAddress(nat.nat.outside, port: $0) }
  }

  // MARK: - Packets

  /// A packet leaves a box. Its addresses are rewritten in place.
  ///
  /// - Parameter flags: of a TCP segment; nil = a datagram.
  mutating func passOut(
    _ box: Int, _ source: inout TransportAddress, _ destination: inout TransportAddress, _ flags: TCPSegment.Flags? = nil, isHairpin: Bool,
    at now: Instant
  ) -> Passage {
    let (from, to) = (source, destination)
    if boxes[box].nat == nil {
      let reason = boxes[box].firewall?.passOut(from, to: to, flags, at: now)
      return Passage(filtered: reason, event: reason.map { .dropped($0, source: from, destination: to) })
    }
    guard let nat = boxes[box].nat?.nat else { return Passage() }
    if isHairpin, !nat.hairpin { return Self.dropped(.noHairpin, from, to) }
    guard let remote = nat.translated(to) else { return Self.dropped(.wrongFamily, from, to) }
    let isStream = flags != nil
    let opens = flags.map { $0.contains(.syn) } ?? true
    switch boxes[box].nat?.table.passOut(from, to: remote, isStream: isStream, opens: opens, at: now) {
    case .outbound(let port, let isNew):
      if let flags { boxes[box].nat?.table.streamEnds(port: port, with: remote, flags, isOutbound: true) }
      (source, destination) = (TransportAddress(nat.outside, port: port), remote)
      return Passage(event: isNew ? .mapped(inside: from, outside: source, isStream: isStream) : nil)
    case .filtered(let reason): return Self.dropped(reason, from, to)
    case .inbound, nil: preconditionFailure("what leaves does not come in")
    }
  }

  private static func dropped(_ reason: FilterReason, _ source: TransportAddress, _ destination: TransportAddress) -> Passage {
    Passage(filtered: reason, event: .dropped(reason, source: source, destination: destination))
  }

  /// A packet from outside enters a box. Its addresses are rewritten in place.
  mutating func passIn(
    _ box: Int, _ source: inout TransportAddress, _ destination: inout TransportAddress, _ flags: TCPSegment.Flags? = nil, at now: Instant
  ) -> Passage {
    let (from, to) = (source, destination)
    if boxes[box].nat == nil {
      let reason = boxes[box].firewall?.passIn(from, to: to, flags, at: now)
      return Passage(filtered: reason, event: reason.map { .dropped($0, source: from, destination: to) })
    }
    guard let nat = boxes[box].nat?.nat else { return Passage() }
    // A connection from outside stays there, unless its port is forwarded (RFC 5382 §4.3).
    let opens = flags.map { $0.contains(.syn) && !$0.contains(.ack) } ?? false
    if opens, !nat.forwards.contains(where: { $0.port == to.port }) { return Self.dropped(.inboundConnection, from, to) }
    switch boxes[box].nat?.table.passIn(port: to.port, from: from, isStream: flags != nil, at: now) {
    case .inbound(let inside):
      if let flags { boxes[box].nat?.table.streamEnds(port: to.port, with: from, flags, isOutbound: false) }
      (source, destination) = (nat.embedded(from), inside)
      return Passage()
    case .filtered(let reason): return Self.dropped(reason, from, to)
    case .outbound, nil: preconditionFailure("what comes in does not leave")
    }
  }

  /// The destination outside a box for one inside; nil = it has no address there.
  func translated(_ box: Int, _ destination: TransportAddress) -> TransportAddress? {
    guard let nat = boxes[box].nat?.nat else { return destination }
    return nat.translated(destination)
  }

  /// Where a forward leads that stands at a NAT's outside port.
  func forward(_ box: Int, _ port: UInt16) -> TransportAddress? {
    boxes[box].nat?.nat.forwards.first { $0.port == port }?.inside
  }

  // MARK: - The application level gateway

  /// Whether any box reads SIP.
  private(set) var hasGateways = false

  /// What the gateway of a box makes of a message that has just passed it; nil = it leaves it as it is.
  ///
  /// - Parameters:
  ///   - inside: the address of the host inside, and what stands for it outside.
  ///   - peer: the other end.
  mutating func rewrite(
    _ box: Int, _ bytes: Bytes, isOutbound: Bool, inside: TransportAddress, outside: TransportAddress, peer: TransportAddress,
    at now: Instant
  ) -> Rewriting? {
    guard let alg = boxes[box].nat?.nat.alg, [inside.port, outside.port, peer.port].contains(alg.port) else { return nil }
    let replacement = isOutbound ? SIPALG.Replacement(inside, outside) : SIPALG.Replacement(outside, inside)
    return alg.rewrite(bytes, isOutbound: isOutbound, replacement) { own in
      boxes[box].nat?.table.promise(own, to: peer.address, at: now)?.port
    }
  }

  // MARK: - What happens to boxes

  /// A NAT or firewall forgets everything.
  ///
  /// - Parameter outside: the address that a NAT has from now on; nil = the same.
  mutating func reboot(_ box: Int, outside: IPAddress?) {
    boxes[box].nat?.reboot(outside: outside)
    boxes[box].firewall?.forgetAll()
  }

  func outside(_ box: Int) -> IPAddress? { boxes[box].nat?.nat.outside }
}

extension NAT {
  /// The destination outside for one inside: the IPv4 address below the prefix (RFC 6052 §2.2); nil = it has no address there.
  func translated(_ destination: TransportAddress) -> TransportAddress? {
    guard let prefix else { return destination.address.isIPv6 ? nil : destination }
    guard destination.address.isIPv6, destination.address.high == prefix.high, destination.address.low >> 32 == prefix.low >> 32 else {
      return nil
    }
    return TransportAddress(IPAddress(v4: UInt32(truncatingIfNeeded: destination.address.low)), port: destination.port)
  }

  /// How hosts inside see an address outside.
  func embedded(_ source: TransportAddress) -> TransportAddress {
    guard let prefix, !source.address.isIPv6 else { return source }
    return TransportAddress(IPAddress(high: prefix.high, low: prefix.low | source.address.low), port: source.port)
  }
}
