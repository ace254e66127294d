import SRTP
import SansIO

/// One line of a key log (RFC 9850 §2).
public enum KeyLogEntry {
  case secret(label: String, random: Bytes, secret: Bytes)
  /// A key of SRTP by its sender's place.
  case media(TransportAddress, SRTPKeys)
  case comment
  /// Why it is none. The words show nothing of the line.
  case mistake(String)

  public init(_ line: Bytes) {
    let words = line.split(separator: 32)
    guard let first = words.first else {
      self = .comment
      return
    }
    self = first[0] == UInt8(ascii: "#") ? Self.comment(line) : Self.secret(words)
  }

  private static func secret(_ words: [Bytes]) -> KeyLogEntry {
    guard words.count == 3 else {
      return .mistake("expected 'LABEL client-random secret', found \(CountText.of(words.count, "word"))")
    }
    // Older writers give the first bytes of an encrypted premaster secret, or a session id: nothing here is found by them.
    if words[0] == "RSA" { return .comment }
    guard words[0].allSatisfy({ $0 == 95 || (65...90).contains($0) || (48...57).contains($0) }) else {
      return .mistake("the first word is not a label such as CLIENT_RANDOM")
    }
    guard let random = hex(words[1]), random.count == 32 else { return .mistake("the client random is not 64 hexadecimal digits") }
    guard let secret = hex(words[2]) else { return .mistake("the secret is not hexadecimal") }
    return .secret(label: words[0].text, random: random, secret: secret)
  }

  /// `# SRTP 192.0.2.20:10000 1 AES_CM_128_HMAC_SHA1_80 inline:…`
  private static func comment(_ line: Bytes) -> KeyLogEntry {
    let words = line.split(separator: 32, maxSplits: 3)
    guard words.count == 4, words[0] == "#", words[1] == "SRTP" else { return .comment }
    guard let place = TransportAddress(words[2].text) else {
      return .mistake("'# SRTP' is not followed by an address and port such as 192.0.2.20:10000")
    }
    do throws(CryptoRefusal) {
      guard let keys = try? CryptoAttribute.parse(words[3]).keying() else { return .mistake("the keys cannot be told apart by their MKI") }
      return .media(place, keys)
    } catch { return .mistake("\(error)") }
  }

  private static func hex(_ digits: Bytes) -> Bytes? {
    guard digits.count % 2 == 0, !digits.isEmpty else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
      result.append(high << 4 | low)
    }
    return Bytes(result)
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 48...57: digit - 48
    case 65...70: digit - 55
    case 97...102: digit - 87
    default: nil
    }
  }
}

/// A line of a key log that cannot be read.
public struct KeyLogMistake: Error, Hashable, Sendable, CustomStringConvertible {
  /// From 1 on.
  public var line: Int
  public var reason: String

  /// `17: the client random is not 64 hexadecimal digits`.
  public var description: String { "\(line): \(reason)" }
}

extension KeyLog {
  /// The first line that is neither a secret nor a comment; a reader of captures passes over it, who gave the file wants to know.
  public static func mistake(in text: Bytes) -> KeyLogMistake? {
    var number = 0
    for line in text.split(separator: 10, omittingEmptySubsequences: false) {
      number += 1
      if case .mistake(let reason) = KeyLogEntry(line.last == 13 ? line.dropLast() : line) {
        return KeyLogMistake(line: number, reason: reason)
      }
    }
    return nil
  }
}
