import SansIO

/// A part of what a stream carried, cut where a message ends, on its way to its file.
struct Cut {
  var passage: Passage
  /// nil = it belongs to no call.
  var glance: MessageGlance?
}

/// The connections of a live host: what each carried is cut into messages, and the ciphertext of TLS is kept as a whole.
final class ConnectionCaptures {
  private var connections: [ConnectionEnds: ObservedStream] = [:]
  /// Whose bytes the host is reading: the secrets that it finds are that connection's.
  private var current: ConnectionEnds?
  private let folder: CaptureFolder
  private let others: OtherCapture
  /// Connections whose end nobody saw are forgotten when there are more than this, the quietest first.
  private static let capacity = 16_384

  init(_ folder: CaptureFolder, _ others: OtherCapture) {
    self.folder = folder
    self.others = others
  }

  var unwritten: Int { connections.values.reduce(0) { $0 + $1.unwritten } }

  func take(_ packet: PacketRecord, _ segment: TCPSegment) -> [Cut] {
    let ends = ConnectionEnds(packet.direction, from: packet.source, to: packet.destination)
    if packet.direction == .received { current = ends }
    let isFirst = segment.flags.contains(.syn) && !segment.flags.contains(.ack)
    var cuts = isFirst ? leave([ends], at: packet.at) : []
    let stream = connections[ends] ?? begin(ends, at: packet.at, &cuts)
    cuts += stream.take(packet, segment)
    if stream.isOver {
      stream.close(at: packet.at)
      connections[ends] = nil
    }
    return cuts
  }

  private func begin(_ ends: ConnectionEnds, at now: Instant, _ cuts: inout [Cut]) -> ObservedStream {
    if connections.count >= Self.capacity {
      cuts += leave(connections.sorted { $0.value.lastUse < $1.value.lastUse }.prefix(Self.capacity / 8).map(\.key), at: now)
    }
    let stream = ObservedStream(ends, folder, others)
    connections[ends] = stream
    return stream
  }

  /// What still waited on connections that are not followed any longer.
  private func leave(_ left: [ConnectionEnds], at now: Instant) -> [Cut] {
    var cuts: [Cut] = []
    for ends in left {
      guard let stream = connections.removeValue(forKey: ends) else { continue }
      cuts += stream.releaseAll()
      stream.close(at: now)
    }
    return cuts
  }

  /// TLS secrets come while a connection's bytes are read.
  func take(_ secret: KeyLogLine) {
    if let current, let stream = connections[current], stream.take(secret) { return }
    others.append(secret)
  }

  func take(_ record: PlaintextRecord, at now: Instant, of host: HostID) -> [Cut] {
    let ends = ConnectionEnds(record.direction, from: record.source, to: record.destination)
    var cuts: [Cut] = []
    let stream = connections[ends] ?? begin(ends, at: now, &cuts)
    let packet = PacketRecord(
      at: now, host: host, frame: record.direction == .received ? stream.lastReceived : 0, direction: record.direction,
      carrier: .tcp(TCPSegment(sequence: 0, acknowledgement: 0, flags: [.ack, .psh])), source: record.source,
      destination: record.destination, payload: record.bytes, label: record.label,
      fate: record.direction == .sent ? .unknown : .delivered)
    return cuts + stream.takePlaintext(packet)
  }

  /// Half a second has passed: what has waited since the last time waits no longer.
  func tick(at now: Instant) -> [Cut] {
    var cuts: [Cut] = []
    for stream in connections.values.sorted(by: { $0.lastUse < $1.lastUse }) { cuts += stream.tick() }
    return cuts
  }

  func finish(at now: Instant) -> [Cut] {
    leave(connections.sorted { $0.value.lastUse < $1.value.lastUse }.map(\.key), at: now)
  }
}
