import SansIO

/// `value;name=value;…`: the shape of Content-Disposition, Event, Subscription-State, Session-Expires, Accept-Language, Reason and others
/// (RFC 3261 §25.1, `generic-param`).
public struct ParameterizedValue: Hashable, Sendable {
  /// What stands before the first semicolon, as written.
  public var value: String
  public var parameters: Parameters

  public init(_ value: String, parameters: Parameters = Parameters()) {
    self.value = value
    self.parameters = parameters
  }

  static func parse(_ bytes: Bytes, as name: HeaderName, expected: String) throws(SIPHeaderError) -> ParameterizedValue {
    let result = bytes.withSpan { span -> ParameterizedValue? in
      var position = 0
      Grammar.skipWhite(span, &position, span.count)
      let start = position
      while position < span.count, span[position] != .semicolon { position += 1 }
      var end = position
      while end > start, Grammar.isWhite(span[end - 1]) { end -= 1 }
      guard end > start, let parameters = Parameters.read(span, &position, span.count) else { return nil }
      Grammar.skipWhite(span, &position, span.count)
      guard position == span.count else { return nil }
      return ParameterizedValue(Grammar.text(span, start..<end), parameters: parameters)
    }
    guard let result else { throw .malformed(name, value: bytes.prefix(128).text, expected: expected) }
    return result
  }

  /// `q`, from 0 to 1; 1 when there is none (RFC 3261 §20.1).
  public var preference: Double { parameters["q"].flatMap { Double($0) } ?? 1 }
}

extension ParameterizedValue: CustomStringConvertible {
  public var description: String { value + parameters.description }
}
