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

/// A JSON object in one line, for records that are no packets. Its buffer is used again for the next line.
struct JSONLine {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// Without a buffer: stands in while the real one is in use.
  static let none = JSONLine(capacity: 0)

  init(capacity: Int = 1_024) { bytes.reserveCapacity(capacity) }

  mutating func end() { bytes.append(0x0A) }

  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
  }

  mutating func open(_ bracket: Unicode.Scalar) {
    bytes.append(UInt8(ascii: bracket))
    needsComma = false
  }

  mutating func close(_ bracket: Unicode.Scalar) {
    bytes.append(UInt8(ascii: bracket))
    needsComma = true
  }

  /// - Parameter name: of ours, without anything that JSON escapes.
  mutating func name(_ name: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: name.utf8)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func value(_ text: String) {
    separate()
    quote(text)
  }

  mutating func value(_ number: Int64) {
    separate()
    bytes += String(number).utf8
  }

  mutating func value(_ flag: Bool) {
    separate()
    bytes += (flag ? "true" : "false").utf8
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  /// A JSON string (RFC 8259 §7) with its quotes.
  private mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { utf8 in
      // No early end: such a loop is done many bytes at a time.
      var strange: UInt8 = 0
      for byte in utf8 {
        strange |= (byte < 0x20 ? 1 : 0) | (byte == UInt8(ascii: "\"") ? 1 : 0) | (byte == UInt8(ascii: "\\") ? 1 : 0)
      }
      let isPlain = strange == 0
      if isPlain { bytes.append(contentsOf: utf8) } else { for byte in utf8 { escape(byte) } }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    case 0x0A: bytes += "\\n".utf8
    case 0x0D: bytes += "\\r".utf8
    case 0x09: bytes += "\\t".utf8
    case 0..<0x20:
      let hex = String(byte, radix: 16)
      bytes += "\\u\(String(repeating: "0", count: 4 - hex.count))\(hex)".utf8
    default: bytes.append(byte)
    }
  }

  static func quoted(_ text: String) -> [UInt8] {
    var line = JSONLine()
    line.quote(text)
    return line.bytes
  }
}
