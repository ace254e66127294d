import SansIO

/// The NATs of a network: who stands behind which, and what becomes of packets that cross one.
struct NATs {
  private struct Box {
    let nat: NAT
    /// Its number among the hosts: it has a capture of its own, of what passes outside.
    let host: Int
    /// The hosts behind it, the first one first.
    let inside: [Int]
    var table: NATTable

    func outside(_ port: UInt16) -> TransportAddress { TransportAddress(nat.outside, port: port) }
  }

  /// What a host is to them.
  private struct Position {
    /// The NAT that it stands behind.
    var behind: Int?
    /// The NAT that it is itself.
    var own: Int?
  }

  /// How the way from one host to an address crosses NATs.
  struct Crossing {
    /// The NAT that the sender stands behind.
    var out: Int?
    /// The NAT that has the destination address.
    var into: Int?
    /// Nobody outside can reach the address.
    var isUnroutable = false
  }

  /// What became of a packet from inside, and what its NAT has to say about it.
  struct Departure {
    /// The source address that everybody outside sees, or why there is none.
    var outcome: Outcome
    var event: NATEvent?

    enum Outcome {
      case leaves(as: TransportAddress)
      case filtered(FilterReason)
    }
  }

  private var boxes = ContiguousArray<Box>()
  private var positions = ContiguousArray<Position>()

  var isEmpty: Bool { boxes.isEmpty }

  /// - Parameter host: its number among the hosts.
  mutating func add(_ nat: NAT, as host: Int, inside members: [Int]) {
    while positions.count <= max(host, members.max() ?? 0) { positions.append(Position()) }
    for member in members {
      precondition(positions[member].behind == nil, "host \(member) is behind two NATs")
      positions[member].behind = boxes.count
    }
    positions[host].own = boxes.count
    boxes.append(Box(nat: nat, host: host, inside: members, table: NATTable(nat)))
  }

  private func position(_ host: Int) -> Position { host < positions.count ? positions[host] : Position() }

  /// - Parameter target: the host with the address; -1 = none.
  /// - Returns: nil when no NAT is on the way.
  func crossing(from host: Int, to target: Int) -> Crossing? {
    let own = position(host).behind
    guard target >= 0 else { return own.map { Crossing(out: $0, isUnroutable: true) } }
    let (other, box) = (position(target).behind, position(target).own)
    if own == other, box == nil { return nil }
    return Crossing(out: own, into: box, isUnroutable: other != nil)
  }

  /// The number of a NAT's capture.
  func host(_ number: Int) -> Int { boxes[number].host }

  /// The NAT that a host is.
  func number(of host: Int) -> Int? { position(host).own }

  /// Who has an outside port.
  func inside(_ number: Int, of port: UInt16) -> TransportAddress? { boxes[number].table.inside(of: port) }

  /// The host behind a NAT that stands first.
  func firstInside(_ number: Int) -> Int { boxes[number].inside[0] }

  // MARK: - Packets

  /// A datagram leaves the NAT of its sender.
  mutating func send(_ number: Int, _ source: TransportAddress, _ destination: TransportAddress, into: Int?, at now: Instant) -> Departure {
    if into == number, !boxes[number].nat.hairpin { return Self.dropped(.noHairpin, source, destination) }
    switch boxes[number].table.passOut(source, to: destination, at: now) {
    case .outbound(let port, let isNew): return left(number, source, port, isNew: isNew, isStream: false)
    case .filtered(let reason): return Self.dropped(reason, source, destination)
    case .inbound: preconditionFailure("what leaves does not come in")
    }
  }

  /// A segment leaves the NAT of its sender.
  mutating func send(
    _ number: Int, _ source: TransportAddress, _ destination: TransportAddress, _ flags: TCPSegment.Flags, at now: Instant
  ) -> Departure {
    switch boxes[number].table.passOut(source, to: destination, isStream: true, opens: flags.contains(.syn), at: now) {
    case .outbound(let port, let isNew):
      boxes[number].table.streamEnds(port: port, flags, isOutbound: true)
      return left(number, source, port, isNew: isNew, isStream: true)
    case .filtered(let reason): return Self.dropped(reason, source, destination)
    case .inbound: preconditionFailure("what leaves does not come in")
    }
  }

  private func left(_ number: Int, _ source: TransportAddress, _ port: UInt16, isNew: Bool, isStream: Bool) -> Departure {
    let outside = boxes[number].outside(port)
    return Departure(outcome: .leaves(as: outside), event: isNew ? .mapped(inside: source, outside: outside, isStream: isStream) : nil)
  }

  private static func dropped(_ reason: FilterReason, _ source: TransportAddress, _ destination: TransportAddress) -> Departure {
    Departure(outcome: .filtered(reason), event: .dropped(reason, source: source, destination: destination))
  }

  /// What becomes of a packet from outside.
  enum Entry {
    case enters(to: TransportAddress)
    case filtered(FilterReason)
  }

  /// A datagram from outside is at a NAT.
  mutating func receive(_ number: Int, _ source: TransportAddress, port: UInt16, at now: Instant) -> Entry {
    entry(boxes[number].table.passIn(port: port, from: source, at: now))
  }

  /// A segment from outside is at a NAT: one of a connection that was opened from inside, or it stays there (RFC 5382 §4.3).
  mutating func receive(
    _ number: Int, _ source: TransportAddress, port: UInt16, _ flags: TCPSegment.Flags, isFromOpener: Bool, at now: Instant
  ) -> Entry {
    guard !isFromOpener else { return .filtered(.inboundConnection) }
    let entry = entry(boxes[number].table.passIn(port: port, from: source, isStream: true, at: now))
    if case .enters = entry { boxes[number].table.streamEnds(port: port, flags, isOutbound: false) }
    return entry
  }

  private func entry(_ passage: NATTable.Passage) -> Entry {
    switch passage {
    case .inbound(let inside): .enters(to: inside)
    case .filtered(let reason): .filtered(reason)
    case .outbound: preconditionFailure("what comes in does not leave")
    }
  }
}
