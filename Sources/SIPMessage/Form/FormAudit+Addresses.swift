import SansIO

// Addresses, URIs, hops and their parameters (RFC 3261 §19.1, §20.10, §20.42, §25.1).
extension FormAudit {
  /// The first byte of a range that neither belongs there nor is part of an escape.
  func firstOdd(_ span: Span<UInt8>, _ range: Range<Int>, _ belongs: (UInt8) -> Bool) -> Int? {
    var position = range.lowerBound
    while position < range.upperBound {
      position = WordScan.run(span, position, range.upperBound, while: belongs)
      guard position < range.upperBound else { return nil }
      guard span[position] == UInt8(ascii: "%"), position + 2 < range.upperBound, Grammar.hexadecimal(span[position + 1]) != nil,
        Grammar.hexadecimal(span[position + 2]) != nil
      else { return position }
      position += 3
    }
    return nil
  }

  /// `reserved` and `unreserved`.
  static func isReserved(_ byte: UInt8) -> Bool { Grammar.isMember(byte, 0xAFFF_FFD2_0000_0000, 0x47FF_FFFE_87FF_FFFF) }

  // MARK: - Addresses

  mutating func readAddress(_ span: Span<UInt8>, _ element: Range<Int>, _ place: Forgiven.Place) {
    var (slot, none) = (AddressSlot(), AddressSlot.Lists())
    guard slot.read(span, element, into: &none) else { return }
    let uri = slot.uri.whole.range
    if let name = slot.displayName?.range, span[name.lowerBound] != .quote {
      let odd = WordScan.run(span, name.lowerBound, name.upperBound) { Grammar.isToken($0) || Grammar.isWhite($0) }
      if odd < name.upperBound { add(.displayName, place, byte: span[odd], at: odd) }
    }
    if slot.displayName == nil, uri.lowerBound == slot.element.range.lowerBound,
      uri.contains(where: { span[$0] == .semicolon || span[$0] == .question || span[$0] == .comma })
    {
      add(.missingBrackets, place, at: uri.lowerBound)
    }
    readURI(span, slot.uri, place)
    readParameters(span, slot.parameters.range, place, isURI: false)
  }

  // MARK: - URIs

  mutating func readURI(_ span: Span<UInt8>, _ range: Range<Int>, _ place: Forgiven.Place) {
    var (slot, position, none) = (URISlot(), range.lowerBound, Parameters?.none)
    guard slot.read(span, &position, range.upperBound, stopsAtSemicolon: false, into: &none), position == range.upperBound else { return }
    readURI(span, slot, place)
  }

  private mutating func readURI(_ span: Span<UInt8>, _ slot: URISlot, _ place: Forgiven.Place) {
    func isUser(_ byte: UInt8) -> Bool { Grammar.isMember(byte, 0xABFF_FFD2_0000_0000, 0x47FF_FFFE_87FF_FFFE) }
    guard slot.scheme != .other else {
      return readPart("text", slot.whole.range, span, place) { Self.isReserved($0) || $0 == .openBracket || $0 == .closeBracket }
    }
    if let user = slot.user?.range {
      if user.isEmpty { add(.emptyUser, place, at: user.lowerBound) }
      readPart("user part", user, span, place, isUser)
    }
    if let password = slot.password?.range { readPart("password", password, span, place) { isUser($0) && !Self.isOfUserAlone($0) } }
    readHost(span, slot.hostPort, place)
    readParameters(span, slot.parameters.range, place, isURI: true)
    if let headers = slot.headers?.range {
      readPart("headers", headers, span, place) { Grammar.isMember($0, 0xA7FF_EFD2_0000_0000, 0x47FF_FFFE_AFFF_FFFE) }
    }
  }

  private static func isOfUserAlone(_ byte: UInt8) -> Bool { byte == .semicolon || byte == .question || byte == .slash }

  private mutating func readPart(
    _ part: String, _ range: Range<Int>, _ span: Span<UInt8>, _ place: Forgiven.Place, _ belongs: (UInt8) -> Bool
  ) {
    if let odd = firstOdd(span, range, belongs) { add(.uriCharacter, place, part, byte: span[odd], at: odd) }
  }

