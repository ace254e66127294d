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
    guard target >= 0 else {
      queue.push(.refused(host: index, id, .unreachable), at: now.nanoseconds + 2_000_000)
      return
    }
    let address = TransportAddress(local, port: freePort(index, [local], .datagram))
    let sequence = UInt32(truncatingIfNeeded: streamEntropy.next())
    let peerSequence = UInt32(truncatingIfNeeded: streamEntropy.next())
    let first = VirtualStream.Side(host: index, id: id, address: address, next: sequence, acknowledged: sequence)
    let second = VirtualStream.Side(host: target, id: ConnectionID(0), address: destination, next: peerSequence, acknowledged: peerSequence)
    let number = streams.count
    streams.append(VirtualStream(sides: (first, second), port: PortID(0)))
    hosts[index].streams[id] = StreamEnd(stream: number, side: 0)
    queueSegment(number, 0, flags: [.syn], payload: Bytes(), label: .none, fault: nil)
  }

  func write(_ index: Int, _ id: ConnectionID, _ bytes: Bytes, _ label: Label) {
    guard let end = hosts[index].streams[id], let stream = streams[end.stream], !stream[end.side].finSent else { return }
    let fault = faults.isEmpty ? nil : faults.match(label, from: HostID(UInt16(index)))
    if case .reset? = fault?.action { return reset(end.stream, by: end.side, tellingSelf: true) }
    streams[end.stream]?[end.side].hasWritten = true
    var offset = 0
    while offset < bytes.count {
      let size = min(Self.segmentSize, bytes.count - offset)
      let flags: TCPSegment.Flags = offset + size == bytes.count ? [.ack, .psh] : [.ack]
      queueSegment(end.stream, end.side, flags: flags, payload: bytes[offset..<offset + size], label: label, fault: fault)
      offset += size
    }
  }

  func finish(_ index: Int, _ id: ConnectionID) {
    guard let end = hosts[index].streams[id], let stream = streams[end.stream], !stream[end.side].finSent else { return }
    streams[end.stream]?[end.side].finSent = true
    queueSegment(end.stream, end.side, flags: [.fin, .ack], payload: Bytes(), label: .none, fault: nil)
  }

  func close(_ index: Int, _ id: ConnectionID, _ mode: CloseMode) {
    guard let end = hosts[index].streams[id], let stream = streams[end.stream] else { return }
    if mode == .reset || stream.phase != .open { return reset(end.stream, by: end.side, tellingSelf: false) }
    streams[end.stream]?[end.side].isClosed = true
    finish(index, id)
  }

  /// Sends RST; both ends are gone, the peer's when it arrives.
  func reset(_ number: Int, by side: Int, tellingSelf: Bool) {
    guard let stream = streams[number] else { return }
    let own = stream[side]
    hosts[own.host].streams[own.id] = nil
    streams[number]?[side].isClosed = true
    if tellingSelf { tell(own.host, .closed(own.id, .reset)) }
    let header = TCPSegment(sequence: own.next, acknowledgement: own.expected, flags: [.rst, .ack], window: 0)
    transmit(SegmentInFlight(stream: number, side: side, header: header, payload: Bytes(), label: .none), isLossless: true)
  }

  // MARK: - Sending

  func queueSegment(
    _ number: Int, _ side: Int, flags: TCPSegment.Flags, payload: Bytes, label: Label, fault: (number: UInt16, action: Fault.Action)?
  ) {
    guard var own = streams[number]?[side] else { return }
    let id = SegmentID(sequence: own.next)
    let segment = Segment(flags: flags, payload: payload, label: label, fault: fault)
    own.segments[id] = segment
    own.next &+= segment.length
    streams[number]?[side] = own
    send(number, side, id, attempt: 0)
  }

  private func send(_ number: Int, _ side: Int, _ id: SegmentID, attempt: Int) {
    guard let own = streams[number]?[side], let segment = own.segments[id] else { return }
    let header = TCPSegment(
      sequence: id.sequence, acknowledgement: segment.flags.contains(.ack) ? own.expected : 0, flags: segment.flags)
    let flight = SegmentInFlight(stream: number, side: side, header: header, payload: segment.payload, label: segment.label)
    let hasArrived = transmit(flight, isLossless: false, fault: attempt == 0 ? segment.fault : nil)
    guard !hasArrived else { return }
    let first = segment.flags.contains(.syn) ? Self.firstSynRetransmission : Self.firstRetransmission
    queue.push(.resend(stream: number, side: side, id, attempt: attempt + 1), at: now.nanoseconds + first << Int64(attempt))
  }

  func resend(_ number: Int, _ side: Int, _ id: SegmentID, attempt: Int) {
    guard let stream = streams[number], let segment = stream[side].segments[id] else { return }
    let isSyn = segment.flags.contains(.syn)
    guard attempt < (isSyn ? Self.synAttempts : Self.attempts) else { return giveUp(number, side, isOpening: stream.phase == .opening) }
    send(number, side, id, attempt: attempt)
  }

  private func giveUp(_ number: Int, _ side: Int, isOpening: Bool) {
    guard let stream = streams[number] else { return }
    streams[number] = nil
    for each in 0..<2 where stream[each].id.rawValue != 0 {
      let end = stream[each]
      guard hosts[end.host].streams.removeValue(forKey: end.id) != nil, !end.isClosed else { continue }
      tell(end.host, each == 0 && isOpening ? .refused(end.id, .timedOut) : .closed(end.id, .timedOut))
    }
  }

  /// Puts a segment on the link; whether it will arrive.
  @discardableResult
  private func transmit(
    _ flight: SegmentInFlight, isLossless: Bool, fault: (number: UInt16, action: Fault.Action)? = nil
  ) -> Bool {
    guard let stream = streams[flight.stream] else { return true }
    let (own, peer) = (stream[flight.side], stream[1 - flight.side])
    statistics.packetsSent += 1
    var delay = isLossless ? hosts[own.host].links[peer.host].drawDelay() : hosts[own.host].links[peer.host].passSegment()
    var fate: Fate = delay == nil ? .lost : .delivered
    if let fault {
      switch fault.action {
      case .drop, .reset: (delay, fate) = (nil, .dropped(fault: fault.number))
      case .delay(let extra):
        (delay, fate) = ((delay ?? hosts[own.host].links[peer.host].drawDelay()) + extra.wholeNanoseconds, .delayed(fault: fault.number))
      case .duplicate: break
      }
    }
    if !sinks.isEmpty { tap(own.host, .sent, .tcp(flight.header), own.address, peer.address, flight.payload, flight.label, fate) }
    guard let delay else {
      statistics.packetsLost += 1
      return false
    }
    queue.push(.segment(flight), at: now.nanoseconds + delay)
    return true
  }

  func acknowledge(_ number: Int, _ side: Int) {
    guard let own = streams[number]?[side] else { return }
    let header = TCPSegment(sequence: own.next, acknowledgement: own.expected, flags: [.ack])
    transmit(SegmentInFlight(stream: number, side: side, header: header, payload: Bytes(), label: .none), isLossless: true)
  }

  /// A SYN-ACK that announces our sequence number.
  func answerSyn(_ number: Int) { queueSegment(number, 1, flags: [.syn, .ack], payload: Bytes(), label: .none, fault: nil) }

  /// Nobody listens: RST for a SYN.
  func refuse(_ flight: SegmentInFlight) {
    let header = TCPSegment(sequence: 0, acknowledgement: flight.header.sequence &+ 1, flags: [.rst, .ack], window: 0)
    transmit(SegmentInFlight(stream: flight.stream, side: 1, header: header, payload: Bytes(), label: .none), isLossless: true)
  }
}
