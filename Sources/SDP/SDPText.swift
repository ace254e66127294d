import SansIO

/// Words, numbers and comparisons within a description's bytes. Functions take a span and offsets; what they find is ranges.
enum SDPText {
  static let space = UInt8(ascii: " ")

  /// The next word from `position` on: what is between spaces, or another separator. nil at the end.
  static func word(_ span: Span<UInt8>, _ position: inout Int, _ end: Int, separator: UInt8 = space) -> Range<Int>? {
    while position < end, span[position] == space || span[position] == separator { position += 1 }
    let start = position
    while position < end, span[position] != space, span[position] != separator { position += 1 }
    return start < position ? start..<position : nil
  }

  /// The last word before `end`, between spaces; nil where there is none.
  static func lastWord(_ span: Span<UInt8>, _ start: Int, _ end: inout Int) -> Range<Int>? {
    while end > start, span[end - 1] == space { end -= 1 }
    let upper = end
    while end > start, span[end - 1] != space { end -= 1 }
    return end < upper ? end..<upper : nil
  }

  static func isEqual(_ span: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    return hasPrefix(span, range, text)
  }

  static func hasPrefix(_ span: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count >= text.utf8CodeUnitCount else { return false }
    for index in 0..<text.utf8CodeUnitCount where span[range.lowerBound + index] != text.utf8Start[index] { return false }
    return true
  }

  /// The same letters, upper or lower case (ASCII).
  static func isSame(_ span: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<range.count where lowercase(span[range.lowerBound + index]) != lowercase(text.utf8Start[index]) { return false }
    return true
  }

  static func isEqual(_ left: Span<UInt8>, _ one: Range<Int>, _ right: Span<UInt8>, _ other: Range<Int>) -> Bool {
    guard one.count == other.count else { return false }
    for index in 0..<one.count where left[one.lowerBound + index] != right[other.lowerBound + index] { return false }
    return true
  }

  /// The same words, however many spaces stand between them.
  static func hasSameWords(_ left: Span<UInt8>, _ one: Range<Int>, _ right: Span<UInt8>, _ other: Range<Int>) -> Bool {
    var (first, second) = (one.lowerBound, other.lowerBound)
    while let word = word(left, &first, one.upperBound) {
      guard let partner = self.word(right, &second, other.upperBound), isEqual(left, word, right, partner) else { return false }
    }
    return word(right, &second, other.upperBound) == nil
  }

  /// Decimal digits alone; nil for anything else, and for more than fits.
  static func number<Number: FixedWidthInteger>(_ span: Span<UInt8>, _ range: Range<Int>, _ type: Number.Type = Number.self) -> Number? {
    guard !range.isEmpty else { return nil }
    var value: Number = 0
    for index in range {
      let digit = span[index] &- 48
      guard digit < 10 else { return nil }
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = product.addingReportingOverflow(Number(digit))
      guard !isTooLarge, !overflows else { return nil }
      value = sum
    }
    return value
  }

  static func text(_ span: Span<UInt8>, _ range: Range<Int>) -> String {
    span.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  @inline(__always)
  private static func lowercase(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }
}

extension SDPText {
  /// Takes bytes into a digest, eight at a time, with runs of spaces as one.
  static func digest(_ span: Span<UInt8>, _ range: Range<Int>, into digest: inout UInt64) {
    guard hasRunOfSpaces(span, range) else { return mix(span, range, into: &digest) }
    var single: [UInt8] = []
    for index in range where span[index] != space || single.last != space { single.append(span[index]) }
    mix(single.span, 0..<single.count, into: &digest)
  }

  private static func hasRunOfSpaces(_ span: Span<UInt8>, _ range: Range<Int>) -> Bool {
    var position = range.lowerBound
    while true {
      position = WordScan.first(space, span, position, range.upperBound) + 1
      guard position < range.upperBound else { return false }
      if span[position] == space { return true }
    }
  }

  private static func mix(_ span: Span<UInt8>, _ range: Range<Int>, into digest: inout UInt64) {
    var position = range.lowerBound
    while position + 8 <= range.upperBound {
      mix(WordScan.load(span, position), into: &digest)
      position += 8
    }
    var rest = UInt64(truncatingIfNeeded: range.count)
    while position < range.upperBound {
      rest = rest << 8 | UInt64(span[position])
      position += 1
    }
    mix(rest, into: &digest)
  }

  @inline(__always)
  private static func mix(_ word: UInt64, into digest: inout UInt64) {
    let product = (digest ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    digest = product.high ^ product.low
  }
}
