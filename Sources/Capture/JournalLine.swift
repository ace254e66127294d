import SansIO

/// The pieces of a journal line, written in place.
extension ByteCursor {
  @inline(__always)
  mutating func tcp(_ segment: TCPSegment) {
    text(",\"flags\":\"")
    var isFirst = true
    for (flag, name) in Self.flagNames where segment.flags.contains(flag) {
      if !isFirst { byte(UInt8(ascii: ",")) }
      text(name)
      isFirst = false
    }
    text("\",\"seq\":")
    decimal(segment.sequence)
    text(",\"ack\":")
    decimal(segment.acknowledgement)
  }

  private static let flagNames: [(TCPSegment.Flags, StaticString)] = [
    (.syn, "SYN"), (.fin, "FIN"), (.rst, "RST"), (.psh, "PSH"), (.ack, "ACK"),
  ]
}

/// A JSON object in one line, for records that are no packets: short of speed, long of shapes.
struct JSONLine {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  mutating func open(_ bracket: Unicode.Scalar) {
    bytes.append(UInt8(ascii: bracket))
    needsComma = false
  }

  mutating func close(_ bracket: Unicode.Scalar) {
    bytes.append(UInt8(ascii: bracket))
    needsComma = true
  }

  mutating func name(_ name: String) {
    separate()
    bytes += Self.quoted(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func value(_ text: String) {
    separate()
    bytes += Self.quoted(text)
  }

  mutating func value(_ number: Int64) {
    separate()
    bytes += Array(String(number).utf8)
  }

  mutating func value(_ flag: Bool) {
    separate()
    bytes += Array((flag ? "true" : "false").utf8)
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  /// A JSON string (RFC 8259 §7) with its quotes.
  static func quoted(_ text: String) -> [UInt8] {
    let hex = Array("0123456789abcdef".utf8)
    var result = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
      case 0x0A: result += Array("\\n".utf8)
      case 0x0D: result += Array("\\r".utf8)
      case 0x09: result += Array("\\t".utf8)
      case 0..<0x20: result += Array("\\u00".utf8) + [hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      default: result.append(byte)
      }
    }
    result.append(UInt8(ascii: "\""))
    return result
  }
}
