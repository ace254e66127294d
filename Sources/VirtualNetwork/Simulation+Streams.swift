import SansIO

// TCP: opening, writing, closing. The model is that of design section 5: segments of at most 1,460 bytes, a lost one again after 200 ms and
// doubling, those behind it wait; a lost SYN again after 1, 2 and 4 s; data is never corrupted.
extension Simulation {
  static let segmentSize = 1_460
  private static let firstRetransmission: Int64 = 200_000_000
  private static let firstSynRetransmission: Int64 = 1_000_000_000
  /// Data segments leave at most so often; then the connection has timed out.
  private static let attempts = 8
  private static let synAttempts = 4

  // MARK: - What hosts ask

  func open(_ index: Int, _ id: ConnectionID, from source: IPAddress?, to destination: TransportAddress) {
    let local = source ?? hosts[index].addresses.first { $0.isIPv6 == destination.address.isIPv6 }
    guard let local, hosts[index].addresses.contains(local) else {
      queue.push(.refused(host: index, id, .other("no local address of that family")), at: now.nanoseconds)
      return
    }
    let target = routes.host(of: destination.address, hostsByAddress)
    let crossing = nats.isEmpty ? nil : crossing(from: index, to: target)
    guard target >= 0, crossing?.isUnroutable != true else {
      queue.push(.refused(host: index, id, .unreachable), at: now.nanoseconds + 2_000_000)
      return
    }
    let address = TransportAddress(local, port: freePort(index, [local], .datagram))
    let sequence = UInt32(truncatingIfNeeded: streamEntropy.next())
    let peerSequence = UInt32(truncatingIfNeeded: streamEntropy.next())
    let first = VirtualStream.Side(phase: .opening, host: index, id: id, address: address, next: sequence, acknowledged: sequence)
    let second = VirtualStream.Side(
      phase: .waiting, host: target, id: ConnectionID(0), address: destination, next: peerSequence, acknowledged: peerSequence)
    let number = streams.count
    streams.append(VirtualStream(sides: (first, second), port: PortID(0), natOut: crossing?.out, natInto: crossing?.into))
    hosts[index].streams[id] = StreamEnd(stream: number, side: 0)
    queueSegment(number, 0, flags: [.syn], payload: Bytes(), label: .none, fault: nil)
  }

  func write(_ index: Int, _ id: ConnectionID, _ bytes: Bytes, _ label: Label) {
    guard let end = hosts[index].streams[id], streams[end.stream][end.side].canWrite else { return }
    var (bytes, label) = (bytes, label)
    let fault = faults.isEmpty ? nil : faults.match(label, bytes, from: HostID(UInt16(index)))
    if case .reset? = fault?.action { return reset(end.stream, by: end.side) }
    if case .rewrite(let change)? = fault?.action { (bytes, label.isDeliberatelyBroken) = (change(bytes), true) }
    streams[end.stream][end.side].hasWritten = true
    var offset = 0
    while offset < bytes.count {
      let size = min(Self.segmentSize, bytes.count - offset)
      let flags: TCPSegment.Flags = offset + size == bytes.count ? [.ack, .psh] : [.ack]
      queueSegment(end.stream, end.side, flags: flags, payload: bytes[offset..<offset + size], label: label, fault: fault)
      offset += size
    }
  }

  func finish(_ index: Int, _ id: ConnectionID) {
    guard let end = hosts[index].streams[id], streams[end.stream][end.side].canWrite else { return }
    streams[end.stream][end.side].finSent = true
    queueSegment(end.stream, end.side, flags: [.fin, .ack], payload: Bytes(), label: .none, fault: nil)
  }

  func close(_ index: Int, _ id: ConnectionID, _ mode: CloseMode) {
    guard let end = hosts[index].streams[id] else { return }
    if streams[end.stream][end.side].phase == .opening {
      // Nobody has heard of the connection yet; a SYN-ACK that still comes is answered by RST (RFC 9293 §3.10.7.1).
      return leave(end.stream, end.side, as: .gone)
    }
    if mode == .reset { return reset(end.stream, by: end.side) }
    streams[end.stream][end.side].isClosed = true
    finish(index, id)
  }

  /// Sends RST and leaves. The host hears of it after what it is doing now, the peer when the segment arrives.
  func reset(_ number: Int, by side: Int) {
    let own = streams[number][side]
    refuse(number, side)
    leave(number, side, as: .gone)
    queue.push(.closed(host: own.host, own.id, .reset), at: now.nanoseconds)
  }

  /// This side is done with the connection: nothing is kept, nothing is sent again.
  func leave(_ number: Int, _ side: Int, as phase: VirtualStream.Phase) {
    let own = streams[number][side]
    hosts[own.host].streams[own.id] = nil
    streams[number][side].phase = phase
    streams[number][side].segments = [:]
    streams[number][side].early = [:]
  }

  // MARK: - Sending

  func queueSegment(
    _ number: Int, _ side: Int, flags: TCPSegment.Flags, payload: Bytes, label: Label, fault: (number: UInt16, action: Fault.Action)?
  ) {
    let id = SegmentID(sequence: streams[number][side].next)
    let segment = Segment(flags: flags, payload: payload, label: label, fault: fault)
    streams[number][side].segments[id] = segment
    streams[number][side].next &+= segment.length
    send(number, side, id, attempt: 0)
  }

