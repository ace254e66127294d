import Capture
import SansIO
import WireReader

/// The TCP connections of a capture that is written again. One that carries neither SIP nor TLS with known secrets stays as it is.
///
/// ```
///   as it is ──SIP, or TLS whose secrets are known──► written again: each message where it is whole, segments without one empty
/// ```
final class TwinStreams {
  private final class Connection {
    var directions = (low: TwinDirection(), high: TwinDirection())
    var isRewritten = false
    var last = 0
  }

  private struct Key: Hashable {
    var low: TransportAddress
    var high: TransportAddress
  }

  /// What takes the place of a segment's payload.
  struct Segment {
    var payload: Bytes
    var sequence: UInt32
    var acknowledgement: UInt32
    /// It is what TLS carried.
    var isDecrypted: Bool
  }

  private static let capacity = 16_384
  private var open: [Key: Connection] = [:]
  private var taken = 0

  /// - Parameters:
  ///   - pieces: what came in order by it.
  ///   - room: for its payload.
  /// - Returns: nil for one that stays as it is.
  func take(_ found: DecodedPacket, _ segment: TCPSegment, _ pieces: [ClearText.Piece], room: Int) -> Segment? {
    let isLow = found.source < found.destination
    let key = isLow ? Key(low: found.source, high: found.destination) : Key(low: found.destination, high: found.source)
    if segment.flags.contains(.syn), !segment.flags.contains(.ack) { open[key] = nil }
    let connection = open[key] ?? make(key)
    taken += 1
    connection.last = taken
    for piece in pieces { take(piece, connection, isLow: piece.source == key.low, by: segment, isItsOwn: piece.source == found.source) }
    guard connection.isRewritten else { return nil }
    return isLow
      ? write(&connection.directions.low, connection.directions.high, found, segment, room)
      : write(&connection.directions.high, connection.directions.low, found, segment, room)
  }

  private func make(_ key: Key) -> Connection {
    if open.count >= Self.capacity {
      let limit = open.values.map(\.last).sorted()[Self.capacity / 8]
      open = open.filter { $0.value.last > limit }
    }
    let connection = Connection()
    open[key] = connection
    return connection
  }

  private func take(_ piece: ClearText.Piece, _ connection: Connection, isLow: Bool, by segment: TCPSegment, isItsOwn: Bool) {
    let isReadable = piece.kind == .sip || piece.kind == .tls && piece.hasSecrets
    if isReadable, !connection.isRewritten {
      connection.isRewritten = true
      // Up to here everything is as it was, and so are the numbers.
      let (own, other) = (segment.sequence, segment.flags.contains(.ack) ? segment.acknowledgement : nil)
      connection.directions.low.begin(at: isLow == isItsOwn ? own : other)
      connection.directions.high.begin(at: isLow == isItsOwn ? other : own)
    }
    guard connection.isRewritten else {
      guard piece.kind == .undecided, case .bytes(let bytes) = piece.content else { return }
      return isLow ? connection.directions.low.cutter.note(bytes) : connection.directions.high.cutter.note(bytes)
    }
    if isLow { Self.take(piece, isReadable, &connection.directions.low) } else { Self.take(piece, isReadable, &connection.directions.high) }
  }

  private static func take(_ piece: ClearText.Piece, _ isReadable: Bool, _ direction: inout TwinDirection) {
    switch piece.content {
    case .gap(let count): direction.skip(count)
    case .plaintext(let bytes):
      direction.beginDecrypted()
      direction.append(direction.cutter.take(bytes))
    case .bytes(let bytes):
      if piece.kind == .sip {
        direction.append(direction.cutter.take(bytes))
      } else if piece.kind != .tls {
        direction.append(bytes.array)
        if piece.kind == .undecided { direction.cutter.note(bytes) }
      } else if piece.hasSecrets {
        direction.beginDecrypted()
      } else {
        direction.append(bytes.array)
      }
    }
  }

  private func write(
    _ direction: inout TwinDirection, _ other: TwinDirection, _ found: DecodedPacket, _ segment: TCPSegment, _ room: Int
  ) -> Segment {
    let (payload, sequence) = direction.write(segment, whole: found.wholePayload, room: room)
    return Segment(
      payload: Bytes(payload), sequence: sequence,
      acknowledgement: segment.flags.contains(.ack) ? other.acknowledged(segment.acknowledgement) : segment.acknowledgement,
      isDecrypted: direction.isDecrypted || other.isDecrypted)
  }
}
