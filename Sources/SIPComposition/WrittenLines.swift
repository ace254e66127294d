import SIPMessage
import SansIO

/// Goes through header lines that we wrote: each ends with CRLF, and none is folded.
struct WrittenLines {
  struct Line {
    var known: KnownHeader
    /// With its CRLF.
    var whole: Range<Int>
    var name: Range<Int>
    var value: Range<Int>
  }

  let bytes: Bytes
  /// Where the next line begins; behind the last one the empty line, or the end.
  private(set) var position: Int

  init(_ bytes: Bytes, from start: Int) { (self.bytes, position) = (bytes, start) }

  /// The lines behind the first one of a message.
  init(message bytes: Bytes) {
    let end = bytes.withSpan { WordScan.first(13, $0, 0, $0.count) }
    self.init(bytes, from: min(end + 2, bytes.count))
  }

  /// The Request-URI of a request whose lines these are.
  var requestURI: Bytes {
    bytes.withSpan { span in
      let end = WordScan.first(13, span, 0, span.count)
      let start = min(WordScan.first(32, span, 0, end) + 1, end)
      return bytes[start..<max(start, end - " SIP/2.0".utf8.count)]
    }
  }

  mutating func next() -> Line? {
    let start = position
    let line = bytes.withSpan { span -> Line? in
      guard let (name, value, end) = Self.parts(span, start) else { return nil }
      return Line(known: KnownHeader(span, name), whole: start..<min(end + 2, span.count), name: name, value: value..<end)
    }
    if let line { position = line.whole.upperBound }
    return line
  }

  func isNamed(_ line: Line, _ name: HeaderName) -> Bool {
    guard line.known == name.known else { return false }
    return line.known != .other || nameText(line) == name.text.lowercased()
  }

  /// In lower case.
  func nameText(_ line: Line) -> String { bytes[line.name].text.lowercased() }

  /// The name, and where the value and the line end; nil for the empty line.
  private static func parts(_ span: Span<UInt8>, _ start: Int) -> (name: Range<Int>, value: Int, end: Int)? {
    let end = WordScan.first(13, span, start, span.count)
    let colon = WordScan.first(UInt8(ascii: ":"), span, start, end)
    guard end < span.count, colon < end else { return nil }
    var nameEnd = colon
    while nameEnd > start, span[nameEnd - 1] == 32 { nameEnd -= 1 }
    var value = colon + 1
    while value < end, span[value] == 32 { value += 1 }
    return (start..<nameEnd, value, end)
  }
}