  private func send(_ number: Int, _ side: Int, _ id: SegmentID, attempt: Int) {
    guard let segment = streams[number][side].segments[id] else { return }
    let header = TCPSegment(
      sequence: id.sequence, acknowledgement: segment.flags.contains(.ack) ? streams[number][side].expected : 0, flags: segment.flags)
    var flight = SegmentInFlight(stream: number, side: side, header: header, payload: segment.payload, label: segment.label)
    flight.attempt = UInt8(attempt)
    let willArrive = transmit(flight, isLossless: false, fault: attempt == 0 ? segment.fault : nil)
    if !willArrive { sendAgain(flight) }
  }

  /// The retransmission timer of a segment that did not come through; an acknowledgement alone is not repeated.
  func sendAgain(_ flight: SegmentInFlight) {
    guard let attempt = flight.attempt else { return }
    let first = flight.header.flags.contains(.syn) ? Self.firstSynRetransmission : Self.firstRetransmission
    let id = SegmentID(sequence: flight.header.sequence)
    queue.push(
      .resend(stream: flight.stream, side: flight.side, id, attempt: Int(attempt) + 1), at: now.nanoseconds + first << Int64(attempt))
  }

  func resend(_ number: Int, _ side: Int, _ id: SegmentID, attempt: Int) {
    guard let segment = streams[number][side].segments[id] else { return }
    guard attempt < (segment.flags.contains(.syn) ? Self.synAttempts : Self.attempts) else { return giveUp(number, side) }
    send(number, side, id, attempt: attempt)
  }

  /// Nothing came through: this side leaves. The other one learns of it when it writes.
  private func giveUp(_ number: Int, _ side: Int) {
    let own = streams[number][side]
    leave(number, side, as: .gone)
    switch own.phase {
    case .opening: tell(own.host, .refused(own.id, .timedOut))
    case .open: tell(own.host, .closed(own.id, .timedOut))
    // Its SYN arrived, so the opening side has none on its way: it waits for the answer just as long.
    case .accepting: if streams[number][0].phase == .opening { giveUp(number, 0) }
    case .waiting, .over, .gone: break
    }
  }

  /// Puts a segment on the link; whether it will arrive.
  @discardableResult
  private func transmit(
    _ flight: SegmentInFlight, isLossless: Bool, fault: (number: UInt16, action: Fault.Action)? = nil
  ) -> Bool {
    let (own, peer) = (streams[flight.stream][flight.side], streams[flight.stream][1 - flight.side])
    statistics.packetsSent += 1
    if streams[flight.stream].natOut != nil, let reason = leavesThroughNAT(flight) {
      statistics.packetsLost += 1
      if !sinks.isEmpty {
        tap(own.host, .sent, .tcp(flight.header), own.address, peer.seen, flight.payload, flight.label, .filtered(reason))
      }
      return false
    }
    var delay = isLossless ? hosts[own.host].links[peer.host].drawDelay() : hosts[own.host].links[peer.host].passSegment()
    var fate: Fate = delay == nil ? .lost : .delivered
    if let fault {
      switch fault.action {
      case .drop, .reset: (delay, fate) = (nil, .dropped(fault: fault.number))
      case .delay(let extra):
        (delay, fate) = ((delay ?? hosts[own.host].links[peer.host].drawDelay()) + extra.wholeNanoseconds, .delayed(fault: fault.number))
      case .duplicate: break
      case .rewrite: if delay != nil { fate = .rewritten(fault: fault.number) }
      }
    }
    if !sinks.isEmpty { tapSent(flight, own, peer, fate) }
    guard let delay else {
      statistics.packetsLost += 1
      return false
    }
    queue.push(.segment(flight), at: now.nanoseconds + delay)
    return true
  }

  private func tapSent(_ flight: SegmentInFlight, _ own: VirtualStream.Side, _ peer: VirtualStream.Side, _ fate: Fate) {
    guard flight.side == 0, let number = streams[flight.stream].natOut else {
      return tap(own.host, .sent, .tcp(flight.header), own.address, peer.seen, flight.payload, flight.label, fate)
    }
    let seen = streams[flight.stream][0].seen
    let known = fate == .delivered ? Fate.translated(port: seen.port) : fate
    tap(own.host, .sent, .tcp(flight.header), own.address, peer.seen, flight.payload, flight.label, known)
    tapNAT(number, .sent, flight, seen, peer.seen, fate)
  }

  func acknowledge(_ number: Int, _ side: Int) {
    let own = streams[number][side]
    let header = TCPSegment(sequence: own.next, acknowledgement: own.expected, flags: [.ack])
    transmit(SegmentInFlight(stream: number, side: side, header: header, payload: Bytes(), label: .none), isLossless: true)
  }

  /// A SYN-ACK that announces our sequence number.
  func answerSyn(_ number: Int) { queueSegment(number, 1, flags: [.syn, .ack], payload: Bytes(), label: .none, fault: nil) }

  /// RST: for a SYN that nobody listens to, for what comes after the end, and as an end.
  func refuse(_ number: Int, _ side: Int) {
    let own = streams[number][side]
    let header = TCPSegment(
      sequence: own.phase == .waiting ? 0 : own.next, acknowledgement: own.expected, flags: [.rst, .ack], window: 0)
    transmit(SegmentInFlight(stream: number, side: side, header: header, payload: Bytes(), label: .none), isLossless: true)
  }
}
