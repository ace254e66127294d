import SIPMessage
import SansIO

/// Tells SIP by its first line, whatever the port (RFC 3261 §7.1, §7.2).
public enum SIPRecognition {
  private static let version = Array("SIP/2.0".utf8)

  /// Whether a message begins here, behind line ends that may stand before it.
  public static func isSIP(_ bytes: Bytes) -> Bool {
    bytes.withSpan { span in
      var start = 0
      while start < span.count, span[start] == 13 || span[start] == 10 { start += 1 }
      return isStartLine(span, start)
    }
  }

  /// The offset of the first line that begins a message.
  public static func findStart(_ bytes: Bytes, from offset: Int) -> Int? {
    bytes.withSpan { span in
      var start = offset
      while start < span.count {
        if isStartLine(span, start) { return start }
        while start < span.count, span[start] != 10 { start += 1 }
        start += 1
      }
      return nil
    }
  }

  /// Only printable characters and white space so far.
  public static func couldBeText(_ bytes: Bytes) -> Bool { bytes.prefix(256).allSatisfy { $0 >= 32 && $0 < 127 || $0 >= 9 && $0 <= 13 } }

  /// `SIP/2.0 200 …` or `METHOD uri SIP/2.0`; a first line without its end counts when it begins like one of a known method.
  public static func isStartLine(_ span: Span<UInt8>, _ start: Int) -> Bool {
    guard start + 8 < span.count, span[start] | 0x20 >= 97, span[start] | 0x20 <= 122 else { return false }
    if matchesVersion(span, start), span[start + 7] == 32 { return true }
    var position = start
    while position < span.count, isTokenByte(span[position]) { position += 1 }
    guard position - start <= 32, position < span.count, span[position] == 32 else { return false }
    var end = position
    let limit = min(span.count, start + 8_192)
    while end < limit, span[end] != 10, span[end] != 13 { end += 1 }
    guard end < limit else { return isKnownMethod(span, start, position) && hasScheme(span, position + 1) }
    while end > position, span[end - 1] == 32 { end -= 1 }
    return end - position > 8 && matchesVersion(span, end - 7)
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    byte | 0x20 >= 97 && byte | 0x20 <= 122 || byte >= 48 && byte <= 57 || byte == 45 || byte == 95
  }

  private static func matchesVersion(_ span: Span<UInt8>, _ start: Int) -> Bool {
    guard start >= 0, start + 7 <= span.count else { return false }
    for index in 0..<7 where span[start + index] & 0xDF != version[index] & 0xDF { return false }
    return true
  }

  private static func isKnownMethod(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    let name = span.extracting(start..<end).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    if case .other = SIPMethod(name) { return false }
    return true
  }

  private static func hasScheme(_ span: Span<UInt8>, _ start: Int) -> Bool {
    guard start + 4 <= span.count else { return true }
    return span[start] | 0x20 == UInt8(ascii: "s") || span[start] | 0x20 == UInt8(ascii: "t")
  }
}
