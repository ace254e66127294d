import SansIO

/// Where one `;name[=value]` is written (RFC 3261 §25.1, generic-param).
struct ParameterSlot {
  var name: Range<Int>
  /// As written, with its quotes; nil for a flag such as `lr`.
  var value: Range<Int>?

  func isNamed(_ name: ShortName, _ span: Span<UInt8>) -> Bool { ShortName(span, self.name) == name }

  /// The value without its quotes; escapes stay.
  func inner(_ span: Span<UInt8>) -> ByteRange? {
    guard let value else { return nil }
    let isQuoted = !value.isEmpty && span[value.lowerBound] == .quote
    return isQuoted ? ByteRange(value.lowerBound + 1, value.upperBound - 1) : ByteRange(value)
  }
}

/// A name that is looked for, of a parameter or a scheme: at most eight letters, in lower case and in one word.
struct ShortName: Equatable {
  private let word: UInt64

  static let branch = ShortName("branch")
  static let lr = ShortName("lr")
  static let maddr = ShortName("maddr")
  static let received = ShortName("received")
  static let rport = ShortName("rport")
  static let sip = ShortName("sip")
  static let sips = ShortName("sips")
  static let tag = ShortName("tag")

  private init(_ name: String) {
    let bytes = Array(name.utf8)
    word = Self.word(bytes.span, 0..<bytes.count)
  }

  /// What is written at a range; a longer name is none of those that are looked for.
  @inline(__always)
  init(_ span: Span<UInt8>, _ range: Range<Int>) {
    guard range.count <= 8, !range.isEmpty else {
      word = .max
      return
    }
    word =
      range.lowerBound &+ 8 <= span.count
      ? WordScan.first(range.count, of: WordScan.small(WordScan.load(span, range.lowerBound))) : Self.word(span, range)
  }

  private static func word(_ span: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
    range.reversed().reduce(0) { $0 << 8 | WordScan.small(UInt64(span[$1])) }
  }
}

/// Walks over `;a=b;c` and stops at the first byte that belongs to no parameter.
struct ParameterCursor {
  /// Behind the last parameter.
  private(set) var position: Int
  /// A quoted value does not end, or a name is empty.
  private(set) var isBroken = false
  private let end: Int
  private let allowsSpace: Bool

  /// - Parameter allowsSpace: whether white space may surround `;` and `=`, as in header fields; in a URI it ends the URI.
  init(_ position: Int, _ end: Int, allowsSpace: Bool = true) {
    self.position = position
    self.end = end
    self.allowsSpace = allowsSpace
  }

  /// The next parameter; nil at the end, and where the text is broken.
  mutating func next(_ span: Span<UInt8>) -> ParameterSlot? {
    while true {
      var next = position
      if allowsSpace { Grammar.skipWhite(span, &next, end) }
      guard next < end, span[next] == .semicolon else { return nil }
      next += 1
      if allowsSpace { Grammar.skipWhite(span, &next, end) }
      // Two semicolons in a row, or one at the end: seen in the field, harmless.
      if next >= end || span[next] == .semicolon || span[next] == .comma || span[next] == .greater {
        position = next
        continue
      }
      guard let slot = read(span, &next) else {
        isBroken = true
        return nil
      }
      position = next
      return slot
    }
  }

  private func read(_ span: Span<UInt8>, _ position: inout Int) -> ParameterSlot? {
    let start = position
    position = WordScan.run(span, position, end) { Self.isValueByte($0) && $0 != .equals }
    guard position > start else { return nil }
    let name = start..<position
    var next = position
    if allowsSpace { Grammar.skipWhite(span, &next, end) }
    guard next < end, span[next] == .equals else { return ParameterSlot(name: name, value: nil) }
    next += 1
    if allowsSpace { Grammar.skipWhite(span, &next, end) }
    let value = next
    if next < end, span[next] == .quote {
      guard let behind = Grammar.quotedEnd(span, next, end) else { return nil }
      next = behind
    } else {
      next = Self.valueEnd(span, next, end)
    }
    position = next
    return ParameterSlot(name: name, value: value..<next)
  }

  /// Where an unquoted value ends that begins at `position`.
  @inline(__always)
  static func valueEnd(_ span: Span<UInt8>, _ position: Int, _ end: Int) -> Int {
    WordScan.run(span, position, end) { isValueByte($0) }
  }

  /// Hosts and URIs are values too, so everything counts but separators of the field, `;,><"?`, and controls.
  @inline(__always)
  static func isValueByte(_ byte: UInt8) -> Bool { byte >= 128 || Grammar.isMember(byte, 0x27FF_EFFA_0000_0000, 0x7FFF_FFFF_FFFF_FFFF) }
}
