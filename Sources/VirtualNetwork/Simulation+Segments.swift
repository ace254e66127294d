import SansIO

// TCP: segments that arrive.
extension Simulation {
  func deliver(_ flight: SegmentInFlight) {
    let (number, side) = (flight.stream, 1 - flight.side)
    if streams[number].isTranslated, !entersThroughNAT(flight) { return }
    statistics.packetsDelivered += 1
    if !sinks.isEmpty {
      let stream = streams[number]
      let (source, target) = (stream[flight.side].seen, stream[side])
      let fate: Fate = target.seen == target.address ? .delivered : .translated(port: target.seen.port)
      tap(target.host, .received, .tcp(flight.header), source, target.address, flight.payload, flight.label, fate)
    }
    let flags = flight.header.flags
    switch streams[number][side].phase {
    case .over: if flags.contains(.fin) { acknowledge(number, side) }
    case .gone: if !flags.contains(.rst) { refuse(number, side) }
    case .waiting: if flags.contains(.syn) { takeSyn(flight) }
    case .opening, .accepting, .open:
      if flags.contains(.rst) { takeReset(number, side) } else if flags.contains(.syn) { takeSynAnswer(flight) } else { take(flight, side) }
    }
  }

  private func takeReset(_ number: Int, _ side: Int) {
    let own = streams[number][side]
    leave(number, side, as: .gone)
    switch own.phase {
    case .opening: tell(own.host, .refused(own.id, .refused))
    case .open: tell(own.host, .closed(own.id, .reset))
    case .waiting, .accepting, .over, .gone: break
    }
  }

  private func takeSyn(_ flight: SegmentInFlight) {
    let number = flight.stream
    streams[number][1].expected = flight.header.sequence &+ 1
    guard let listener = listeners[streams[number][1].address] else { return refuse(number, 1) }
    streams[number].port = listener.port
    streams[number][1].phase = .accepting
    answerSyn(number)
  }

  private func takeSynAnswer(_ flight: SegmentInFlight) {
    let number = flight.stream
    guard streams[number][0].phase == .opening else { return acknowledge(number, 0) }
    streams[number][0].phase = .open
    streams[number][0].expected = flight.header.sequence &+ 1
    takeAcknowledgement(flight, 0)
    acknowledge(number, 0)
    let stream = streams[number]
    tell(stream[0].host, .opened(stream[0].id, local: stream[0].address, remote: stream[1].address))
  }

  private func take(_ flight: SegmentInFlight, _ side: Int) {
    let number = flight.stream
    takeAcknowledgement(flight, side)
    if streams[number][side].phase == .accepting { establish(number) }
    defer { endIfOver(number, side) }
    guard flight.header.flags.contains(.fin) || !flight.payload.isEmpty else { return }
    // A host that has left takes nothing more: what still comes is refused, as a kernel does.
    if streams[number][side].isClosed, !flight.payload.isEmpty { return reset(number, by: side) }
    // A copy of what has been taken already only gets its acknowledgement again.
    if Int32(bitPattern: flight.header.sequence &- streams[number][side].expected) < 0 { return acknowledge(number, side) }
    streams[number][side].early[flight.header.sequence] = flight
    takeInOrder(number, side)
  }

  /// The handshake is over on the accepting side: the listener's host gets its connection.
  private func establish(_ number: Int) {
    let host = streams[number][1].host
    let id = ConnectionID(hosts[host].nextConnection)
    hosts[host].nextConnection += 2
    streams[number][1].phase = .open
    streams[number][1].id = id
    hosts[host].streams[id] = StreamEnd(stream: number, side: 1)
    let stream = streams[number]
    tell(host, .accepted(id, stream.port, local: stream[1].address, remote: stream[0].seen))
  }

  private func takeAcknowledgement(_ flight: SegmentInFlight, _ side: Int) {
    let acknowledged = flight.header.acknowledgement
    let number = flight.stream
    var sequence = streams[number][side].acknowledged
    guard flight.header.flags.contains(.ack), Int32(bitPattern: acknowledged &- sequence) > 0 else { return }
    while sequence != acknowledged, let segment = streams[number][side].segments.removeValue(forKey: SegmentID(sequence: sequence)) {
      sequence &+= segment.length
    }
    streams[number][side].acknowledged = acknowledged
    let own = streams[number][side]
    guard own.hasWritten, own.segments.isEmpty else { return }
    streams[number][side].hasWritten = false
    if !own.isClosed { tell(own.host, .drained(own.id)) }
  }

  /// Hands on all segments whose turn has come.
  private func takeInOrder(_ number: Int, _ side: Int) {
    var hasMoved = false
    while let flight = streams[number][side].early.removeValue(forKey: streams[number][side].expected) {
      hasMoved = true
      streams[number][side].expected &+= UInt32(flight.payload.count) + (flight.header.flags.contains(.fin) ? 1 : 0)
      let own = streams[number][side]
      if !flight.payload.isEmpty, !own.isClosed { tell(own.host, .bytes(own.id, flight.payload)) }
      if flight.header.flags.contains(.fin) {
        streams[number][side].finReceived = true
        if !streams[number][side].isClosed { tell(own.host, .ended(own.id)) }
      }
      // The host may have reset the connection in answer.
      guard streams[number][side].phase == .open else { return }
      // What the host wrote in answer has carried the acknowledgement already.
      if streams[number][side].next == own.next { acknowledge(number, side) }
    }
    // One that came before its turn: the acknowledgement says where we are.
    if !hasMoved { acknowledge(number, side) }
  }

  /// The peer's FIN is taken and our own acknowledged: for this side the connection is over.
  private func endIfOver(_ number: Int, _ side: Int) {
    let own = streams[number][side]
    guard own.phase == .open, own.finReceived, own.finSent, own.segments.isEmpty else { return }
    leave(number, side, as: .over)
    tell(own.host, .closed(own.id, .orderly))
  }
}
