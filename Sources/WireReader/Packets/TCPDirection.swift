import SansIO

/// One direction of a TCP connection as a passive reader sees it: bytes in order, gaps told (RFC 9293 §3.4).
///
/// ```
///   unknown ──SYN or first data──► in order ──a hole──► holding ──it is filled──► in order
///                                                          └──the peer acknowledged it, or too much waits──► gap, in order
/// ```
/// A capture may have lost what the peer received: an acknowledgement beyond a hole says so, and then nothing is glued together.
public struct TCPDirection {
  public enum Piece {
    case bytes(Bytes)
    /// So many bytes were not captured.
    case gap(Int)
  }

  private struct Held {
    public var sequence: UInt32
    public var bytes: Bytes
    public var missing: Int
  }

  /// Bytes that may wait behind a hole.
  private static let mostHeld = 1 << 20

  private var next: UInt32?
  private var held: [Held] = []
  private var heldCount = 0
  /// The first segment was no SYN: the connection is older than the capture.
  public private(set) var beginsInTheMiddle = false
  public private(set) var retransmissions = 0
  public private(set) var lost = 0
  public private(set) var isFinished = false
  /// Whether all bytes before a number were there, and none behind it.
  func isComplete(before number: UInt32) -> Bool { held.isEmpty && next == number }

  /// Takes a segment.
  /// - Parameter whole: bytes of payload on the wire; more than were captured when the capture cut the packet.
  public mutating func take(_ segment: TCPSegment, _ payload: Bytes, whole: Int) -> [Piece] {
    if segment.flags.contains(.syn) {
      next = segment.sequence &+ 1
      held = []
      heldCount = 0
    }
    if segment.flags.contains(.fin) || segment.flags.contains(.rst) { isFinished = true }
    guard whole > 0 else { return [] }
    let start = segment.flags.contains(.syn) ? segment.sequence &+ 1 : segment.sequence
    if next == nil {
      next = start
      beginsInTheMiddle = true
    }
    hold(Held(sequence: start, bytes: payload, missing: whole - payload.count))
    var pieces = release()
    while heldCount > Self.mostHeld || held.count > 512 { pieces += skipHole() }
    return pieces
  }

  /// The peer has everything before this number.
  public mutating func acknowledged(_ number: UInt32) -> [Piece] {
    guard let next, let first = held.first, Self.distance(next, number) > 0, Self.distance(first.sequence, number) > 0 else { return [] }
    return skipHole()
  }

  /// The capture or the connection ends: what waits behind holes comes out.
  public mutating func finish() -> [Piece] {
    var pieces: [Piece] = []
    while !held.isEmpty { pieces += skipHole() }
    return pieces
  }

  private static func distance(_ from: UInt32, _ to: UInt32) -> Int { Int(Int32(bitPattern: to &- from)) }

  private mutating func hold(_ segment: Held) {
    guard let next else { return }
    let end = Self.distance(next, segment.sequence) + segment.bytes.count + segment.missing
    guard end > 0 else {
      retransmissions += 1
      return
    }
    let index = held.firstIndex { Self.distance($0.sequence, segment.sequence) < 0 } ?? held.count
    if index > 0, held[index - 1].sequence == segment.sequence, held[index - 1].bytes.count >= segment.bytes.count {
      retransmissions += 1
      return
    }
    let isNext = segment.sequence == next && held.isEmpty
    held.insert(isNext ? segment : Held(sequence: segment.sequence, bytes: segment.bytes.compacted(), missing: segment.missing), at: index)
    heldCount += segment.bytes.count
  }

  private mutating func release() -> [Piece] {
    var pieces: [Piece] = []
    while let first = held.first, let next, Self.distance(next, first.sequence) <= 0 {
      held.removeFirst()
      heldCount -= first.bytes.count
      let known = -Self.distance(next, first.sequence)
      let whole = first.bytes.count + first.missing
      guard known < whole else {
        retransmissions += 1
        continue
      }
      if known < first.bytes.count { pieces.append(.bytes(first.bytes[known..<first.bytes.count])) }
      if first.missing > 0 {
        lost += first.missing
        pieces.append(.gap(first.missing))
      }
      self.next = first.sequence &+ UInt32(truncatingIfNeeded: whole)
    }
    return pieces
  }

  private mutating func skipHole() -> [Piece] {
    guard let first = held.first, let next else { return [] }
    let hole = Self.distance(next, first.sequence)
    self.next = first.sequence
    guard hole > 0 else { return release() }
    lost += hole
    return [.gap(hole)] + release()
  }
}
