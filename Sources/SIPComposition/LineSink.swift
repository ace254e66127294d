import SIPMessage
import SansIO

/// What takes header lines: a message that is being written, or lines that are kept (RFC 3261 §7.3).
protocol LineSink: ByteSink {
  /// Bytes that were written.
  var count: Int { get }
  /// A Content-Length was written.
  var hasContentLength: Bool { get set }
  mutating func withUnsafeMutableBytes(from start: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void)
}

extension LineSink {
  /// A line of a known name, as RFC 3261 writes it, with the value that is written.
  @inline(__always)
  mutating func line(_ known: KnownHeader, _ write: (inout Self) -> Void) {
    if known == .contentLength { hasContentLength = true }
    append(known.spelling)
    append(": " as StaticString)
    let start = count
    write(&self)
    end(from: start)
  }

  /// A line whose value is our own and has no line end.
  @inline(__always)
  mutating func ownLine(_ known: KnownHeader, _ write: (inout Self) -> Void) {
    append(known.spelling)
    append(": " as StaticString)
    write(&self)
    append("\r\n" as StaticString)
  }

  mutating func line(_ name: HeaderName, _ value: String, separator: String = ": ") {
    if name.known == .contentLength { hasContentLength = true }
    append(name.text)
    append(separator)
    let start = count
    append(value)
    end(from: start)
  }

  /// An address with a tag behind it.
  @inline(__always)
  mutating func append(_ address: Bytes, tag: String) {
    append(address)
    append(";tag=" as StaticString)
    append(tag)
  }

  /// Copies lines.
  @inline(__always)
  mutating func copy(_ lines: HeaderLines) {
    if lines.hasContentLength { hasContentLength = true }
    append(lines.bytes)
  }

  /// Copies a line as it was written, its CRLF included.
  @inline(__always)
  mutating func copy(_ known: KnownHeader, _ line: Bytes) {
    if known == .contentLength { hasContentLength = true }
    append(line)
  }

  /// A line end inside a value would let a peer's text become a header of ours.
  private mutating func end(from start: Int) {
    withUnsafeMutableBytes(from: start) { LineEnds.blank($0) }
    append("\r\n" as StaticString)
  }
}

/// Line ends within a value.
private enum LineEnds {
  /// Makes spaces of them, eight bytes at a time, since nearly no value has one.
  static func blank(_ buffer: UnsafeMutableRawBufferPointer) {
    var index = 0
    while index + 8 <= buffer.count {
      let word = buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      if hasControl(word) { blank(buffer, index..<index + 8) }
      index += 8
    }
    blank(buffer, index..<buffer.count)
  }

  @inline(__always)
  private static func blank(_ buffer: UnsafeMutableRawBufferPointer, _ range: Range<Int>) {
    for index in range where buffer[index] == 13 || buffer[index] == 10 { buffer[index] = 32 }
  }

  /// Whether one of the eight bytes is below 16: subtracting 1 from a byte that is zero borrows into its highest bit.
  @inline(__always)
  private static func hasControl(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let upper = word & (ones &* 0xF0)
    return (upper &- ones) & ~upper & (ones &* 128) != 0
  }
}
