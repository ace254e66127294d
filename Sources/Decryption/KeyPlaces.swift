import SRTP
import SansIO

/// Where text has keys of media: in `a=crypto` (RFC 4568), `a=key-mgmt` (RFC 4567) and `k=` (RFC 4566 §5.12).
enum KeyPlaces {
  /// What keys follow, in lower case; they end with their word.
  static let introducers: [[UInt8]] = ["inline:", "k=base64:", "k=clear:", "key-mgmt:mikey "].map { Array($0.utf8) }
  static let longest = 15

  private static let crypto = Array("a=crypto:".utf8)
  /// The shortest key is that of AEAD_AES_128_GCM: 28 bytes, 38 characters without padding. One that was cut is one still.
  private static let shortestWord = 30

  static func ranges(in text: Bytes) -> [Range<Int>] {
    text.withSpan { span in
      var ranges: [Range<Int>] = []
      var (position, isCrypto) = (0, false)
      while position < span.count {
        if span[position] == UInt8(ascii: "\n") {
          isCrypto = false
        } else if let start = end(of: crypto, at: position, span) {
          (isCrypto, position) = (true, start)
          continue
        } else if let start = introduced(at: position, span) {
          position = word(from: start, span)
          if start < position { ranges.append(start..<position) }
          continue
        } else if isCrypto {
          // A line that breaks the grammar has its key in some other place.
          let rest = base64(from: position, span)
          if rest - position >= shortestWord { ranges.append(position..<rest) }
          if rest > position {
            position = rest
            continue
          }
        }
        position += 1
      }
      return ranges
    }
  }

  private static func introduced(at position: Int, _ span: Span<UInt8>) -> Int? {
    for introducer in introducers { if let end = end(of: introducer, at: position, span) { return end } }
    return nil
  }

  /// Behind an introducer that begins here, in either case.
  private static func end(of introducer: [UInt8], at position: Int, _ span: Span<UInt8>) -> Int? {
    guard position + introducer.count <= span.count else { return nil }
    for index in introducer.indices {
      let byte = span[position + index]
      guard (65...90).contains(byte) ? byte | 0x20 == introducer[index] : byte == introducer[index] else { return nil }
    }
    return position + introducer.count
  }

  private static func word(from start: Int, _ span: Span<UInt8>) -> Int {
    var end = start
    while end < span.count, !" \t|;\r\n".utf8.contains(span[end]) { end += 1 }
    return end
  }

  private static func base64(from start: Int, _ span: Span<UInt8>) -> Int {
    var end = start
    while end < span.count, isBase64(span[end]) { end += 1 }
    return end
  }

  static func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): true
    default: false
    }
  }
}
