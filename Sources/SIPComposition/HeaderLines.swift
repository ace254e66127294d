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
    for field in fields { append(field) }
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
    let line = begin(HeaderName(known))
    append(value)
    end(line)
  }

  /// Copies lines.
  public mutating func append(_ lines: HeaderLines) {
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
    let lower = bytes.count
    bytes.append(contentsOf: name.text.utf8)
    let nameCount = bytes.count - lower
    bytes.append(contentsOf: separator.utf8)
    return Opening(known: name.known, nameCount: nameCount, lower: lower, value: bytes.count)
  }

  /// A line end inside a value would let a peer's text become a header of ours.
  mutating func end(_ line: Opening) {
    bytes.withUnsafeMutableBufferPointer { buffer in
      for index in line.value..<buffer.count where buffer[index] == 13 || buffer[index] == 10 { buffer[index] = 32 }
    }
    bytes.append(13)
    bytes.append(10)
    marks.append(
      Mark(
        known: line.known, nameCount: UInt8(clamping: line.nameCount), lower: UInt32(truncatingIfNeeded: line.lower),
        value: UInt32(truncatingIfNeeded: line.value), upper: UInt32(truncatingIfNeeded: bytes.count)))
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
