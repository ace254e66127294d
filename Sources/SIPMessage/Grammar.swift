import SansIO

#if canImport(Glibc)
  import Glibc
#endif

/// The productions of RFC 3261 §25.1 that many fields share. Functions take a span and offsets; what they find is ranges.
enum Grammar {
  // MARK: - Characters

  /// Whether a byte is one of a set of ASCII characters, a bit for each.
  @inline(__always)
  static func isMember(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
    byte < 128 && (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 == 1
  }

  /// `token`: letters, digits and `-.!%*_+\`'~` (RFC 3261 §25.1).
  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 97 < 26 || isMember(byte, 0x03FF_6CA2_0000_0000, 0x47FF_FFFF_87FF_FFFE)
  }

  /// Space, tab and, inside a folded value, line ends.
  @inline(__always)
  static func isWhite(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 || byte == 10 }

  /// Where a token ends that begins at `position`.
  @inline(__always)
  static func tokenEnd(_ span: Span<UInt8>, _ position: Int, _ end: Int) -> Int {
    WordScan.run(span, position, end) { isToken($0) }
  }

  static func offset(of byte: UInt8, _ base: UnsafePointer<UInt8>, _ count: Int) -> Int {
    guard let found = memchr(base, Int32(byte), count) else { return -1 }
    return UnsafeRawPointer(found) - UnsafeRawPointer(base)
  }

  // MARK: - Text

  @inline(__always)
  static func text(_ span: Span<UInt8>, _ range: Range<Int>) -> String {
    span.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  static func isEqual(_ span: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<range.count where span[range.lowerBound + index] != text.utf8Start[index] { return false }
    return true
  }

  /// The same letters, upper or lower case.
  ///
  /// - Parameter text: letters in lower case.
  static func isSame(_ span: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    var (letter, place) = (text.utf8Start, range.lowerBound)
    while place < range.upperBound {
      // Bit 5 makes a letter small, and nothing else a letter than its capital.
      guard span[place] | 0x20 == letter.pointee else { return false }
      (letter, place) = (letter + 1, place &+ 1)
    }
    return true
  }

  @inline(__always)
  static func skipWhite(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) {
    while position < end, isWhite(span[position]) { position += 1 }
  }

  /// The offset behind the quoted string that begins at `start`; nil when it does not end.
  static func quotedEnd(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var position = start + 1
    while true {
      position = WordScan.first(.quote, .backslash, .backslash, span, position, end)
      guard position < end else { return nil }
      if span[position] == .quote { return position + 1 }
      position += 2
    }
  }

  /// The text of a quoted string without its quotes and escapes; any other text as it is.
  static func unquoted(_ text: String) -> String {
    guard text.utf8.first == .quote, text.utf8.count >= 2, text.utf8.last == .quote else { return text }
    let inner = text.utf8.dropFirst().dropLast()
    guard inner.contains(.backslash) else { return String(decoding: inner, as: UTF8.self) }
    var result: [UInt8] = []
    var isEscaped = false
    for byte in inner {
      if !isEscaped, byte == .backslash {
        isEscaped = true
      } else {
        result.append(byte)
        isEscaped = false
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The same of a place.
  static func unquoted(_ span: Span<UInt8>, _ range: Range<Int>) -> String {
    guard range.count >= 2, span[range.lowerBound] == .quote, span[range.upperBound - 1] == .quote else { return text(span, range) }
    let inner = range.lowerBound + 1..<range.upperBound - 1
    for index in inner where span[index] == .backslash { return unquoted(text(span, range)) }
    return text(span, inner)
  }

  /// A quoted string of this text.
  static func quoted(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == .quote || $0 == .backslash }) else { return "\"\(text)\"" }
    var result: [UInt8] = [.quote]
    for byte in text.utf8 {
      if byte == .quote || byte == .backslash { result.append(.backslash) }
      result.append(byte)
    }
    result.append(.quote)
    return String(decoding: result, as: UTF8.self)
  }

  /// The text of a comment in parentheses, nested ones included; "" when there is none, nil when it does not end.
  static func comment(_ span: Span<UInt8>, _ position: inout Int, _ end: Int) -> String? {
    guard position < end, span[position] == UInt8(ascii: "(") else { return "" }
    let start = position + 1
    var depth = 0
    while position < end {
      switch span[position] {
      case .backslash: position += 1
      case UInt8(ascii: "("): depth += 1
      case UInt8(ascii: ")"): depth -= 1
      default: break
      }
      position += 1
      if depth == 0 { return position <= end ? text(span, start..<position - 1) : nil }
    }
    return nil
  }

  // MARK: - Lists

  /// The range without the white space at its ends.
  static func trimmed(_ span: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var (lower, upper) = (range.lowerBound, range.upperBound)
    while lower < upper, isWhite(span[lower]) { lower += 1 }
    while upper > lower, isWhite(span[upper - 1]) { upper -= 1 }
    return lower..<upper
  }

  /// Splits at the commas that stand outside quoted strings and angle brackets; empty elements are left out (RFC 3261 §7.3.1).
  static func splitAtCommas(_ value: Bytes, into parts: inout [Bytes]) {
    var start = 0
    while start <= value.count {
      let (end, element) = value.withSpan { span in
        let end = elementEnd(span, start, span.count)
        return (end, trimmed(span, start..<end))
      }
      if !element.isEmpty { parts.append(value[element]) }
      start = end + 1
    }
  }

  /// The offset of the comma that ends the element at `start`, or `end`.
  static func elementEnd(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    var position = start
    while true {
      position = WordScan.first(.quote, .less, .comma, span, position, end)
      guard position < end else { return end }
      switch span[position] {
      case .quote:
        guard let behind = quotedEnd(span, position, end) else { return end }
        position = behind
      case .less: position = WordScan.first(.greater, span, position, end)
      default: return position
      }
    }
  }

  /// Decimal digits as a number, at most ten of them; nil for anything else.
  static func number(_ span: Span<UInt8>, _ range: Range<Int>) -> Int? {
    guard !range.isEmpty, range.count <= 10 else { return nil }
    var value = 0
    for index in range {
      let digit = span[index] &- 48
      guard digit < 10 else { return nil }
      value = value * 10 + Int(digit)
    }
    return value
  }

  /// The value of a hexadecimal digit.
  @inline(__always)
  static func hexadecimal(_ byte: UInt8) -> UInt8? {
    if byte &- 48 < 10 { return byte - 48 }
    return (byte | 0x20) &- 97 < 6 ? (byte | 0x20) - 87 : nil
  }
}
