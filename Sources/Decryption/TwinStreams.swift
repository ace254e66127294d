import Capture
import SansIO
import WireReader

/// The TCP connections of a capture that is written again. One that carries neither SIP nor TLS with known secrets stays as it is.
///
/// ```
///   as it is ──SIP──► written again: each message where it is whole, segments without one empty
///   TLS whose secrets are known, from its first segment: the same, of what its records held
/// ```
final class TwinStreams {
  private final class Connection {
    var directions = (low: TwinDirection(), high: TwinDirection())
    var isRewritten = false
    let isDecrypted: Bool
    var last = 0

    init(isDecrypted: Bool) { self.isDecrypted = isDecrypted }

    /// Up to here everything is as it was, and so are the numbers.
    func begin(_ segment: TCPSegment, isLow: Bool) {
      isRewritten = true
      let own = segment.flags.contains(.syn) ? nil : segment.sequence
      let other = segment.flags.contains(.ack) ? segment.acknowledgement : nil
      directions.low.begin(at: isLow ? own : other, isDecrypted: isDecrypted)
      directions.high.begin(at: isLow ? other : own, isDecrypted: isDecrypted)
    }
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
  private let secured: SecuredConnections

  init(_ secured: SecuredConnections) { self.secured = secured }

  /// - Parameters:
  ///   - clear: what came in order by it.
  ///   - room: for its payload.
  /// - Returns: nil for one that stays as it is.
  func take(_ found: DecodedPacket, _ segment: TCPSegment, _ clear: ClearText, room: Int) -> Segment? {
    let isLow = found.source < found.destination
    let key = isLow ? Key(low: found.source, high: found.destination) : Key(low: found.destination, high: found.source)
    if segment.flags.contains(.syn), !segment.flags.contains(.ack) { open[key] = nil }
    let connection = open[key] ?? make(key, isDecrypted: clear.connection.map(secured.contains) ?? false)
    taken += 1
    connection.last = taken
    if connection.isDecrypted, !connection.isRewritten { connection.begin(segment, isLow: isLow) }
    for piece in clear.pieces { take(piece, connection, isLow: piece.source == key.low, by: segment, isOfLow: isLow) }
    guard connection.isRewritten else { return nil }
    return isLow
      ? write(&connection.directions.low, connection.directions.high, found, segment, room)
      : write(&connection.directions.high, connection.directions.low, found, segment, room)
  }

  private func make(_ key: Key, isDecrypted: Bool) -> Connection {
    if open.count >= Self.capacity {
      let limit = open.values.map(\.last).sorted()[Self.capacity / 8]
      open = open.filter { $0.value.last > limit }
    }
    let connection = Connection(isDecrypted: isDecrypted)
    open[key] = connection
    return connection
  }

  private func take(_ piece: ClearText.Piece, _ connection: Connection, isLow: Bool, by segment: TCPSegment, isOfLow: Bool) {
    if piece.kind == .sip, !connection.isRewritten { connection.begin(segment, isLow: isOfLow) }
    guard connection.isRewritten else {
      guard piece.kind == .undecided, case .bytes(let bytes) = piece.content else { return }
      return isLow ? connection.directions.low.cutter.note(bytes) : connection.directions.high.cutter.note(bytes)
    }
    if isLow { Self.take(piece, &connection.directions.low) } else { Self.take(piece, &connection.directions.high) }
  }

  private static func take(_ piece: ClearText.Piece, _ direction: inout TwinDirection) {
    switch piece.content {
    case .gap(let count): direction.skip(count)
    case .plaintext(let bytes): direction.append(direction.cutter.take(bytes))
    case .bytes where direction.isDecrypted: break
    case .bytes(let bytes) where piece.kind == .sip: direction.append(direction.cutter.take(bytes))
    case .bytes(let bytes):
      direction.append(bytes.array)
      if piece.kind == .undecided { direction.cutter.note(bytes) }
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
