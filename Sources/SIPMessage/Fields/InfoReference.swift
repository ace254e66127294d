import SansIO

/// `<URI>;purpose=…`: an element of Alert-Info, Call-Info or Error-Info (RFC 3261 §20.4, §20.9, §20.18).
public struct InfoReference: Hashable, Sendable {
  /// As written between the angle brackets; nil where a peer left the URI out and began with `;method=`, as some releases of CUCM do.
  public var uri: String?
  public var parameters: Parameters

  static func parse(_ bytes: Bytes, as name: HeaderName) throws(SIPHeaderError) -> InfoReference {
    let result = bytes.withSpan { span -> InfoReference? in
      var position = 0
      Grammar.skipWhite(span, &position, span.count)
      var uri: String?
      if position < span.count, span[position] == .less {
        let start = position + 1
        while position < span.count, span[position] != .greater { position += 1 }
        guard position < span.count else { return nil }
        uri = position > start ? Grammar.text(span, start..<position) : nil
        position += 1
      } else if position >= span.count || span[position] != .semicolon {
        return nil
      }
      guard let parameters = Parameters.read(span, &position, span.count) else { return nil }
      Grammar.skipWhite(span, &position, span.count)
      return position == span.count ? InfoReference(uri: uri, parameters: parameters) : nil
    }
    guard let result else { throw .malformed(name, value: bytes.prefix(128).text, expected: "<URI>;parameters (RFC 3261 §20.9)") }
    return result
  }
}
