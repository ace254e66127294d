import SansIO

/// Where the parts of `"Display Name" <sip:user@host>;tag=…` are written in a message: of From, To, Contact, Route, Record-Route
/// (RFC 3261 §20.10). ``SIPMessage/address(_:)`` makes the typed ``NameAddress`` of it.
public struct AddressSlot: Hashable, Sendable {
  /// The address in full, from its name to its last parameter.
  public internal(set) var element = ByteRange(0, 0)
  /// As written, with quotes and escapes.
  public internal(set) var displayName: ByteRange?
  public internal(set) var uri = URISlot()
  /// The field's parameters, not the URI's: from the first semicolon on.
  public internal(set) var parameters = ByteRange(0, 0)
  /// Without its quotes.
  public internal(set) var tag: ByteRange?
  /// The value goes over several lines: what is typed of it has to be unfolded first (RFC 3261 §7.3.1).
  var isFolded = false

  /// The parameters of the URI and of the field, where they are wanted as values.
  struct Lists {
    var uri: Parameters?
    var field: Parameters?
  }

  /// Reads one address that fills the range; false for what is none.
  mutating func read(_ span: Span<UInt8>, _ range: Range<Int>, into lists: inout Lists) -> Bool {
    var position = range.lowerBound
    guard read(span, &position, range.upperBound, into: &lists) else { return false }
    Grammar.skipWhite(span, &position, range.upperBound)
    return position == range.upperBound
  }

  private mutating func read(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, into lists: inout Lists) -> Bool {
    Grammar.skipWhite(span, &position, end)
    guard position < end else { return false }
    let start = position
    if span[position] == .quote {
      guard let behind = Grammar.quotedEnd(span, position, end) else { return false }
      displayName = ByteRange(start, behind)
      position = behind
      Grammar.skipWhite(span, &position, end)
    } else if span[position] != .less {
      // Words before an angle bracket are a display name; without the bracket they are the URI.
      let bracket = WordScan.run(span, position, end) { Self.isNameByte($0) }
      if bracket < end, span[bracket] == .less {
        displayName = ByteRange(Grammar.trimmed(span, start..<bracket))
        position = bracket
      }
    }
    guard readURI(span, &position, end, into: &lists.uri), readParameters(span, &position, end, into: &lists.field) else { return false }
    element = ByteRange(start, position)
    return true
  }

  /// What an unquoted display name is read from: tokens by the grammar; peers also leave UTF-8, `&`, `(` and the like unquoted. What has a
  /// meaning of its own in a list, a URI or a parameter, `<>,;:"=\`, ends it (RFC 4475 §3.1.2.15).
  @inline(__always)
  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte >= 128 || Grammar.isMember(byte, 0x83FF_EFFB_0000_2600, 0x7FFF_FFFF_EFFF_FFFF)
  }

  private mutating func readURI(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, into list: inout Parameters?) -> Bool {
    guard position < end, span[position] == .less else {
      return displayName == nil && uri.read(span, &position, end, stopsAtSemicolon: true, into: &list)
    }
    position += 1
    guard uri.read(span, &position, end, stopsAtSemicolon: false, into: &list), position < end, span[position] == .greater else {
      return false
    }
    position += 1
    return true
  }

  private mutating func readParameters(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, into list: inout Parameters?) -> Bool {
    let start = position
    var cursor = ParameterCursor(position, end)
    var hasTag = false
    while let parameter = cursor.next(span) {
      guard list == nil else {
        list?.append(parameter, span)
        continue
      }
      guard !hasTag, parameter.isNamed(.tag, span) else { continue }
      (hasTag, tag) = (true, parameter.inner(span))
    }
    position = cursor.position
    parameters = ByteRange(start, position)
    return !cursor.isBroken
  }
}

extension NameAddress {
  /// Reads an address that fills the span.
  static func read(_ span: Span<UInt8>) -> NameAddress? {
    var slot = AddressSlot()
    var lists = AddressSlot.Lists(uri: Parameters(), field: Parameters())
    guard slot.read(span, 0..<span.count, into: &lists) else { return nil }
    return NameAddress(
      displayName: slot.displayName.map { Grammar.unquoted(span, $0.range) }, uri: SIPURI(slot.uri, lists.uri, span),
      parameters: lists.field ?? Parameters())
  }
}
