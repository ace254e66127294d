import SIPMessage
import SansIO

/// What a reader of SIP bytes found.
public enum SIPReading {
  case message(SIPMessage)
  /// Bytes that begin like SIP and cannot be read: why, and their first line.
  case unreadable(SIPParseError, firstLine: String)
  /// A message without Content-Length on a stream (RFC 3261 §18.3).
  case unframed(SIPMessage)
  /// The connection ended within a message: its first line, and how many bytes of its body are missing; nil = of its header.
  case cut(firstLine: String, missing: Int?)
}

/// Cuts one direction of a stream into SIP messages, and finds its way back after a gap or a mistake.
///
/// An endpoint has to give up there (RFC 3261 §18.3); a reader looks for the next line that begins a message.
public struct PassiveFramer {
  private static let limits = SIPLimits(messageBytes: 1 << 20, startLineBytes: 65_535, fieldBytes: 65_535, fields: 1_024)

  private var buffer = Bytes()
  private var isSynchronised = false
  /// Bytes thrown away on the way to a message's beginning.
  public private(set) var skipped = 0

  /// Bytes of something that is not whole.
  var isWaiting: Bool { !buffer.isEmpty }

  public mutating func take(_ bytes: Bytes) -> [SIPReading] {
    buffer = buffer.isEmpty ? bytes : Bytes(buffer.array + bytes.array)
    var readings: [SIPReading] = []
    while let reading = next() { readings.append(reading) }
    if !buffer.isEmpty { buffer = buffer.compacted() }
    return readings
  }

  /// Bytes are missing here: what was begun will not become whole.
  public mutating func gap() {
    skipped += buffer.count
    buffer = Bytes()
    isSynchronised = false
  }

  /// Nothing more comes of it.
  public mutating func end() -> SIPReading? {
    guard isSynchronised, !buffer.isEmpty, SIPRecognition.findStart(buffer, from: 0) == 0 else { return nil }
    defer { gap() }
    let line = buffer.prefix { $0 != 13 && $0 != 10 }.prefix(80).text
    guard let headerEnd = headerEnd() else { return .cut(firstLine: line, missing: nil) }
    do { _ = try SIPMessage.parse(buffer[0..<headerEnd], limits: Self.limits) } catch {
      if case .bodyShort(let declared, _) = error { return .cut(firstLine: line, missing: headerEnd + declared - buffer.count) }
    }
    return nil
  }

  private mutating func next() -> SIPReading? {
    skipLineEnds()
    if !isSynchronised {
      guard synchronise() else { return nil }
    }
    guard !buffer.isEmpty else { return nil }
    guard let headerEnd = headerEnd() else {
      guard buffer.count > Self.limits.fieldBytes * 4 else { return nil }
      return fail(.noEndOfHeader)
    }
    let wanted: Int
    do {
      let header = try SIPMessage.parse(buffer[0..<headerEnd], limits: Self.limits)
      drop(headerEnd)
      guard header.first(.contentLength) == nil else { return .message(header) }
      isSynchronised = false
      return .unframed(header)
    } catch {
      // The parser says how long the body is that it misses.
      guard case .bodyShort(let declared, _) = error else { return fail(error) }
      wanted = headerEnd + declared
    }
    guard wanted <= Self.limits.messageBytes else { return fail(.messageTooLong(limit: Self.limits.messageBytes)) }
    guard buffer.count >= wanted else { return nil }
    let bytes = buffer[0..<wanted]
    do {
      let message = try SIPMessage.parse(bytes, limits: Self.limits)
      drop(wanted)
      return .message(message)
    } catch { return fail(error) }
  }

  /// Keep-alives (RFC 5626 §3.5.1) and stray line ends.
  private mutating func skipLineEnds() {
    let count = buffer.prefix { $0 == 13 || $0 == 10 || $0 == 0 }.count
    if count > 0 { drop(count) }
  }

  private mutating func synchronise() -> Bool {
    guard let start = SIPRecognition.findStart(buffer, from: 0) else {
      // A start line may stand at the end without its end.
      if buffer.count > 16_384 {
        skipped += buffer.count - 8_192
        drop(buffer.count - 8_192)
      }
      return false
    }
    skipped += start
    drop(start)
    isSynchronised = true
    return true
  }

  private mutating func fail(_ error: SIPParseError) -> SIPReading {
    let line = buffer.prefix { $0 != 13 && $0 != 10 }
    let reading = SIPReading.unreadable(error, firstLine: line.prefix(80).text)
    let rest = min(line.count + 1, buffer.count)
    skipped += rest
    drop(rest)
    isSynchronised = false
    return reading
  }

  private mutating func drop(_ count: Int) { buffer = buffer[count..<buffer.count] }

  private func headerEnd() -> Int? {
    buffer.withSpan { span in
      var position = 0
      while position < span.count {
        if span[position] == 10 {
          if position + 1 < span.count, span[position + 1] == 10 { return position + 2 }
          if position + 2 < span.count, span[position + 1] == 13, span[position + 2] == 10 { return position + 3 }
        }
        position += 1
      }
      return nil
    }
  }
}
