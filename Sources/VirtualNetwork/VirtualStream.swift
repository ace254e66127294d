import SansIO

/// One TCP connection between two hosts; side 0 opened it.
///
/// ```
///   side 0:  opening ──SYN-ACK──► open ──FIN both ways──► gone
///   side 1:  (SYN) accepting ──ACK──► open ──…
///   either:  RST, retransmission given up ──► gone
/// ```
struct VirtualStream {
  enum Phase: Hashable { case opening, accepting, open }

  struct Side {
    var host: Int
    var id: ConnectionID
    var address: TransportAddress
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
    /// The host closed: nothing more is told to it.
    var isClosed = false
  }

  var phase: Phase = .opening
  var sides: (Side, Side)
  /// The listener's port.
  var port: PortID

  subscript(side: Int) -> Side {
    get { side == 0 ? sides.0 : sides.1 }
    set { if side == 0 { sides.0 = newValue } else { sides.1 = newValue } }
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
}

/// A host's end of a connection: which one, and which side it is.
struct StreamEnd {
  var stream: Int
  var side: Int
}
