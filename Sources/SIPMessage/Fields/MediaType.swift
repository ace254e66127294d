import SansIO

/// `type/subtype;parameter=value`: Content-Type, and with ranges such as `*/*` the elements of Accept (RFC 3261 §20.1, §20.15).
public struct MediaType: Hashable, Sendable {
  /// Both in lower case: types compare without regard to case.
  public var type: String
  public var subtype: String
  public var parameters: Parameters

  static func parse(_ bytes: Bytes, as name: HeaderName) throws(SIPHeaderError) -> MediaType {
    guard let type = bytes.withSpan(read) else {
      throw .malformed(name, value: bytes.prefix(128).text, expected: "type/subtype;parameters (RFC 3261 §20.15)")
    }
    return type
  }

  public init?(parsing text: String) {
    guard let type = Bytes(text).withSpan(Self.read) else { return nil }
    self = type
  }

  private init(type: String, subtype: String, parameters: Parameters) {
    self.type = type
    self.subtype = subtype
    self.parameters = parameters
  }

  private static func read(_ span: Span<UInt8>) -> MediaType? {
    var position = 0
    guard let (type, subtype) = names(span, &position, span.count), let parameters = Parameters.read(span, &position, span.count) else {
      return nil
    }
    Grammar.skipWhite(span, &position, span.count)
    guard position == span.count else { return nil }
    return MediaType(type: Grammar.text(span, type).lowercased(), subtype: Grammar.text(span, subtype).lowercased(), parameters: parameters)
  }

  /// Whether the range is a media type with parameters.
  static func isSound(_ span: Span<UInt8>, _ range: Range<Int>) -> Bool {
    var position = range.lowerBound
    guard names(span, &position, range.upperBound) != nil else { return false }
    var cursor = ParameterCursor(position, range.upperBound)
    while cursor.next(span) != nil {}
    position = cursor.position
    Grammar.skipWhite(span, &position, range.upperBound)
    return !cursor.isBroken && position == range.upperBound
  }

  /// `type/subtype`.
  private static func names(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> (type: Range<Int>, subtype: Range<Int>)? {
    guard let type = token(span, &position, end) else { return nil }
    Grammar.skipWhite(span, &position, end)
    guard position < end, span[position] == .slash else { return nil }
    position += 1
    return token(span, &position, end).map { (type, $0) }
  }

  private static func token(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> Range<Int>? {
    Grammar.skipWhite(span, &position, end)
    let start = position
    while position < end, Grammar.isToken(span[position]) { position += 1 }
    return position > start ? start..<position : nil
  }

  /// `application/sdp`, without parameters.
  public var name: String { "\(type)/\(subtype)" }

  /// Whether this range of an Accept takes `other` (RFC 3261 §20.1): `*/*`, `type/*` or the same type, with a preference above 0.
  public func accepts(_ other: String) -> Bool {
    guard (parameters["q"].flatMap { Double($0) } ?? 1) > 0 else { return false }
    return name == "*/*" || name == other || (subtype == "*" && other.hasPrefix(type + "/"))
  }
}

extension MediaType: CustomStringConvertible {
  public var description: String { name + parameters.description }
}
