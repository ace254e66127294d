import SansIO

/// One TCP connection between two hosts (RFC 9293); side 0 opened it. Each side has its own view of how far it is:
///
/// ```
///   side 0:  opening ──SYN-ACK──► open ──┐
///   side 1:  waiting ──SYN──► accepting ──ACK──► open ──┤
///                                                       ├─ FIN taken and own FIN acknowledged ──► over   late copies are acknowledged
///                                                       └─ RST, retransmission given up ───────► gone    what still comes gets RST
/// ```
/// The model is that of design section 5: segments of at most 1,460 bytes, a lost one again after 200 ms and doubling, those behind it
/// wait; a lost SYN again after 1, 2 and 4 s; data is never corrupted.
struct VirtualStream {
  static let segmentSize = 1_460
  private static let firstRetransmission: Int64 = 200_000_000
  private static let firstSynRetransmission: Int64 = 1_000_000_000
  /// Data segments leave at most so often; then the connection has timed out.
  private static let attempts = 8
  private static let synAttempts = 4

  /// Its place in the table.
  let number: Int
  private var sides: (StreamSide, StreamSide)
  /// Through which boxes it goes.
  let route: StreamRoute
  /// The address that side 0 called, as it is outside all boxes.
  var target: TransportAddress
  let isTranslated: Bool
  /// The gateway that has changed something of it.
  var gateway: StreamGateway?
  /// The port that took it.
  private(set) var listener = PortID(0)

  init(number: Int, from opener: StreamSide, to listener: StreamSide, _ route: StreamRoute) {
    self.number = number
    sides = (opener, listener)
    self.route = route
    target = listener.seen
    isTranslated = !route.exits.isEmpty || !route.entries.isEmpty
  }

  subscript(side: Int) -> StreamSide {
    get { side == 0 ? sides.0 : sides.1 }
    _modify { if side == 0 { yield &sides.0 } else { yield &sides.1 } }
  }

  // MARK: - What hosts ask

  mutating func open(on wire: inout Wire) { queue(0, [.syn], on: &wire) }

  /// A SYN came to a port that takes connections: it is answered with our sequence number.
  mutating func accept(at listener: PortID, on wire: inout Wire) {
    self.listener = listener
    self[1].accept()
    queue(1, [.syn, .ack], on: &wire)
  }

  mutating func write(_ bytes: Bytes, _ label: Label, by side: Int, on wire: inout Wire) {
    if self[side].phase == .open, self[side].isCutOff { return reset(by: side, on: &wire) }
    guard self[side].canWrite else { return }
    var (bytes, label) = (bytes, label)
    let fault = wire.fault(label, bytes, from: self[side].host, to: self[1 - side].host)
    if case .reset? = fault?.action { return reset(by: side, on: &wire) }
    if case .rewrite(let change)? = fault?.action { (bytes, label.isDeliberatelyBroken) = (change(bytes), true) }
    wire.rewrite(&bytes, &label, by: side, of: &self)
    self[side].hasWritten = true
    var offset = 0
    var longest = Self.segmentSize
    if case .split(let size)? = fault?.action { longest = min(max(1, size), longest) }
    while offset < bytes.count {
      let size = min(longest, bytes.count - offset)
      let flags: TCPSegment.Flags = offset + size == bytes.count ? [.ack, .psh] : [.ack]
      queue(side, flags, bytes[offset..<offset + size], label, fault, on: &wire)
      offset += size
    }
    if case .halfClose? = fault?.action { halfClose(by: side, on: &wire) }
  }

  /// A FIN that the host knows nothing of: what it writes later resets the connection.
  private mutating func halfClose(by side: Int, on wire: inout Wire) {
    finish(by: side, on: &wire)
    self[side].isCutOff = true
  }

  mutating func finish(by side: Int, on wire: inout Wire) {
    guard self[side].canWrite else { return }
    self[side].finSent = true
    queue(side, [.fin, .ack], on: &wire)
  }

  mutating func close(by side: Int, _ mode: CloseMode, on wire: inout Wire) {
    // Nobody has heard of the connection yet; a SYN-ACK that still comes is answered by RST (RFC 9293 §3.10.7.1).
    if self[side].phase == .opening { return self[side].leave(as: .gone) }
    if mode == .reset { return reset(by: side, on: &wire) }
    self[side].isClosed = true
    finish(by: side, on: &wire)
  }

