/// Base64 with the alphabet of RFC 4648 §4, whose padding SDES discards (RFC 4568 §6.1).
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
      var length = 0
      func append(_ character: UInt8) {
        text[length] = character
        length += 1
      }
      for start in stride(from: 0, to: bytes.count, by: 3) {
        let count = min(3, bytes.count - start)
        var word: UInt32 = 0
        for offset in 0..<3 { word = word << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
        for place in 0..<4 { append(place > count ? padding : alphabet[Int(word >> UInt32(18 - 6 * place) & 63)]) }
      }
      return length
    }
  }

  /// The bytes of a text, kept as a secret from the first. Padding may be missing; where there is some, it has to be right.
  static func secret(_ text: Substring) throws(Base64Fault) -> SecretBytes {
    let characters = text.utf8
    let body = characters.prefix { $0 != padding }
    let padded = characters.dropFirst(body.count)
    guard padded.allSatisfy({ $0 == padding }) else { throw .padding }
    guard body.count % 4 != 1 else { throw .length }
    let missing = (4 - body.count % 4) % 4
    guard padded.isEmpty || padded.count == missing else { throw .padding }
    let secret = SecretBytes(count: body.count * 6 / 8) { bytes in
      var (word, bits, index) = (UInt32(0), UInt32(0), 0)
      for character in body {
        guard let value = value(character) else { return false }
        word = word << 6 | value
        bits += 6
        guard bits >= 8 else { continue }
        bits -= 8
        bytes[index] = UInt8(truncatingIfNeeded: word >> bits)
        index += 1
      }
      return true
    }
    guard let secret else { throw .character }
    return secret
  }

  private static func value(_ character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}

/// Why a text is not base64 (RFC 4648 §4).
public enum Base64Fault: Error, Hashable, Sendable {
  /// A character outside of the alphabet.
  case character
  /// One character more than whole bytes need.
  case length
  /// Padding within the text, or of a wrong length.
  case padding
}
