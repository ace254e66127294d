import SansIO

// TCP through NATs: connections from inside to outside; those from outside end at the NAT (RFC 5382).
extension Simulation {
  /// A segment leaves: what the NAT beside its sender makes of it. False when it stops there.
  func leavesThroughNAT(_ flight: SegmentInFlight) -> FilterReason? {
    guard flight.side == 0, let number = streams[flight.stream].natOut else { return nil }
    let (own, peer) = (streams[flight.stream][0].address, streams[flight.stream][1].seen)
    let flags = flight.header.flags
    switch nats[number].table.passOut(own, to: peer, isStream: true, opens: flags.contains(.syn), at: now) {
    case .outbound(let port, let isNew):
      streams[flight.stream][0].seen = nats[number].outside(port)
      if isNew { tell(number, .mapped(inside: own, outside: nats[number].outside(port), isStream: true)) }
      nats[number].table.streamEnds(port: port, flags, isOutbound: true)
      return nil
    case .filtered(let reason):
      tell(number, .dropped(reason, source: own, destination: peer))
      return reason
    case .inbound: preconditionFailure("what leaves does not come in")
    }
  }

  /// A segment arrives where a NAT stands before its receiver. False when it goes no further; then its sender will try again.
  func entersThroughNAT(_ flight: SegmentInFlight) -> Bool {
    let stream = streams[flight.stream]
    guard let number = flight.side == 0 ? stream.natInto : stream.natOut else { return true }
    let (source, target) = (stream[flight.side].seen, stream[1 - flight.side].seen)
    let passage: NATTable.Passage =
      flight.side == 0
      ? .filtered(.inboundConnection) : nats[number].table.passIn(port: target.port, from: source, isStream: true, at: now)
    switch passage {
    case .inbound:
      nats[number].table.streamEnds(port: target.port, flight.header.flags, isOutbound: false)
      tapNAT(number, .received, flight, source, target, .translated(port: target.port))
      return true
    case .filtered(let reason):
      statistics.packetsLost += 1
      tapNAT(number, .received, flight, source, target, .filtered(reason))
      tell(number, .dropped(reason, source: source, destination: target))
      sendAgain(flight)
      return false
    case .outbound: preconditionFailure("what comes in does not leave")
    }
  }

  func tapNAT(
    _ number: Int, _ direction: PacketRecord.Direction, _ flight: SegmentInFlight, _ source: TransportAddress, _ target: TransportAddress,
    _ fate: Fate
  ) {
    guard !sinks.isEmpty else { return }
    tap(nats[number].host, direction, .tcp(flight.header), source, target, flight.payload, flight.label, fate)
  }
}