  /// Sends RST and leaves. The host hears of it after what it is doing now, the peer when the segment arrives.
  mutating func reset(by side: Int, on wire: inout Wire) {
    refuse(by: side, on: &wire)
    self[side].leave(as: .gone)
    wire.schedule(.closed(host: self[side].host, self[side].id, .reset))
  }

  /// The same where no host is left that could hear of it.
  mutating func abandon(by side: Int, on wire: inout Wire) {
    switch self[side].phase {
    case .opening, .accepting, .open: refuse(by: side, on: &wire)
    case .waiting, .over, .gone: return
    }
    self[side].leave(as: .gone)
  }

  // MARK: - Sending

  /// Sends a segment that is repeated until it is acknowledged.
  private mutating func queue(
    _ side: Int, _ flags: TCPSegment.Flags, _ payload: Bytes = Bytes(), _ label: Label = .none, _ fault: FaultTable.Hit? = nil,
    on wire: inout Wire
  ) {
    let id = self[side].keep(Segment(flags: flags, payload: payload, label: label, fault: fault))
    send(side, id, attempt: 0, on: &wire)
  }

  private mutating func send(_ side: Int, _ id: SegmentID, attempt: Int, on wire: inout Wire) {
    guard let segment = self[side].segments[id] else { return }
    let header = TCPSegment(
      sequence: id.sequence, acknowledgement: segment.flags.contains(.ack) ? self[side].expected : 0, flags: segment.flags)
    let flight = SegmentInFlight(
      stream: number, side: side, header: header, payload: segment.payload, label: segment.label, attempt: UInt8(attempt))
    let willArrive = wire.send(flight, of: &self, isLossless: false, fault: attempt == 0 ? segment.fault : nil)
    if !willArrive { Self.sendAgain(flight, on: &wire) }
  }

  /// The retransmission timer of a segment that did not come through; an acknowledgement alone is not repeated.
  static func sendAgain(_ flight: SegmentInFlight, on wire: inout Wire) {
    guard let attempt = flight.attempt else { return }
    let first = flight.header.flags.contains(.syn) ? firstSynRetransmission : firstRetransmission
    let id = SegmentID(sequence: flight.header.sequence)
    wire.schedule(.resend(stream: flight.stream, side: flight.side, id, attempt: Int(attempt) + 1), after: first << Int64(attempt))
  }

  /// - Returns: what a host hears of it, if the segment is given up.
  mutating func resend(_ side: Int, _ id: SegmentID, attempt: Int, on wire: inout Wire) -> StreamNews? {
    guard let segment = self[side].segments[id] else { return nil }
    guard attempt < (segment.flags.contains(.syn) ? Self.synAttempts : Self.attempts) else { return giveUp(side) }
    send(side, id, attempt: attempt, on: &wire)
    return nil
  }

  /// Nothing came through: this side leaves. The other one learns of it when it writes.
  private mutating func giveUp(_ side: Int) -> StreamNews? {
    let (host, id, phase) = (self[side].host, self[side].id, self[side].phase)
    self[side].leave(as: .gone)
    switch phase {
    case .opening: return StreamNews(host: host, .refused(id, .timedOut))
    case .open: return StreamNews(host: host, .closed(id, .timedOut))
    // Its SYN arrived, so the opening side has none on its way: it waits for the answer just as long.
    case .accepting: return self[0].phase == .opening ? giveUp(0) : nil
    case .waiting, .over, .gone: return nil
    }
  }

  mutating func acknowledge(by side: Int, on wire: inout Wire) {
    let header = TCPSegment(sequence: self[side].next, acknowledgement: self[side].expected, flags: [.ack])
    sendAlone(header, side, on: &wire)
  }

  /// RST: for a SYN that nobody listens to, for what comes after the end, and as an end.
  mutating func refuse(by side: Int, on wire: inout Wire) {
    let sequence = self[side].phase == .waiting ? 0 : self[side].next
    sendAlone(TCPSegment(sequence: sequence, acknowledgement: self[side].expected, flags: [.rst, .ack], window: 0), side, on: &wire)
  }

  private mutating func sendAlone(_ header: TCPSegment, _ side: Int, on wire: inout Wire) {
    let flight = SegmentInFlight(stream: number, side: side, header: header, payload: Bytes(), label: .none)
    _ = wire.send(flight, of: &self, isLossless: true)
  }
}

/// What a host hears of a connection.
struct StreamNews {
  let host: Int
  let arrival: Arrival

  init(host: Int, _ arrival: Arrival) {
    self.host = host
    self.arrival = arrival
  }
}
