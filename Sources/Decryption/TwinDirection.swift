import SansIO

/// One direction of a TCP connection whose bytes are written again: what waits for its next segment, and its sequence numbers
/// (RFC 9293 §3.4).
struct TwinDirection {
  /// How the numbers of the capture are those of the twin, at the ends of segments.
  private struct Mark {
    var original: UInt32
    var written: UInt32
  }

  private static let mostMarks = 128

  var cutter = MessageCutter()
  /// What a segment may carry next.
  private(set) var pending: [UInt8] = []
  /// TLS whose secrets are known: what its records held takes their place.
  private(set) var isDecrypted = false
  /// The number of what is written next; nil before the first segment.
  private var next: UInt32?
  private var marks: [Mark] = []
  private var isFinished = false

  /// - Parameter next: nil where nothing is known of it.
  mutating func begin(at next: UInt32?, isDecrypted: Bool) {
    self.next = next
    if let next { marks = [Mark(original: next, written: next)] }
    guard isDecrypted else { return }
    self.isDecrypted = true
    cutter.dropsLineEnds = true
  }

  mutating func append(_ bytes: [UInt8]) { pending += bytes }

  /// Bytes that are not in the capture: they have their numbers, unless something waits before them.
  mutating func skip(_ count: Int) {
    pending += cutter.flush()
    if pending.isEmpty, let next { self.next = next &+ UInt32(truncatingIfNeeded: count) }
  }

  /// The payload of a segment and its number.
  /// - Parameter whole: bytes that the segment had on the wire.
  mutating func write(_ segment: TCPSegment, whole: Int, room: Int) -> (payload: [UInt8], sequence: UInt32) {
    let isBeginning = segment.flags.contains(.syn)
    let isEnding = segment.flags.contains(.fin)
    if isEnding || segment.flags.contains(.rst) { pending += cutter.flush() }
    let payload = Array(pending.prefix(room))
    pending.removeFirst(payload.count)
    // A second SYN, or FIN, has the number of the first one.
    var sequence = isBeginning ? segment.sequence : next ?? segment.sequence
    if isEnding, isFinished, payload.isEmpty { sequence &-= 1 }
    let original = segment.sequence &+ UInt32(truncatingIfNeeded: whole) &+ (isBeginning ? 1 : 0) &+ (isEnding ? 1 : 0)
    let end = sequence &+ UInt32(payload.count) &+ (isEnding ? 1 : 0)
    let written = isBeginning ? next ?? end &+ 1 : end
    if isEnding { isFinished = true }
    next = written
    note(Mark(original: original, written: written))
    return (payload, sequence)
  }

  private mutating func note(_ mark: Mark) {
    if let last = marks.last, last.original == mark.original, last.written == mark.written { return }
    marks.append(mark)
    if marks.count > Self.mostMarks { marks.removeFirst(Self.mostMarks / 2) }
  }

  /// The number in the twin of what the peer says that it has.
  func acknowledged(_ number: UInt32) -> UInt32 {
    var best: UInt32?
    for mark in marks where Int32(bitPattern: number &- mark.original) >= 0 {
      if best.map({ Int32(bitPattern: mark.written &- $0) > 0 }) ?? true { best = mark.written }
    }
    return best ?? number
  }
}
