import SansIO

/// Timestamp: when the request was sent, and in the 1xx how long it lay there (RFC 3261 §20.38).
public struct Timestamp: Hashable, Sendable {
  /// As written, since a response has to repeat it (RFC 3261 §8.2.6.1).
  public var value: String
  /// Seconds, as written.
  public var delay: String?
}

extension SIPMessage {
  /// Timestamp; nil when there is none.
  public func timestamp() throws(SIPHeaderError) -> Timestamp? {
    guard let value = firstValue(.timestamp) else { return nil }
    let words = value.text.utf8.split { Grammar.isWhite($0) }.map { String(decoding: $0, as: UTF8.self) }
    guard (1...2).contains(words.count), words.allSatisfy({ Self.isDecimal($0) }) else {
      throw .malformed(.timestamp, value: value.prefix(64).text, expected: "one or two decimal numbers (RFC 3261 §20.38)")
    }
    return Timestamp(value: words[0], delay: words.count == 2 ? words[1] : nil)
  }

  private static func isDecimal(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count <= 2 && text != "." && !text.isEmpty && parts.allSatisfy { $0.allSatisfy { $0 &- 48 < 10 } }
  }
}
