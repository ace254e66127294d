import SIPMessage
import SansIO

/// Header fields as they will be written: one buffer, and where each line is in it.
///
/// What repeats in the messages of a dialog is written once into lines of its own and copied from then on. Nothing here is text: a value
/// that came from a peer goes out with the bytes it came with.
public struct HeaderLines: Sendable {
  /// One line, its CRLF included.
  struct Mark: Sendable {
    var known: KnownHeader
    /// Bytes of the name.
    var nameCount: UInt8
    var lower: UInt32
    /// Where the value begins.
    var value: UInt32
    var upper: UInt32

    var range: Range<Int> { Int(lower)..<Int(upper) }

    func shifted(by offset: Int) -> Mark {
      let offset = UInt32(bitPattern: Int32(truncatingIfNeeded: offset))
      return Mark(known: known, nameCount: nameCount, lower: lower &+ offset, value: value &+ offset, upper: upper &+ offset)
    }
  }

  var bytes: [UInt8] = []
  var marks: ContiguousArray<Mark> = []

  public init() {}

  public init(_ fields: [HeaderField]) {
    reserve(lines: fields.count, bytes: 48 * fields.count)
    for field in fields { append(field) }
  }

  /// Makes room for so many lines that are written one after another.
  public mutating func reserve(lines: Int, bytes count: Int) {
    marks.reserveCapacity(lines)
    bytes.reserveCapacity(count)
  }

  public var isEmpty: Bool { marks.isEmpty }

  // MARK: - Appending

  public mutating func append(_ field: HeaderField) { append(field.name, field.value) }

  public mutating func append(_ name: HeaderName, _ value: String, separator: String = ": ") {
    let line = begin(name, separator: separator)
    bytes.append(contentsOf: value.utf8)
    end(line)
  }

  public mutating func append(_ known: KnownHeader, _ value: Bytes) {
    let line = begin(known)
    append(value)
    end(line)
  }

  /// An address with a tag behind it.
  public mutating func append(_ known: KnownHeader, _ address: Bytes, tag: String) {
    let line = begin(known)
    append(address)
    bytes.append(contentsOf: ";tag=".utf8)
    bytes.append(contentsOf: tag.utf8)
    end(line)
  }

  /// Copies lines.
  public mutating func append(_ lines: HeaderLines) {
    guard !lines.isEmpty else { return }
    let offset = bytes.count
    bytes.append(contentsOf: lines.bytes)
    for mark in lines.marks { marks.append(mark.shifted(by: offset)) }
  }

  /// Copies one line of a message as it was written, without its CRLF.
  mutating func append(_ known: KnownHeader, line: Bytes, nameCount: Int, valueOffset: Int) {
    let lower = bytes.count
    append(line)
    bytes.append(contentsOf: [13, 10])
    marks.append(
      Mark(
        known: known, nameCount: UInt8(clamping: nameCount), lower: UInt32(truncatingIfNeeded: lower),
        value: UInt32(truncatingIfNeeded: lower + valueOffset), upper: UInt32(truncatingIfNeeded: bytes.count)))
  }

  @inline(__always)
  mutating func append(_ value: Bytes) { value.withUnsafeBytes { bytes.append(contentsOf: $0) } }

  /// A line that is being written.
  struct Opening {
    var known: KnownHeader
    var nameCount: Int
    var lower: Int
    var value: Int
  }

  /// Begins a line: name and separator. The value is appended to ``bytes``, then comes ``end(_:)``.
  @inline(__always)
  mutating func begin(_ name: HeaderName, separator: String = ": ") -> Opening {
    if name.known != .other, separator == ": " { return begin(name.known) }
    let lower = bytes.count
    bytes.append(contentsOf: name.text.utf8)
    let nameCount = bytes.count - lower
    bytes.append(contentsOf: separator.utf8)
    return Opening(known: name.known, nameCount: nameCount, lower: lower, value: bytes.count)
  }

