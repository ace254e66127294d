import SansIO

/// Cuts a byte stream into SIP messages by Content-Length (RFC 3261 §18.3) and tells keep-alives apart (RFC 5626 §3.5.1).
///
/// A message that came whole in one read is not copied. A message that breaks a rule but says by one readable Content-Length where it ends
/// is a frame of its own, as a bad datagram is, and the stream goes on behind it. Only an error of ``next()`` ends the reading: then nobody
/// knows where the next message begins.
public struct StreamFramer: Sendable {
  public enum Frame: Sendable {
    case message(SIPMessage)
    /// The bytes of one message that cannot be read as SIP.
    case unreadable(SIPParseError, Bytes)
    /// CRLF CRLF before a message; the answer is one CRLF.
    case ping
    /// One CRLF before a message.
    case pong
  }

  private let limits: SIPLimits
  private var buffer = Bytes()
  /// Bytes of the buffer that hold no end of header.
  private var searched = 0
  private var wanted: Wanted?
  /// The first line was looked at while the rest of its header is still to come.
  private var hasSeenFirstLine = false

  /// A message whose header is there.
  private struct Wanted {
    var total: Int
    /// The rule that its header breaks.
    var error: SIPParseError?
  }

  public init(limits: SIPLimits = .standard) { self.limits = limits }

  /// Bytes that wait for the rest of their message.
  public var pendingCount: Int { buffer.count }
  /// These bytes; after an error, those that could not be read.
  public var pending: Bytes { buffer }

  public mutating func append(_ bytes: Bytes) {
    guard !buffer.isEmpty else {
      buffer = bytes
      return
    }
    // Its array is taken out first, so that a message that comes byte by byte is not copied with each of them.
    var array = buffer.array
    buffer = Bytes()
    array.append(contentsOf: bytes)
    buffer = Bytes(array)
  }

  /// The next frame; nil when more bytes are needed. Call until nil.
  public mutating func next() throws(SIPParseError) -> Frame? {
    if wanted == nil {
      dropStrayLineEnds()
      if let keepAlive = takeKeepAlive() { return keepAlive }
      guard let bodyStart = try headerEnd() else {
        try judgeFirstLine()
        return nil
      }
      wanted = try extent(headerEnd: bodyStart)
    }
    guard let wanted, buffer.count >= wanted.total else { return nil }
    self.wanted = nil
    let bytes = buffer[0..<wanted.total]
    defer { drop(wanted.total) }
    if let error = wanted.error { return .unreadable(error, bytes) }
    do { return .message(try SIPMessage.parse(bytes, limits: limits)) } catch { return .unreadable(error, bytes) }
  }

  /// Where the message ends whose header does at `bodyStart`.
  private func extent(headerEnd bodyStart: Int) throws(SIPParseError) -> Wanted {
    let header = buffer[0..<bodyStart]
    var parser = MessageParser(limits: limits)
    var broken: SIPParseError?
    do { _ = try header.withSpan { (span) throws(SIPParseError) in try parser.parseHeader(span) } } catch {
      // Whatever has come of it by now: what is read of a stream does not depend on how it was cut.
      guard firstLineMentionsSIP() ?? true else { throw .startLine }
      broken = error
      parser = MessageParser.salvagingLength(header, limits: limits)
    }
    guard let declared = try parser.contentLength(buffer) else { throw broken ?? .contentLengthMissing }
    guard bodyStart + declared <= limits.messageBytes else { throw .messageTooLong(limit: limits.messageBytes) }
    return Wanted(total: bodyStart + declared, error: broken)
  }

  /// A first line that does not even name SIP begins no message: what follows it need not be waited for.
  private mutating func judgeFirstLine() throws(SIPParseError) {
    guard !hasSeenFirstLine, let first = buffer.first, first != .carriageReturn, let mentionsSIP = firstLineMentionsSIP() else { return }
    hasSeenFirstLine = true
    if !mentionsSIP { throw .startLine }
  }

  /// nil while it has no end.
  private func firstLineMentionsSIP() -> Bool? {
    buffer.withSpan { span in
      let line = MessageParser.lineEnd(span, from: 0)
      return line.next > line.end ? MessageParser.mentionsVersion(span, 0..<line.end) : nil
    }
  }

  private mutating func drop(_ count: Int) {
    buffer = count == buffer.count ? Bytes() : buffer[count..<buffer.count]
    searched = 0
    hasSeenFirstLine = false
  }

  /// Line ends before a message that are no CRLF are no part of it and mean nothing (RFC 3261 §7.5).
  private mutating func dropStrayLineEnds() {
    while let first = buffer.first {
      let isStrayReturn = first == .carriageReturn && buffer.count > 1 && buffer[1] != .lineFeed
      guard first == .lineFeed || isStrayReturn else { return }
      drop(1)
    }
  }

  /// A lone CRLF is a pong only when it is clear that no second one follows at once, which the end of a read tells.
  private mutating func takeKeepAlive() -> Frame? {
    guard buffer.count >= 2, buffer[0] == .carriageReturn, buffer[1] == .lineFeed else { return nil }
    if buffer.count >= 4, buffer[2] == .carriageReturn, buffer[3] == .lineFeed {
      drop(4)
      return .ping
    }
    guard buffer.count != 3 || buffer[2] != .carriageReturn else { return nil }
    drop(2)
    return .pong
  }

  /// Where the body begins; nil while the empty line has not come.
  private mutating func headerEnd() throws(SIPParseError) -> Int? {
    let found: Int? = buffer.withSpan { span in
      var position = max(0, searched - 3)
      while position < span.count {
        if span[position] == .lineFeed {
          if position + 1 < span.count, span[position + 1] == .lineFeed { return position + 2 }
          if position + 2 < span.count, span[position + 1] == .carriageReturn, span[position + 2] == .lineFeed { return position + 3 }
        }
        position += 1
      }
      return nil
    }
    if let found { return found }
    searched = buffer.count
    guard buffer.count <= limits.messageBytes else { throw .messageTooLong(limit: limits.messageBytes) }
    return nil
  }
}
