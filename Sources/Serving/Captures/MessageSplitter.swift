import SansIO

/// Cuts one direction of a stream at the ends of its SIP messages (RFC 3261 §18.3), so that each can go to its own file. Every byte comes
/// out once, in order.
///
/// ```
///   reading ──Content-Length missing, or nothing that ends──► unreadable   (a host closes such a connection)
/// ```
struct MessageSplitter {
  struct Piece {
    var bytes: Bytes
    /// nil for what is no message: line ends between messages, what cannot be read.
    var glance: MessageGlance?
  }

  private enum State {
    case reading
    case unreadable
  }

  /// A message that is longer is none: many times what a host takes.
  private static let longest = 1 << 20
  /// A header that has not ended by then will not.
  private static let longestHeader = 1 << 17

  private var state = State.reading
  private var buffer = Bytes()
  private var glance: MessageGlance?
  /// So many bytes of the buffer came out already, to the place that this glance tells.
  private var released = (count: 0, glance: MessageGlance?.none)
  /// Messages that have ended.
  private(set) var messages = 0
  /// Whether bytes wait for the end of their message.
  var isWaiting: Bool { buffer.count > released.count }

  mutating func take(_ bytes: Bytes) -> [Piece] {
    guard case .reading = state else { return [Piece(bytes: bytes, glance: nil)] }
    buffer = buffer.isEmpty ? bytes : Bytes(buffer.array + bytes.array)
    var pieces: [Piece] = []
    while let piece = next() { pieces.append(piece) }
    if !buffer.isEmpty { buffer = buffer.compacted() }
    return pieces
  }

  /// Nothing that comes can be read any more.
  mutating func giveUp() { state = .unreadable }

  /// What waits for the end of its message, for a reader that can wait no longer; the rest follows it to the same place.
  mutating func release() -> Piece? {
    guard isWaiting else { return nil }
    if released.count == 0 { released.glance = glance ?? MessageGlance.partial(buffer) }
    let piece = Piece(bytes: buffer[released.count..<buffer.count], glance: released.glance)
    released.count = buffer.count
    return piece
  }

  private mutating func next() -> Piece? {
    guard case .reading = state else { return nil }
    if let lineEnds = takeLineEnds() { return lineEnds }
    guard !buffer.isEmpty else { return nil }
    if glance == nil { glance = MessageGlance.whole(buffer) }
    guard let glance else { return buffer.count > Self.longestHeader ? giveUp(nil) : nil }
    guard let length = glance.contentLength, glance.bodyStart + length <= Self.longest else { return giveUp(glance) }
    let total = glance.bodyStart + length
    return buffer.count >= total ? cut(total, glance) : nil
  }

  private mutating func takeLineEnds() -> Piece? {
    guard glance == nil, released.count == 0 else { return nil }
    let count = buffer.prefix { $0 == 13 || $0 == 10 }.count
    guard count > 0 else { return nil }
    defer { buffer = buffer[count..<buffer.count] }
    return Piece(bytes: buffer[0..<count], glance: nil)
  }

  private mutating func cut(_ total: Int, _ glance: MessageGlance) -> Piece? {
    let piece = Piece(bytes: buffer[released.count..<total], glance: released.glance ?? glance)
    buffer = buffer[total..<buffer.count]
    self.glance = nil
    released = (0, nil)
    messages += 1
    return piece.bytes.isEmpty ? next() : piece
  }

  /// Nobody knows where the next message begins: what was gathered goes where it says, the rest nowhere.
  private mutating func giveUp(_ glance: MessageGlance?) -> Piece? {
    state = .unreadable
    let piece = Piece(bytes: buffer[released.count..<buffer.count], glance: released.glance ?? glance)
    buffer = Bytes()
    return piece.bytes.isEmpty ? nil : piece
  }
}
