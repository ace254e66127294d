import SIPMessage
import SansIO

/// Header fields as they will be written.
///
/// What repeats in the messages of a dialog is written once into lines of its own and copied from then on. Nothing here is text: a value
/// that came from a peer goes out with the bytes it came with.
public struct HeaderLines: Sendable {
  private(set) var bytes: [UInt8] = []
  /// One of them is Content-Length.
  var hasContentLength = false

  public init() {}

  public init(_ fields: [HeaderField]) {
    guard !fields.isEmpty else { return }
    reserve(bytes: 48 * fields.count)
    for field in fields { append(field) }
  }

  /// Makes room for lines that are written one after another.
  public mutating func reserve(bytes count: Int) { bytes.reserveCapacity(count) }

  public var isEmpty: Bool { bytes.isEmpty }

  // MARK: - Appending

  public mutating func append(_ field: HeaderField) { append(field.name, field.value) }
  public mutating func append(_ name: HeaderName, _ value: String) { line(name, value) }
  public mutating func append(_ known: KnownHeader, _ value: Bytes) { line(known) { $0.append(value) } }

  /// An address with a tag behind it.
  public mutating func append(_ known: KnownHeader, _ address: Bytes, tag: String) {
    line(known) { $0.append(address, tag: tag) }
  }

  /// Copies lines.
  public mutating func append(_ lines: HeaderLines) { copy(lines) }

  // MARK: - Reading and changing

  private var lines: WrittenLines { WrittenLines(Bytes(bytes), from: 0) }

  /// The value of the first field of this name.
  public func first(_ name: HeaderName) -> String? {
    var lines = lines
    while let line = lines.next() { if lines.isNamed(line, name) { return lines.bytes[line.value].text } }
    return nil
  }

  /// Replaces the first field of this name, or appends one.
  public mutating func set(_ name: HeaderName, _ value: String) {
    var lines = lines
    while let line = lines.next() {
      guard lines.isNamed(line, name) else { continue }
      var new = HeaderLines()
      new.line(name, value)
      return bytes.replaceSubrange(line.whole, with: new.bytes)
    }
    append(name, value)
  }

  public mutating func removeAll(where isUnwanted: (KnownHeader) -> Bool) {
    var (lines, kept) = (lines, HeaderLines())
    while let line = lines.next() { if !isUnwanted(line.known) { kept.copy(line.known, lines.bytes[line.whole]) } }
    self = kept
  }
}

extension HeaderLines: LineSink {
  var count: Int { bytes.count }
  public mutating func append(_ byte: UInt8) { bytes.append(byte) }
  public mutating func append(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }

  mutating func withUnsafeMutableBytes(from start: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    bytes.withUnsafeMutableBytes { body(UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
  }
}
