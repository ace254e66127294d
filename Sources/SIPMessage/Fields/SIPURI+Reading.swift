import SansIO

extension SIPURI {
  /// Reads a URI from `position` on, up to a byte that cannot belong to one.
  ///
  /// - Parameter stopsAtSemicolon: an address without angle brackets, whose parameters belong to the field (RFC 3261 §20.10).
  static func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, stopsAtSemicolon: Bool) -> SIPURI? {
    let start = position
    var colon = start
    while colon < end, Grammar.isToken(span[colon]) { colon += 1 }
    guard colon > start, colon < end, span[colon] == .colon, let scheme = scheme(span, start..<colon) else { return nil }
    position = colon + 1
    if case .other(let name) = scheme { return foreign(name, span, &position, end, stopsAtSemicolon) }
    var uri = SIPURI(scheme, host: .name(""))
    let userEnd = userInfoEnd(span, position, end)
    if let userEnd {
      readUser(span, position..<userEnd, &uri)
      position = userEnd + 1
    }
    guard let (host, port) = HostPort.read(span, &position, end) else { return nil }
    uri.host = host
    uri.port = port
    guard !stopsAtSemicolon else { return uri }
    if position < end, span[position] == .semicolon {
      guard let parameters = Parameters.read(span, &position, end, allowsSpace: false) else { return nil }
      uri.parameters = parameters
    }
    if position < end, span[position] == .question { readHeaders(span, &position, end, &uri) }
    return uri
  }

  private static func scheme(_ span: Span<UInt8>, _ range: Range<Int>) -> Scheme? {
    if range.count == 3 || range.count == 4, lowercase(span[range.lowerBound]) == UInt8(ascii: "s"),
      lowercase(span[range.lowerBound + 1]) == UInt8(ascii: "i"), lowercase(span[range.lowerBound + 2]) == UInt8(ascii: "p")
    {
      if range.count == 3 { return .sip }
      if lowercase(span[range.lowerBound + 3]) == UInt8(ascii: "s") { return .sips }
    }
    return .other(Grammar.text(span, range))
  }

  private static func foreign(
    _ name: String, _ span: Span<UInt8>, _ position: inout Int, _ end: Int, _ stopsAtSemicolon: Bool
  ) -> SIPURI? {
    let start = position
    while position < end, !Grammar.isWhite(span[position]), span[position] != .greater, span[position] != .comma || !stopsAtSemicolon,
      span[position] != .semicolon || !stopsAtSemicolon
    { position += 1 }
    guard position > start else { return nil }
    var uri = SIPURI(.other(name.lowercased()), host: .name(""))
    uri.opaque = Grammar.text(span, start..<position)
    return uri
  }

  /// Where the `@` of the user part stands. It may have escapes, `;` and `?` inside (RFC 3261 §25.1, user-unreserved).
  private static func userInfoEnd(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var position = start
    while position < end {
      switch span[position] {
      case .at: return position
      case .greater, .less, .quote, .space, .tab, .carriageReturn, .lineFeed: return nil
      default: position += 1
      }
    }
    return nil
  }

  private static func readUser(_ span: Span<UInt8>, _ range: Range<Int>, _ uri: inout SIPURI) {
    var colon = range.lowerBound
    while colon < range.upperBound, span[colon] != .colon { colon += 1 }
    uri.user = Grammar.text(span, range.lowerBound..<colon)
    if colon < range.upperBound { uri.password = Grammar.text(span, colon + 1..<range.upperBound) }
  }

  private static func readHeaders(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, _ uri: inout SIPURI) {
    position += 1
    let start = position
    while position < end, !Grammar.isWhite(span[position]), span[position] != .greater { position += 1 }
    for part in Grammar.text(span, start..<position).split(separator: "&") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      uri.headers.append(Header(name: String(pair[0]), value: pair.count > 1 ? String(pair[1]) : ""))
    }
  }
}

/// `host[:port]` (RFC 3261 §25.1).
enum HostPort {
  static func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, allowsSpace: Bool = false) -> (SIPHost, UInt16?)? {
    guard let host = host(span, &position, end) else { return nil }
    var colon = position
    if allowsSpace { Grammar.skipWhite(span, &colon, end) }
    guard colon < end, span[colon] == .colon else { return (host, nil) }
    var start = colon + 1
    if allowsSpace { Grammar.skipWhite(span, &start, end) }
    var digits = start
    while digits < end, span[digits] &- 48 < 10 { digits += 1 }
    guard let number = Grammar.number(span, start..<digits), let port = UInt16(exactly: number) else { return nil }
    position = digits
    return (host, port)
  }

  private static func host(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> SIPHost? {
    let start = position
    if position < end, span[position] == .openBracket {
      while position < end, span[position] != .closeBracket { position += 1 }
      guard position < end else { return nil }
      position += 1
      let text = Grammar.text(span, start..<position)
      // RFC 3261's own grammar let a third colon stand before an IPv4 tail; peers that follow it are understood (RFC 5118 §4.10).
      return (IPAddress(text) ?? IPAddress(text.replacing(":::", with: "::"))).map(SIPHost.address)
    }
    while position < end, isHostByte(span[position]) { position += 1 }
    guard position > start else { return nil }
    return v4(span, start..<position).map { .address(IPAddress(v4: $0)) } ?? .name(Grammar.text(span, start..<position))
  }

  /// Letters, digits, `-`, `.`; and `_`, which host names may not have and peers use.
  private static func isHostByte(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 || byte == 45 || byte == 46 || byte == 95
  }

  /// Dotted decimal without leading zeros of more than one digit.
  private static func v4(_ span: Span<UInt8>, _ range: Range<Int>) -> UInt32? {
    guard range.count <= 15 else { return nil }
    var value: UInt32 = 0
    var octet: UInt32 = 0
    var digits = 0
    var dots = 0
    for index in range {
      let byte = span[index]
      if byte &- 48 < 10 {
        octet = octet * 10 + UInt32(byte - 48)
        digits += 1
        if octet > 255 || digits > 3 { return nil }
      } else if byte == 46, digits > 0, dots < 3 {
        value = value << 8 | octet
        (octet, digits, dots) = (0, 0, dots + 1)
      } else {
        return nil
      }
    }
    return dots == 3 && digits > 0 ? value << 8 | octet : nil
  }
}
