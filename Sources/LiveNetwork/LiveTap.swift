import SansIO

/// Writes what a live host sends and receives into journal and captures.
///
/// A socket shows no TCP segments, so connections are narrated as the segments that would have carried their bytes: right in order,
/// content and direction, without the kernel's own retransmissions and acknowledgements.
final class LiveTap {
  private let host: HostID
  private let clock: LiveClock
  private let sinks: [any JournalSink]
  private var frame: UInt32 = 0
  private var streams: [ConnectionID: NarratedStream] = [:]

  init(host: HostID, name: String, clock: LiveClock, sinks: [any JournalSink]) {
    self.host = host
    self.clock = clock
    self.sinks = sinks
    for sink in sinks { sink.hostAdded(host, name: name) }
  }

  var isObserved: Bool { !sinks.isEmpty }

  func record(_ body: JournalRecord.Body) {
    guard !sinks.isEmpty else { return }
    let record = JournalRecord(at: clock.now, host: host, body)
    for sink in sinks { sink.record(record) }
  }

  func datagram(
    _ direction: PacketRecord.Direction, from source: TransportAddress, to destination: TransportAddress, _ bytes: Bytes, _ label: Label
  ) {
    guard !sinks.isEmpty else { return }
    packet(direction, .udp, source, destination, bytes, label)
  }

  private func packet(
    _ direction: PacketRecord.Direction, _ carrier: PacketRecord.Carrier, _ source: TransportAddress, _ destination: TransportAddress,
    _ bytes: Bytes, _ label: Label
  ) {
    frame &+= 1
    let record = PacketRecord(
      at: clock.now, host: host, frame: frame, direction: direction, carrier: carrier, source: source, destination: destination,
      payload: bytes, label: label, fate: direction == .sent ? .unknown : .delivered)
    for sink in sinks { sink.packet(record) }
  }

  // MARK: - Streams

  /// Sequence numbers of both directions; index 0 is ours.
  private struct NarratedStream {
    let local: TransportAddress
    let remote: TransportAddress
    var next: (own: UInt32, peer: UInt32)
    var isFinished = (own: false, peer: false)
  }

  func opened(_ id: ConnectionID, local: TransportAddress, remote: TransportAddress) {
    guard begin(id, local: local, remote: remote) else { return }
    segment(.sent, id, [.syn])
    segment(.received, id, [.syn, .ack])
    segment(.sent, id, [.ack])
  }

  func accepted(_ id: ConnectionID, local: TransportAddress, remote: TransportAddress) {
    guard begin(id, local: local, remote: remote) else { return }
    segment(.received, id, [.syn])
    segment(.sent, id, [.syn, .ack])
    segment(.received, id, [.ack])
  }

  private func begin(_ id: ConnectionID, local: TransportAddress, remote: TransportAddress) -> Bool {
    guard !sinks.isEmpty else { return false }
    // Any numbers do; these tell connections apart.
    let start = id.rawValue &* 0x10_0000
    streams[id] = NarratedStream(local: local, remote: remote, next: (start, start &+ 0x8000_0000))
    return true
  }

  func stream(_ direction: PacketRecord.Direction, _ id: ConnectionID, _ bytes: Bytes, _ label: Label) {
    guard streams[id] != nil else { return }
    var offset = 0
    while offset < bytes.count {
      let size = min(1_460, bytes.count - offset)
      segment(direction, id, offset + size == bytes.count ? [.ack, .psh] : [.ack], bytes[offset..<offset + size], label)
      offset += size
    }
  }

  func plaintext(_ direction: PacketRecord.Direction, _ id: ConnectionID, _ bytes: Bytes, _ label: Label) {
    guard let stream = streams[id] else { return }
    let (source, destination) = direction == .sent ? (stream.local, stream.remote) : (stream.remote, stream.local)
    record(.plaintext(PlaintextRecord(id, direction, from: source, to: destination, bytes, label)))
  }

  func finished(_ direction: PacketRecord.Direction, _ id: ConnectionID) {
    guard let stream = streams[id], !(direction == .sent ? stream.isFinished.own : stream.isFinished.peer) else { return }
    segment(direction, id, [.fin, .ack])
    if direction == .sent { streams[id]?.isFinished.own = true } else { streams[id]?.isFinished.peer = true }
  }

  func reset(_ direction: PacketRecord.Direction, _ id: ConnectionID) {
    if streams[id] != nil { segment(direction, id, [.rst, .ack]) }
  }

  func forget(_ id: ConnectionID) { streams[id] = nil }

  private func segment(
    _ direction: PacketRecord.Direction, _ id: ConnectionID, _ flags: TCPSegment.Flags, _ bytes: Bytes = Bytes(), _ label: Label = .none
  ) {
    guard var stream = streams[id] else { return }
    let length = UInt32(bytes.count) + (flags.contains(.syn) || flags.contains(.fin) ? 1 : 0)
    let isSent = direction == .sent
    let header = TCPSegment(
      sequence: isSent ? stream.next.own : stream.next.peer,
      acknowledgement: flags.contains(.ack) ? (isSent ? stream.next.peer : stream.next.own) : 0, flags: flags)
    if isSent { stream.next.own &+= length } else { stream.next.peer &+= length }
    streams[id] = stream
    packet(direction, .tcp(header), isSent ? stream.local : stream.remote, isSent ? stream.remote : stream.local, bytes, label)
  }
}
