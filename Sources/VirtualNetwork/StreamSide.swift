import SansIO

/// What one host knows of a connection: how far it is, what it has sent and not seen acknowledged, and what came before its turn.
struct StreamSide {
  enum Phase: Hashable { case waiting, opening, accepting, open, over, gone }

  private(set) var phase: Phase
  let host: Int
  private(set) var id: ConnectionID
  let address: TransportAddress
  /// The same as the peer sees it: behind a NAT another one.
  var seen: TransportAddress
  /// Sequence number of the next byte to be written.
  private(set) var next: UInt32
  /// What the peer has acknowledged, and what this side has taken in order.
  private var acknowledged: UInt32
  var expected: UInt32 = 0
  private(set) var segments: [SegmentID: Segment] = [:]
  /// Segments that came before their turn.
  private var early: [UInt32: SegmentInFlight] = [:]
  var hasWritten = false
  var finSent = false
  /// A fault sent the FIN, not the host.
  var isCutOff = false
  private var finReceived = false
  /// The host closed: of what the peer sends it hears nothing more, only the end.
  var isClosed = false

  /// - Parameter sequence: its initial sequence number.
  init(phase: Phase, host: Int, id: ConnectionID, address: TransportAddress, sequence: UInt32) {
    self.phase = phase
    self.host = host
    self.id = id
    self.address = address
    seen = address
    next = sequence
    acknowledged = sequence
  }

  /// Before the handshake nothing can be written, after the end neither.
  var canWrite: Bool { phase == .open && !finSent }

  /// Whether its host has no more to do with the connection.
  var hasLeft: Bool { phase == .over || phase == .gone }

  /// The peer's FIN is taken and its own acknowledged.
  var isOver: Bool { phase == .open && finReceived && finSent && segments.isEmpty }

  mutating func accept() { phase = .accepting }

  /// - Parameter id: of the connection at this side's host.
  mutating func establish(as id: ConnectionID? = nil) {
    phase = .open
    if let id { self.id = id }
  }

  /// This side is done with the connection: nothing is kept, nothing is sent again.
  mutating func leave(as phase: Phase) {
    self.phase = phase
    segments = [:]
    early = [:]
  }

  /// Keeps a segment until it is acknowledged.
  mutating func keep(_ segment: Segment) -> SegmentID {
    let id = SegmentID(sequence: next)
    segments[id] = segment
    next &+= segment.length
    return id
  }

  /// - Returns: whether all that the host has written is with the peer now.
  mutating func takeAcknowledgement(_ header: TCPSegment) -> Bool {
    guard header.flags.contains(.ack), Int32(bitPattern: header.acknowledgement &- acknowledged) > 0 else { return false }
    while acknowledged != header.acknowledgement, let segment = segments.removeValue(forKey: SegmentID(sequence: acknowledged)) {
      acknowledged &+= segment.length
    }
    acknowledged = header.acknowledgement
    guard hasWritten, segments.isEmpty else { return false }
    hasWritten = false
    return !isClosed
  }

  /// A copy of what has been taken already.
  func hasTaken(_ header: TCPSegment) -> Bool { Int32(bitPattern: header.sequence &- expected) < 0 }

  mutating func keepEarly(_ flight: SegmentInFlight) { early[flight.header.sequence] = flight }

  /// The segment whose turn has come.
  mutating func takeNext() -> SegmentInFlight? {
    guard let flight = early.removeValue(forKey: expected) else { return nil }
    expected &+= UInt32(flight.payload.count) + (flight.header.flags.contains(.fin) ? 1 : 0)
    return flight
  }

  mutating func takeFin() { finReceived = true }
}

/// A segment by the sequence number of its first byte.
struct SegmentID: Hashable {
  var sequence: UInt32
}

/// A segment that its sender keeps until it is acknowledged.
struct Segment {
  var flags: TCPSegment.Flags
  var payload: Bytes
  var label: Label
  var fault: FaultTable.Hit?

  /// SYN and FIN take a sequence number each.
  var length: UInt32 { UInt32(payload.count) + (flags.contains(.syn) || flags.contains(.fin) ? 1 : 0) }
}

/// A segment on its way.
struct SegmentInFlight {
  var stream: Int
  /// The side that sent it.
  var side: Int
  var header: TCPSegment
  var payload: Bytes
  var label: Label
  /// Which transmission it is, from 0; nil where nobody repeats it.
  var attempt: UInt8?

  /// Of the IP packet: 20 octets of IPv4 or 40 of IPv6, and 20 of TCP (RFC 9293 §3.1).
  func octets(isIPv6: Bool) -> Int { payload.count + (isIPv6 ? 60 : 40) }
}
