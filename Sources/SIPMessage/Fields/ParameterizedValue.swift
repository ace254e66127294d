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

extension SIPMessage {
  /// The elements of a list of `value;parameters`, such as Accept-Encoding, Accept-Language or Reason.
  public func parameterizedValues(_ name: HeaderName) throws(SIPHeaderError) -> [ParameterizedValue] {
    var values: [ParameterizedValue] = []
    for element in commaValues(name) { values.append(try .parse(element, as: name, expected: "a value with parameters (RFC 3261 §25.1)")) }
    return values
  }

  /// The value of a field that stands once: Content-Disposition, Event, Subscription-State, Session-Expires; nil when there is none.
  public func parameterizedValue(_ name: HeaderName) throws(SIPHeaderError) -> ParameterizedValue? {
    guard let value = first(name) else { return nil }
    return try .parse(value, as: name, expected: "a value with parameters (RFC 3261 §25.1)")
  }

  /// Content-Disposition (RFC 3261 §20.11); `handling` is among its parameters.
  public func contentDisposition() throws(SIPHeaderError) -> ParameterizedValue? { try parameterizedValue(.contentDisposition) }
}
