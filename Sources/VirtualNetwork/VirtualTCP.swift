import SansIO

/// The TCP of all hosts: their connections, by the numbers that the hosts know them by.
struct VirtualTCP {
  private struct End {
    var stream: Int
    var side: Int
  }

  private struct Host {
    var ends: [ConnectionID: End] = [:]
    /// Of connections that it accepts.
    var nextConnection: UInt32 = 1
  }

  private var streams = ContiguousArray<VirtualStream>()
  private var hosts = ContiguousArray<Host>()
  private var entropy: SeededGenerator

  /// - Parameter entropy: draws initial sequence numbers.
  init(_ entropy: SeededGenerator) { self.entropy = entropy }

  mutating func addHost() { hosts.append(Host()) }

  // MARK: - What hosts ask

  mutating func open(
    _ host: Int, _ id: ConnectionID, from wanted: IPAddress?, to destination: TransportAddress, _ sockets: inout SocketTable,
    on wire: inout Wire
  ) {
    guard let local = sockets.source(host, wanted: wanted, to: destination.address) else {
      return wire.schedule(.refused(host: host, id, .other("no local address of that family")))
    }
    guard let route = wire.route(from: host, to: destination) else {
      return wire.schedule(.refused(host: host, id, .unreachable), after: 2_000_000)
    }
    let address = TransportAddress(local, port: sockets.freePort(host, at: local, .datagram))
    let opener = StreamSide(phase: .opening, host: host, id: id, address: address, sequence: drawSequence())
    var listener = StreamSide(
      phase: .waiting, host: route.host, id: ConnectionID(0), address: route.inside, sequence: drawSequence())
    listener.seen = destination
    let number = streams.count
    streams.append(VirtualStream(number: number, from: opener, to: listener, route))
    hosts[host].ends[id] = End(stream: number, side: 0)
    streams[number].open(on: &wire)
  }

  private mutating func drawSequence() -> UInt32 { UInt32(truncatingIfNeeded: entropy.next()) }

  mutating func write(_ host: Int, _ id: ConnectionID, _ bytes: Bytes, _ label: Label, on wire: inout Wire) {
    update(host, id) { stream, side in stream.write(bytes, label, by: side, on: &wire) }
  }

  mutating func finish(_ host: Int, _ id: ConnectionID, on wire: inout Wire) {
    update(host, id) { stream, side in stream.finish(by: side, on: &wire) }
  }

  mutating func close(_ host: Int, _ id: ConnectionID, _ mode: CloseMode, on wire: inout Wire) {
    update(host, id) { stream, side in stream.close(by: side, mode, on: &wire) }
  }

  /// All connections of a host end by RST, which nobody tells it.
  mutating func resetAll(_ host: Int, on wire: inout Wire) {
    let ends = hosts[host].ends.values.sorted { $0.stream < $1.stream }
    hosts[host].ends = [:]
    for end in ends { streams[end.stream].abandon(by: end.side, on: &wire) }
    // What has been opened and not accepted yet has no number at the host.
    for index in streams.indices where streams[index][1].host == host { streams[index].abandon(by: 1, on: &wire) }
  }

  private mutating func update(_ host: Int, _ id: ConnectionID, _ body: (inout VirtualStream, Int) -> Void) {
    guard let end = hosts[host].ends[id] else { return }
    body(&streams[end.stream], end.side)
    forget(end)
  }

  /// A host that has left a connection knows its number no more.
  private mutating func forget(_ end: End) {
    let stream = streams[end.stream]
    if stream[end.side].hasLeft { hosts[stream[end.side].host].ends[stream[end.side].id] = nil }
  }

  // MARK: - What the network brings

  /// The hosts that a connection is between.
  func ends(of stream: Int) -> (Int, Int) { (streams[stream][0].host, streams[stream][1].host) }

  /// The address that a segment which opens a connection is for; nil for all others.
  func wanted(by flight: SegmentInFlight) -> TransportAddress? {
    flight.header.flags.contains(.syn) && flight.side == 0 ? streams[flight.stream][1].address : nil
  }

  /// A segment has come to its receiver, or to the NAT before it.
  ///
  /// - Returns: nil when it goes no further; then its sender will try again.
  func arrive(_ flight: SegmentInFlight, on wire: inout Wire) -> SegmentVisit? {
    guard wire.arrive(flight, of: streams[flight.stream]) else {
      VirtualStream.sendAgain(flight, on: &wire)
      return nil
    }
    return SegmentVisit(flight)
  }

  /// What the receiver hears next of a segment; nil when that was all.
  mutating func advance(_ visit: inout SegmentVisit, listener: PortID?, on wire: inout Wire) -> StreamNews? {
    let end = End(stream: visit.flight.stream, side: visit.side)
    let host = streams[end.stream][end.side].host
    let news = visit.advance(&streams[end.stream], listener: listener, nextConnection: &hosts[host].nextConnection, on: &wire)
    if case .accepted(let id, _, local: _, remote: _)? = news?.arrival { hosts[host].ends[id] = end }
    forget(end)
    return news
  }

  /// A retransmission timer fires.
  mutating func resend(_ stream: Int, _ side: Int, _ id: SegmentID, attempt: Int, on wire: inout Wire) -> StreamNews? {
    let news = streams[stream].resend(side, id, attempt: attempt, on: &wire)
    for side in 0...1 { forget(End(stream: stream, side: side)) }
    return news
  }
}
