import SansIO

/// A connection as one host sees it.
struct ConnectionEnds: Hashable {
  var local: TransportAddress
  var remote: TransportAddress

  init(_ direction: PacketRecord.Direction, from source: TransportAddress, to destination: TransportAddress) {
    (local, remote) = direction == .sent ? (source, destination) : (destination, source)
  }
}

/// The sequence numbers of a connection in one file (RFC 9293 §3.4). A file holds a part of what the connection carried, so the numbers
/// are its own: without a gap, whatever went to other files.
struct StreamNarration {
  private var sent: UInt32 = 1
  private var received: UInt32 = 1
  private var ended: Set<PacketRecord.Direction> = []
  /// Both sides have said their last: the same two addresses may begin another connection.
  var isOver: Bool { ended.count == 2 }

  /// The packet with the numbers it has in this file, in as many segments as it needs.
  mutating func segments(of packet: PacketRecord, _ flags: TCPSegment.Flags, largest: Int) -> [PacketRecord] {
    guard packet.payload.count > largest else { return [number(packet, flags)] }
    var segments: [PacketRecord] = []
    var offset = 0
    while offset < packet.payload.count {
      let end = min(offset + largest, packet.payload.count)
      var segment = packet
      segment.payload = packet.payload[offset..<end]
      segments.append(number(segment, end == packet.payload.count ? flags : flags.subtracting(.psh)))
      offset = end
    }
    return segments
  }

  private mutating func number(_ packet: PacketRecord, _ flags: TCPSegment.Flags) -> PacketRecord {
    let isSent = packet.direction == .sent
    let header = TCPSegment(
      sequence: isSent ? sent : received, acknowledgement: flags.contains(.ack) ? (isSent ? received : sent) : 0, flags: flags)
    let length = UInt32(packet.payload.count) + (flags.contains(.syn) || flags.contains(.fin) ? 1 : 0)
    if flags.contains(.rst) { ended = [.sent, .received] }
    if flags.contains(.fin) { ended.insert(packet.direction) }
    if isSent { sent &+= length } else { received &+= length }
    var numbered = packet
    numbered.carrier = .tcp(header)
    return numbered
  }
}
