import SansIO

/// Where the parts of `"Display Name" <sip:user@host>;tag=…` are written in a message: of From, To, Contact, Route, Record-Route
/// (RFC 3261 §20.10). ``SIPMessage/address(_:)`` makes the typed ``NameAddress`` of it.
public struct AddressSlot: Hashable, Sendable {
  /// The address in full, from its name to its last parameter.
  public internal(set) var element: ByteRange
  /// As written, with quotes and escapes.
  public internal(set) var displayName: ByteRange?
  public internal(set) var uri: URISlot
  /// The field's parameters, not the URI's: from the first semicolon on.
  public internal(set) var parameters: ByteRange
  /// Without its quotes.
  public internal(set) var tag: ByteRange?
  /// The value goes over several lines: what is typed of it has to be unfolded first (RFC 3261 §7.3.1).
  var isFolded = false

  /// Reads one address up to a comma or the end.
  static func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> AddressSlot? {
    Grammar.skipWhite(span, &position, end)
    guard position < end else { return nil }
    let start = position
    var displayName: ByteRange?
    if span[position] == .quote {
      guard let behind = Grammar.quotedEnd(span, position, end) else { return nil }
      displayName = ByteRange(start, behind)
      position = behind
      Grammar.skipWhite(span, &position, end)
    } else if span[position] != .less {
      // Words before an angle bracket are a display name; without the bracket they are the URI.
      var bracket = position
      while bracket < end, isNameByte(span[bracket]) { bracket += 1 }
      if bracket < end, span[bracket] == .less {
        displayName = ByteRange(Grammar.trimmed(span, start..<bracket))
        position = bracket
      }
    }
    guard let uri = readURI(span, &position, end, isBracketRequired: displayName != nil) else { return nil }
    let none = ByteRange(position, position)
    var slot = AddressSlot(element: none, displayName: displayName, uri: uri, parameters: none)
    guard slot.readParameters(span, &position, end) else { return nil }
    slot.element = ByteRange(start, position)
    return slot
  }

  /// Reads one address that fills the range.
  static func readWhole(_ span: Span<UInt8>, _ range: Range<Int>) -> AddressSlot? {
    var position = range.lowerBound
    guard let slot = read(span, &position, range.upperBound) else { return nil }
    Grammar.skipWhite(span, &position, range.upperBound)
    return position == range.upperBound ? slot : nil
  }

  /// What an unquoted display name is read from: tokens by the grammar; peers also leave UTF-8, `&`, `(` and the like unquoted. What has a
  /// meaning of its own in a list, a URI or a parameter, `<>,;:"=\`, ends it (RFC 4475 §3.1.2.15).
  @inline(__always)
  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte >= 128 || Grammar.isMember(byte, 0x83FF_EFFB_0000_2600, 0x7FFF_FFFF_EFFF_FFFF)
  }

  private static func readURI(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, isBracketRequired: Bool) -> URISlot? {
    guard position < end, span[position] == .less else {
      return isBracketRequired ? nil : URISlot.read(span, &position, end, stopsAtSemicolon: true)
    }
    position += 1
    guard let uri = URISlot.read(span, &position, end, stopsAtSemicolon: false), position < end, span[position] == .greater else {
      return nil
    }
    position += 1
    return uri
  }

  private mutating func readParameters(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> Bool {
    let start = position
    var cursor = ParameterCursor(position, end)
    var hasTag = false
    while let parameter = cursor.next(span) {
      guard !hasTag, parameter.isNamed("tag", span) else { continue }
      (hasTag, tag) = (true, parameter.inner(span))
    }
    position = cursor.position
    parameters = ByteRange(start, position)
    return !cursor.isBroken
  }
}

extension NameAddress {
  init(_ slot: AddressSlot, _ span: Span<UInt8>) {
    let displayName = slot.displayName.map { Grammar.unquoted(Grammar.text(span, $0.range)) }
    self.init(displayName: displayName, uri: SIPURI(slot.uri, span))
    if slot.parameters.count > 0 { parameters = Parameters(span, slot.parameters.range) }
  }
}

extension SIPMessage {
  /// The typed URI at a place of this message.
  public func uri(_ slot: URISlot) -> SIPURI { bytes.withSpan { SIPURI(slot, $0) } }

  /// The typed address at a place of this message.
  public func address(_ slot: AddressSlot) -> NameAddress {
    guard slot.isFolded else { return bytes.withSpan { NameAddress(slot, $0) } }
    let element = Self.unfolded(bytes[slot.element.range])
    return element.withSpan { span in
      var position = 0
      return AddressSlot.read(span, &position, span.count).map { NameAddress($0, span) }
    } ?? bytes.withSpan { NameAddress(slot, $0) }
  }

  /// The text at a place of this message, as written.
  public func text(_ part: ByteRange) -> String { bytes[part.range].text }
}
