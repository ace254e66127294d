import SansIO

/// One TCP connection between two hosts (RFC 9293); side 0 opened it. Each side has its own view of how far it is:
///
/// ```
///   side 0:  opening ──SYN-ACK──► open ──┐
///   side 1:  waiting ──SYN──► accepting ──ACK──► open ──┤
///                                                       ├─ FIN taken and own FIN acknowledged ──► over   late copies are acknowledged
///                                                       └─ RST, retransmission given up ───────► gone    what still comes gets RST
/// ```
struct VirtualStream {
  enum Phase: Hashable { case waiting, opening, accepting, open, over, gone }

  struct Side {
    var phase: Phase
    var host: Int
    var id: ConnectionID
    var address: TransportAddress
    /// The same as the peer sees it: behind a NAT another one.
    var seen: TransportAddress
    /// Sequence number of the next byte to be written.
    var next: UInt32
    /// What the peer has acknowledged, and what this side has taken in order.
    var acknowledged: UInt32
    var expected: UInt32 = 0
    var segments: [SegmentID: Segment] = [:]
    /// Segments that came before their turn.
    var early: [UInt32: SegmentInFlight] = [:]
    var hasWritten = false
    var finSent = false
    var finReceived = false
    /// The host closed: of what the peer sends it hears nothing more, only the end.
    var isClosed = false

    init(phase: Phase, host: Int, id: ConnectionID, address: TransportAddress, next: UInt32, acknowledged: UInt32) {
      self.phase = phase
      self.host = host
      self.id = id
      self.address = address
      seen = address
      self.next = next
      self.acknowledged = acknowledged
    }

    /// Before the handshake nothing can be written, after the end neither.
    var canWrite: Bool { phase == .open && !finSent }
  }

  var sides: (Side, Side)
  /// The listener's port.
  var port: PortID
  /// The NAT that side 0 stands behind, and the one whose outside address it called.
  var natOut: Int?
  var natInto: Int?

  var isTranslated: Bool { natOut != nil || natInto != nil }

  subscript(side: Int) -> Side {
    get { side == 0 ? sides.0 : sides.1 }
    _modify { if side == 0 { yield &sides.0 } else { yield &sides.1 } }
  }
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
  var fault: (number: UInt16, action: Fault.Action)?

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
}

/// A host's end of a connection: which one, and which side it is.
struct StreamEnd {
  var stream: Int
  var side: Int
}
