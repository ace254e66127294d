import SansIO

/// `"Display Name" <sip:user@host>;tag=…`: the value of From, To, Contact, Route and Record-Route (RFC 3261 §20.10).
public struct NameAddress: Hashable, Sendable {
  /// Without quotes and escapes; nil when there is none.
  public var displayName: String?
  public var uri: SIPURI
  /// The field's parameters, not the URI's.
  public var parameters: Parameters

  public init(displayName: String? = nil, uri: SIPURI, parameters: Parameters = Parameters()) {
    self.displayName = displayName
    self.uri = uri
    self.parameters = parameters
  }

  public var tag: String? {
    get { parameters["tag"] }
    set { parameters["tag"] = newValue }
  }

  public init(parsing text: String) throws(SIPHeaderError) { self = try Self.parse(Bytes(text), as: .from) }

  static func parse(_ bytes: Bytes, as name: HeaderName) throws(SIPHeaderError) -> NameAddress {
    let address = bytes.withSpan { span -> NameAddress? in
      var position = 0
      guard let address = read(span, &position, span.count) else { return nil }
      Grammar.skipWhite(span, &position, span.count)
      return position == span.count ? address : nil
    }
    guard let address else {
      throw .malformed(name, value: bytes.prefix(128).text, expected: "a name and a URI (RFC 3261 §20.10)")
    }
    return address
  }

  /// Reads one address up to a comma or the end.
  static func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> NameAddress? {
    Grammar.skipWhite(span, &position, end)
    guard position < end else { return nil }
    var displayName: String?
    let start = position
    if span[position] == .quote {
      guard let behind = Grammar.quotedEnd(span, position, end) else { return nil }
      displayName = Grammar.unquoted(Grammar.text(span, start..<behind))
      position = behind
      Grammar.skipWhite(span, &position, end)
    } else {
      // Words before an angle bracket are a display name; without the bracket they are the URI.
      var bracket = position
      while bracket < end, isNameByte(span[bracket]) { bracket += 1 }
      if bracket < end, span[bracket] == .less {
        var nameEnd = bracket
        while nameEnd > start, Grammar.isWhite(span[nameEnd - 1]) { nameEnd -= 1 }
        if nameEnd > start { displayName = Grammar.text(span, start..<nameEnd) }
        position = bracket
      }
    }
    guard let uri = readURI(span, &position, end, isBracketRequired: displayName != nil),
      let parameters = Parameters.read(span, &position, end)
    else { return nil }
    return NameAddress(displayName: displayName, uri: uri, parameters: parameters)
  }

  /// What an unquoted display name is read from: tokens by the grammar; peers also leave UTF-8, `&`, `(` and the like unquoted. What has a
  /// meaning of its own in a list, a URI or a parameter ends it (RFC 4475 §3.1.2.15).
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case .less, .greater, .comma, .semicolon, .colon, .quote, .equals, .backslash, 127: false
    case 0..<32: Grammar.isWhite(byte)
    default: true
    }
  }

  private static func readURI(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, isBracketRequired: Bool) -> SIPURI? {
    guard position < end, span[position] == .less else {
      return isBracketRequired ? nil : SIPURI.read(span, &position, end, stopsAtSemicolon: true)
    }
    position += 1
    guard let uri = SIPURI.read(span, &position, end, stopsAtSemicolon: false), position < end, span[position] == .greater else {
      return nil
    }
    position += 1
    return uri
  }
}

extension NameAddress: CustomStringConvertible {
  public var description: String {
    let name = displayName.map { $0.isEmpty ? "\"\" " : Grammar.quoted($0) + " " } ?? ""
    return "\(name)<\(uri)>\(parameters)"
  }
}

/// The Contact fields of a message (RFC 3261 §20.10).
public enum ContactList: Hashable, Sendable {
  case none
  /// `*`: all bindings, in a REGISTER that removes them.
  case star
  case list([NameAddress])
}
