import SansIO

/// A segment at its receiver. What the host hears of it comes one thing at a time, since it may write, close or reset before the next.
///
/// ```
///   arrival ─► acknowledgement ─► handshake ─► payload ─► turn ⇄ fin, answer   the next in order: its bytes, its FIN, our ACK
///      │                                          │         │
///      └─────── SYN, RST, too late ───────────────┴─────────┴──────────► end ─► over
/// ```
struct SegmentVisit {
  enum Stage {
    case arrival
    case acknowledgement
    case handshake
    case payload
    /// One is looked for whose turn has come.
    case turn(hasMoved: Bool)
    /// Its bytes were told. `next`: what the host would have written next before that.
    case fin(SegmentInFlight, next: UInt32)
    case answer(next: UInt32)
    case end
    case over
  }

  let flight: SegmentInFlight
  var stage = Stage.arrival
  /// The side that it came to.
  var side: Int { 1 - flight.side }

  init(_ flight: SegmentInFlight) { self.flight = flight }

  /// Goes on to what the host hears next; nil at the end.
  ///
  /// - Parameters:
  ///   - listener: the port that takes connections at the receiver's address.
  ///   - nextConnection: the number of the next connection that the receiver accepts.
  mutating func advance(
    _ stream: inout VirtualStream, listener: PortID?, nextConnection: inout UInt32, on wire: inout Wire
  ) -> StreamNews? {
    while true {
      switch stage {
      case .arrival: if let news = arrive(&stream, listener, on: &wire) { return news }
      case .acknowledgement:
        stage = .handshake
        if stream[side].takeAcknowledgement(flight.header) { return news(stream) { .drained($0) } }
      case .handshake:
        stage = .payload
        if stream[side].phase == .accepting { return establish(&stream, &nextConnection) }
      case .payload: stage = takePayload(&stream, on: &wire)
      case .turn(let hasMoved): if let news = takeTurn(&stream, hasMoved: hasMoved, on: &wire) { return news }
      case .fin(let flight, let next):
        stage = .answer(next: next)
        guard flight.header.flags.contains(.fin) else { continue }
        stream[side].takeFin()
        if !stream[side].isClosed { return news(stream) { .ended($0) } }
      case .answer(let next): stage = answer(&stream, next, on: &wire)
      case .end:
        stage = .over
        guard stream[side].isOver else { continue }
        stream[side].leave(as: .over)
        return news(stream) { .closed($0, .orderly) }
      case .over: return nil
      }
    }
  }

  private func news(_ stream: VirtualStream, _ arrival: (ConnectionID) -> Arrival) -> StreamNews {
    StreamNews(host: stream[side].host, arrival(stream[side].id))
  }

  // MARK: - Before and after the connection

  private mutating func arrive(_ stream: inout VirtualStream, _ listener: PortID?, on wire: inout Wire) -> StreamNews? {
    let flags = flight.header.flags
    stage = .over
    switch stream[side].phase {
    case .over: if flags.contains(.fin) { stream.acknowledge(by: side, on: &wire) }
    case .gone: if !flags.contains(.rst) { stream.refuse(by: side, on: &wire) }
    case .waiting: if flags.contains(.syn) { takeSyn(&stream, listener, on: &wire) }
    case .opening, .accepting, .open:
      if flags.contains(.rst) { return takeReset(&stream) }
      if flags.contains(.syn) { return takeSynAnswer(&stream, on: &wire) }
      stage = .acknowledgement
    }
    return nil
  }

  private func takeReset(_ stream: inout VirtualStream) -> StreamNews? {
    let phase = stream[side].phase
    stream[side].leave(as: .gone)
    switch phase {
    case .opening: return news(stream) { .refused($0, .refused) }
    case .open: return news(stream) { .closed($0, .reset) }
    case .waiting, .accepting, .over, .gone: return nil
    }
  }

  private func takeSyn(_ stream: inout VirtualStream, _ listener: PortID?, on wire: inout Wire) {
    stream[1].expected = flight.header.sequence &+ 1
    guard let listener else { return stream.refuse(by: 1, on: &wire) }
    stream.accept(at: listener, on: &wire)
  }

  private func takeSynAnswer(_ stream: inout VirtualStream, on wire: inout Wire) -> StreamNews? {
    guard stream[0].phase == .opening else {
      stream.acknowledge(by: 0, on: &wire)
      return nil
    }
    stream[0].establish()
    stream[0].expected = flight.header.sequence &+ 1
    _ = stream[0].takeAcknowledgement(flight.header)
    stream.acknowledge(by: 0, on: &wire)
    return StreamNews(host: stream[0].host, .opened(stream[0].id, local: stream[0].address, remote: stream[1].seen))
  }

  /// The handshake is over on the accepting side: the listener's host gets its connection.
  private func establish(_ stream: inout VirtualStream, _ nextConnection: inout UInt32) -> StreamNews {
    stream[side].establish(as: ConnectionID(nextConnection))
    nextConnection += 2
    let (port, local, remote) = (stream.listener, stream[1].address, stream[0].seen)
    return news(stream) { .accepted($0, port, local: local, remote: remote) }
  }

  // MARK: - Bytes

  private func takePayload(_ stream: inout VirtualStream, on wire: inout Wire) -> Stage {
    guard flight.header.flags.contains(.fin) || !flight.payload.isEmpty else { return .end }
    // A host that has left takes nothing more: what still comes is refused, as a kernel does.
    if stream[side].isClosed, !flight.payload.isEmpty {
      stream.reset(by: side, on: &wire)
      return .end
    }
    // A copy of what has been taken already only gets its acknowledgement again.
    if stream[side].hasTaken(flight.header) {
      stream.acknowledge(by: side, on: &wire)
      return .end
    }
    stream[side].keepEarly(flight)
    return .turn(hasMoved: false)
  }

  private mutating func takeTurn(_ stream: inout VirtualStream, hasMoved: Bool, on wire: inout Wire) -> StreamNews? {
    guard let next = stream[side].takeNext() else {
      // One that came before its turn: the acknowledgement says where we are.
      if !hasMoved { stream.acknowledge(by: side, on: &wire) }
      stage = .end
      return nil
    }
    stage = .fin(next, next: stream[side].next)
    return next.payload.isEmpty || stream[side].isClosed ? nil : news(stream) { .bytes($0, next.payload) }
  }

  private func answer(_ stream: inout VirtualStream, _ next: UInt32, on wire: inout Wire) -> Stage {
    // The host may have reset the connection in answer.
    guard stream[side].phase == .open else { return .end }
    // What the host wrote in answer has carried the acknowledgement already.
    if stream[side].next == next { stream.acknowledge(by: side, on: &wire) }
    return .turn(hasMoved: true)
  }
}
