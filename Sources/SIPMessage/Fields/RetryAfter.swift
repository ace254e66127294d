import SansIO

/// Retry-After: `18000 (in a meeting);duration=3600` (RFC 3261 §20.33).
public struct RetryAfter: Hashable, Sendable {
  public var seconds: UInt32
  /// The text in parentheses.
  public var comment: String?
  public var parameters: Parameters
  /// For how many seconds the peer can then be reached.
  public var duration: UInt32? { parameters["duration"].flatMap { UInt32($0) } }
}

extension SIPMessage {
  /// Retry-After; nil when there is none.
  public func retryAfter() throws(SIPHeaderError) -> RetryAfter? {
    guard let value = firstValue(.retryAfter) else { return nil }
    let result = value.withSpan { span -> RetryAfter? in
      var position = 0
      while position < span.count, span[position] &- 48 < 10 { position += 1 }
      guard let seconds = Grammar.number(span, 0..<position).flatMap({ UInt32(exactly: $0) }) else { return nil }
      Grammar.skipWhite(span, &position, span.count)
      guard let comment = Grammar.comment(span, &position, span.count), let parameters = Parameters.read(span, &position, span.count)
      else { return nil }
      Grammar.skipWhite(span, &position, span.count)
      guard position == span.count else { return nil }
      return RetryAfter(seconds: seconds, comment: comment.isEmpty ? nil : comment, parameters: parameters)
    }
    guard let result else {
      throw .malformed(
        .retryAfter, value: value.prefix(64).text, expected: "seconds below 2³², with comment and parameters (RFC 3261 §20.33)")
    }
    return result
  }
}
