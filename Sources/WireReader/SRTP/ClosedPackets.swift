import SansIO

/// Packets that may be SRTP and came before a key that opens them: before the answer with their sender's key (RFC 4568 §6), before a
/// handshake's end, or before the capture's secrets. They are kept for that key, some of each direction.
struct ClosedPackets {
  struct Packet {
    var bytes: Bytes
    var stream: RTPStream
    var stamp: FrameStamp
    /// It was counted as RTP outside SRTP.
    var wasClear: Bool
  }

  private struct Direction: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
  }

  /// 5 s of audio of a direction, and so many of all: 3 MB.
  private static let (mostOfOne, mostOfAll) = (256, 16_384)

  private var packets: [Direction: [Packet]] = [:]
  private var count = 0

  var isEmpty: Bool { packets.isEmpty }

  mutating func keep(_ bytes: Bytes, of stream: RTPStream, _ stamp: FrameStamp, wasClear: Bool) {
    let direction = Direction(source: stream.key.source, destination: stream.key.destination)
    guard count < Self.mostOfAll, packets[direction]?.count ?? 0 < Self.mostOfOne else { return }
    packets[direction, default: []].append(Packet(bytes: bytes.compacted(), stream: stream, stamp: stamp, wasClear: wasClear))
    count += 1
  }

  /// Those of a direction, in the order they came.
  subscript(_ way: StreamTable.Way) -> [Packet] {
    packets.isEmpty ? [] : packets[Direction(source: way.source, destination: way.destination)] ?? []
  }

  mutating func remove(_ way: StreamTable.Way) {
    count -= packets.removeValue(forKey: Direction(source: way.source, destination: way.destination))?.count ?? 0
  }

  /// The directions that have some, in the order of their first ones.
  var ways: [StreamTable.Way] {
    packets.sorted { $0.value[0].stamp.frame < $1.value[0].stamp.frame }.map { ($0.key.source, $0.key.destination) }
  }

  /// Takes out what belongs to streams that were silent since then.
  mutating func release(before time: Int64) {
    guard !packets.isEmpty else { return }
    packets = packets.filter { $0.value.contains { $0.stream.last.time > time } }
    count = packets.values.reduce(0) { $0 + $1.count }
  }
}
