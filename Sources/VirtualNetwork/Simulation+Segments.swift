import SansIO

// TCP: segments that arrive.
extension Simulation {
  func deliver(_ flight: SegmentInFlight) {
    guard let stream = streams[flight.stream] else { return }
    let side = 1 - flight.side
    statistics.packetsDelivered += 1
    if !sinks.isEmpty {
      tap(
        stream[side].host, .received, .tcp(flight.header), stream[flight.side].address, stream[side].address, flight.payload, flight.label)
    }
    if flight.header.flags.contains(.rst) { return takeReset(flight.stream, side) }
    if flight.header.flags.contains(.syn) { return takeSyn(flight, stream, side) }
    takeAcknowledgement(flight, side)
    guard let own = streams[flight.stream]?[side] else { return }
    if stream.phase == .accepting, side == 1 { establish(flight.stream) }
    guard flight.header.flags.contains(.fin) || !flight.payload.isEmpty else { return }
    if own.isClosed, !flight.payload.isEmpty {
      // The host has left: what still comes is refused, as a kernel does.
      return reset(flight.stream, by: side, tellingSelf: false)
    }
    // A copy of what has been taken already only gets its acknowledgement again.
    if Int32(bitPattern: flight.header.sequence &- own.expected) < 0 { return acknowledge(flight.stream, side) }
    streams[flight.stream]?[side].early[flight.header.sequence] = flight
    takeInOrder(flight.stream, side)
  }

  private func takeReset(_ number: Int, _ side: Int) {
    guard let stream = streams[number] else { return }
    streams[number] = nil
    for each in 0..<2 where stream[each].id.rawValue != 0 {
      let end = stream[each]
      guard hosts[end.host].streams.removeValue(forKey: end.id) != nil, each == side, !end.isClosed else { continue }
      tell(end.host, stream.phase == .opening ? .refused(end.id, .refused) : .closed(end.id, .reset))
    }
  }

  private func takeSyn(_ flight: SegmentInFlight, _ stream: VirtualStream, _ side: Int) {
    let number = flight.stream
    if side == 1 {
      // A SYN that comes again while its answer is on the way changes nothing.
      guard stream.phase == .opening, stream[1].expected == 0 else { return }
      guard let listener = listeners[stream[1].address] else { return refuse(flight) }
      streams[number]?.port = listener.port
      streams[number]?.phase = .accepting
      streams[number]?[1].expected = flight.header.sequence &+ 1
      answerSyn(number)
    } else {
      takeAcknowledgement(flight, 0)
      guard stream[0].expected == 0 else { return }
      streams[number]?[0].expected = flight.header.sequence &+ 1
      acknowledge(number, 0)
      let own = stream[0]
      tell(own.host, .opened(own.id, local: own.address, remote: stream[1].address))
    }
  }

  /// The handshake is over on the accepting side: the listener's host gets its connection.
  private func establish(_ number: Int) {
    guard let stream = streams[number] else { return }
    let host = stream[1].host
    let id = ConnectionID(hosts[host].nextConnection)
    hosts[host].nextConnection += 2
    streams[number]?.phase = .open
    streams[number]?[1].id = id
    hosts[host].streams[id] = StreamEnd(stream: number, side: 1)
    tell(host, .accepted(id, stream.port, local: stream[1].address, remote: stream[0].address))
  }

  private func takeAcknowledgement(_ flight: SegmentInFlight, _ side: Int) {
    guard flight.header.flags.contains(.ack), var own = streams[flight.stream]?[side] else { return }
    let acknowledged = flight.header.acknowledgement
    guard Int32(bitPattern: acknowledged &- own.acknowledged) > 0 else { return }
    var sequence = own.acknowledged
    while sequence != acknowledged, let segment = own.segments.removeValue(forKey: SegmentID(sequence: sequence)) { sequence &+= segment.length }
    own.acknowledged = acknowledged
    let isDrained = own.hasWritten && own.segments.isEmpty && !own.isClosed
    if isDrained { own.hasWritten = false }
    streams[flight.stream]?[side] = own
    if isDrained { tell(own.host, .drained(own.id)) }
    endIfOver(flight.stream)
  }

  /// Hands on all segments whose turn has come.
  private func takeInOrder(_ number: Int, _ side: Int) {
    var hasMoved = false
    while let flight = streams[number]?[side].early.removeValue(forKey: streams[number]?[side].expected ?? 0) {
      hasMoved = true
      streams[number]?[side].expected &+= UInt32(flight.payload.count) + (flight.header.flags.contains(.fin) ? 1 : 0)
      guard let own = streams[number]?[side] else { return }
      if !flight.payload.isEmpty, !own.isClosed { tell(own.host, .bytes(own.id, flight.payload)) }
      if flight.header.flags.contains(.fin) {
        streams[number]?[side].finReceived = true
        if streams[number]?[side].isClosed == false { tell(own.host, .ended(own.id)) }
      }
      // What the host wrote in answer has carried the acknowledgement already.
      if streams[number]?[side].next == own.next { acknowledge(number, side) }
    }
    // A copy, or one out of order: the acknowledgement says where we are.
    if !hasMoved { acknowledge(number, side) } else { endIfOver(number) }
  }

  /// Both FINs have come and are acknowledged: the connection is gone.
  private func endIfOver(_ number: Int) {
    guard let stream = streams[number], stream[0].finReceived, stream[1].finReceived, stream[0].segments.isEmpty,
      stream[1].segments.isEmpty
    else { return }
    streams[number] = nil
    for side in 0..<2 {
      let end = stream[side]
      guard hosts[end.host].streams.removeValue(forKey: end.id) != nil else { continue }
      tell(end.host, .closed(end.id, .orderly))
    }
  }
}