  /// Begins a line of a known name, as RFC 3261 writes it.
  @inline(__always)
  mutating func begin(_ known: KnownHeader) -> Opening {
    let lower = bytes.count
    bytes.append(contentsOf: Self.beginnings[Int(known.rawValue)])
    return Opening(known: known, nameCount: bytes.count - lower - 2, lower: lower, value: bytes.count)
  }

  /// `Name: ` of every known header, in the order of their numbers.
  private static let beginnings = KnownHeader.allCases.map { Array("\($0.text): ".utf8) }

  /// A line end inside a value would let a peer's text become a header of ours.
  mutating func end(_ line: Opening) {
    bytes.withUnsafeMutableBytes { Self.blankLineEnds($0, from: line.value) }
    bytes.append(13)
    bytes.append(10)
    marks.append(
      Mark(
        known: line.known, nameCount: UInt8(clamping: line.nameCount), lower: UInt32(truncatingIfNeeded: line.lower),
        value: UInt32(truncatingIfNeeded: line.value), upper: UInt32(truncatingIfNeeded: bytes.count)))
  }

  /// Eight bytes at a time, since nearly no value has a line end.
  private static func blankLineEnds(_ buffer: UnsafeMutableRawBufferPointer, from start: Int) {
    var index = start
    while index + 8 <= buffer.count {
      let word = buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      if hasByte(13, word) || hasByte(10, word) { blank(buffer, index..<index + 8) }
      index += 8
    }
    blank(buffer, index..<buffer.count)
  }

  @inline(__always)
  private static func blank(_ buffer: UnsafeMutableRawBufferPointer, _ range: Range<Int>) {
    for index in range where buffer[index] == 13 || buffer[index] == 10 { buffer[index] = 32 }
  }

  /// Whether one of the eight bytes is this one: subtracting 1 from a byte that is zero borrows into its highest bit.
  @inline(__always)
  private static func hasByte(_ byte: UInt64, _ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let different = word ^ (ones &* byte)
    return (different &- ones) & ~different & (ones &* 128) != 0
  }

  // MARK: - Reading and changing

  func isNamed(_ mark: Mark, _ name: HeaderName) -> Bool {
    guard mark.known == name.known else { return false }
    return mark.known != .other || nameText(mark) == name.text.lowercased()
  }

  /// Of an extension, in lower case.
  func nameText(_ mark: Mark) -> String {
    String(decoding: bytes[Int(mark.lower)..<Int(mark.lower) + Int(mark.nameCount)], as: UTF8.self).lowercased()
  }

  func value(_ mark: Mark) -> String { String(decoding: bytes[Int(mark.value)..<Int(mark.upper) - 2], as: UTF8.self) }

  /// The value of the first field of this name.
  public func first(_ name: HeaderName) -> String? { marks.first { isNamed($0, name) }.map(value) }

  /// Replaces the first field of this name, or appends one.
  public mutating func set(_ name: HeaderName, _ value: String) {
    guard let index = marks.firstIndex(where: { isNamed($0, name) }) else { return append(name, value) }
    var lines = HeaderLines()
    lines.reserve(lines: marks.count, bytes: bytes.count + value.utf8.count)
    for (position, mark) in marks.enumerated() {
      if position == index { lines.append(name, value) } else { lines.copy(mark, of: bytes) }
    }
    self = lines
  }

  public mutating func removeAll(where isUnwanted: (KnownHeader) -> Bool) {
    guard marks.contains(where: { isUnwanted($0.known) }) else { return }
    var lines = HeaderLines()
    for mark in marks where !isUnwanted(mark.known) { lines.copy(mark, of: bytes) }
    self = lines
  }

  mutating func copy(_ mark: Mark, of source: [UInt8]) {
    marks.append(mark.shifted(by: bytes.count - Int(mark.lower)))
    bytes.append(contentsOf: source[mark.range])
  }
}
