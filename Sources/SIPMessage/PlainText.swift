/// Text that a peer wrote, on its way to somebody who reads it.
public enum PlainText {
  /// The text with control characters as `%HH`: they end fields, and move what a terminal shows.
  public static func escapingControls(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars { append(scalar, to: &result) }
    return result
  }

  static func append(_ scalar: Unicode.Scalar, to text: inout String) {
    if isControl(scalar) { text += escaped(UInt8(truncatingIfNeeded: scalar.value)) } else { text.unicodeScalars.append(scalar) }
  }

  /// C0, DEL and C1 (the latter by their low byte).
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) }

  /// `%HH`.
  static func escaped(_ byte: UInt8) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    return String(decoding: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]], as: UTF8.self)
  }
}

/// Reason-Phrase (RFC 3261 §25.1): reserved, unreserved, escaped and non-ASCII characters, spaces and tabs.
public enum ReasonPhrase {
  /// The phrase with every other character as `%HH`; the phrase itself where it has none.
  public static func legal(_ phrase: String) -> String {
    guard !phrase.utf8.allSatisfy(isAllowed) else { return phrase }
    var result: [UInt8] = []
    for byte in phrase.utf8 { if isAllowed(byte) { result.append(byte) } else { result += PlainText.escaped(byte).utf8 } }
    return String(decoding: result, as: UTF8.self)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...0xFF,
      .space, .tab:
      true
    // `%` begins an escape; a phrase that has one already says so itself.
    default: allowedMarks.contains(byte)
    }
  }

  private static let allowedMarks = Set(";/?:@&=+$,-_.!~*'()%".utf8)
}
