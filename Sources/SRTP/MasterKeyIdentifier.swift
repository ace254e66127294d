/// The MKI: a number that packets carry, in so many bytes, to say which master key protects them (RFC 3711 §3.1, RFC 4568 §6.1).
public struct MasterKeyIdentifier: Hashable, Sendable {
  /// As in packets: 1 to 128 bytes, the most significant first.
  public let bytes: [UInt8]

  /// How many bytes may carry one (RFC 4568 §6.1).
  public static let lengths = 1...128

  /// nil for no bytes, and for more than 128.
  public init?(_ bytes: [UInt8]) {
    guard Self.lengths.contains(bytes.count) else { return nil }
    self.bytes = bytes
  }

  /// Reads `1:4`, the number 1 in four bytes; nil where it does not fit or is something else.
  init?(_ text: Substring) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, (1...3).contains(parts[1].utf8.count), let length = Int(digits: parts[1]), Self.lengths.contains(length),
      let bytes = Self.bytes(decimal: parts[0], length: length)
    else { return nil }
    self.bytes = bytes
  }

  /// A decimal number of any size, in `length` bytes. 128 bytes are 309 digits.
  private static func bytes(decimal: Substring, length: Int) -> [UInt8]? {
    let digits = decimal.drop { $0 == "0" }
    guard !decimal.isEmpty, decimal.utf8.allSatisfy({ $0 &- 48 < 10 }), digits.utf8.count <= 309 else { return nil }
    var bytes = [UInt8](repeating: 0, count: length)
    for digit in digits.utf8 {
      var carry = UInt16(digit - 48)
      for index in bytes.indices.reversed() {
        carry += UInt16(bytes[index]) * 10
        bytes[index] = UInt8(truncatingIfNeeded: carry)
        carry >>= 8
      }
      guard carry == 0 else { return nil }
    }
    return bytes
  }

  private var decimal: String {
    var (rest, digits) = (bytes, [UInt8]())
    while rest.contains(where: { $0 != 0 }) {
      var remainder: UInt16 = 0
      for index in rest.indices {
        remainder = remainder << 8 | UInt16(rest[index])
        rest[index] = UInt8(remainder / 10)
        remainder %= 10
      }
      digits.append(UInt8(remainder) + 48)
    }
    return digits.isEmpty ? "0" : String(decoding: digits.reversed(), as: UTF8.self)
  }
}

extension MasterKeyIdentifier: CustomStringConvertible {
  /// As SDES writes it: `1:4`.
  public var description: String { "\(decimal):\(bytes.count)" }
}