  /// Labels of letters, digits and hyphens within, the last of which begins with a letter (RFC 3261 §25.1, hostname).
  private mutating func readHost(_ span: Span<UInt8>, _ hostPort: HostPortSlot, _ place: Forgiven.Place) {
    guard hostPort.address == nil else { return }
    let (host, dot, hyphen) = (hostPort.host.range, UInt8(ascii: "."), UInt8(ascii: "-"))
    if let underscore = host.first(where: { span[$0] == UInt8(ascii: "_") }) {
      return add(.hostCharacter, place, "it has '_'", at: underscore)
    }
    var (start, last) = (host.lowerBound, host.lowerBound)
    while start < host.upperBound {
      let end = WordScan.first(dot, span, start, host.upperBound)
      guard end > start, span[start] != hyphen, span[end - 1] != hyphen else {
        return add(.hostCharacter, place, "a label is empty or has '-' at its edge", at: start)
      }
      (last, start) = (start, end + 1)
    }
    if last < host.upperBound, span[last] &- 48 < 10 { add(.hostCharacter, place, "its last label begins with a digit", at: last) }
  }

  // MARK: - Hops

  mutating func readVia(_ span: Span<UInt8>, _ element: Range<Int>) {
    var (via, position, none) = (TopmostVia(), element.lowerBound, Parameters?.none)
    guard via.read(span, &position, element.upperBound, into: &none) else { return }
    readHost(span, via.hostPort, .field(.via))
    readParameters(span, via.parameters.range, .field(.via), isURI: false)
  }

  // MARK: - Parameters

  /// Parameters that are tokens, numbers or hosts, and that are read with quotes as well.
  private static let tokens: [StaticString] = [
    "branch", "tag", "transport", "received", "rport", "maddr", "ttl", "expires", "q", "user", "method", "lr", "refresher",
  ]

  /// - Parameter isURI: they are of a URI, which has no white space and no quotes (RFC 3261 §19.1.1).
  mutating func readParameters(_ span: Span<UInt8>, _ range: Range<Int>, _ place: Forgiven.Place, isURI: Bool) {
    var position = range.lowerBound
    func skip() { if !isURI { Grammar.skipWhite(span, &position, range.upperBound) } }
    while true {
      skip()
      guard position < range.upperBound, span[position] == .semicolon else { return }
      position += 1
      skip()
      guard position < range.upperBound, span[position] != .semicolon else {
        add(.emptyParameter, place, at: position)
        continue
      }
      let start = position
      position = WordScan.run(span, position, range.upperBound) { ParameterCursor.isValueByte($0) && $0 != .equals }
      guard position > start else { return }
      let name = start..<position
      skip()
      guard position < range.upperBound, span[position] == .equals else { continue }
      position += 1
      skip()
      guard let end = readValue(span, position..<range.upperBound, name, place, isURI: isURI) else { return }
      position = end
    }
  }

  /// - Returns: where the value ends; nil for one without an end.
  private mutating func readValue(
    _ span: Span<UInt8>, _ rest: Range<Int>, _ name: Range<Int>, _ place: Forgiven.Place, isURI: Bool
  ) -> Int? {
    let start = rest.lowerBound
    guard start < rest.upperBound, span[start] != .quote else {
      guard start < rest.upperBound else {
        add(.emptyValue, place, at: start)
        return start
      }
      if let token = Self.tokens.first(where: { Grammar.isSame(span, name, $0) }) {
        add(.quotedToken, place, "\(token)", at: start)
      } else if isURI {
        add(.uriCharacter, place, "parameters", byte: .quote, at: start)
      }
      return Grammar.quotedEnd(span, start, rest.upperBound)
    }
    let end = ParameterCursor.valueEnd(span, start, rest.upperBound)
    if start == end { add(.emptyValue, place, at: start) }
    if isURI {
      readPart("parameters", start..<end, span, place) { Grammar.isMember($0, 0x07FF_EFD2_0000_0000, 0x47FF_FFFE_AFFF_FFFE) }
    } else {
      let odd = WordScan.run(span, start, end) { Grammar.isMember($0, 0x07FF_6CA2_0000_0000, 0x47FF_FFFF_AFFF_FFFE) }
      if odd < end { add(.parameterCharacter, place, byte: span[odd], at: odd) }
    }
    return end
  }
}
