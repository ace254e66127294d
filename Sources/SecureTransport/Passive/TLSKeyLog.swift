import SansIO

/// The secrets of TLS connections as key log files and Decryption Secrets Blocks carry them
/// (SSLKEYLOGFILE, draft-ietf-tls-keylogfile): label, client random, secret.
public struct TLSKeyLog: Sendable {
  struct Key: Hashable {
    var label: String
    var clientRandom: [UInt8]
  }

  private var secrets: [Key: [UInt8]] = [:]

  public init() {}

  public var isEmpty: Bool { secrets.isEmpty }

  /// Adds the lines of a key log. Comments, labels that are not known here and lines that are no key log lines change nothing.
  public mutating func add(_ text: Bytes) {
    var start = 0
    while start < text.count {
      var end = start
      while end < text.count, text[end] != 10, text[end] != 13 { end += 1 }
      if end > start { addLine(text[start..<end].text) }
      start = end + 1
    }
  }

  private mutating func addLine(_ line: String) {
    let words = line.split(separator: " ")
    guard words.count == 3, let random = Self.bytes(words[1]), random.count == 32, let secret = Self.bytes(words[2]), !secret.isEmpty else { return }
    secrets[Key(label: String(words[0]), clientRandom: random)] = secret
  }

  func secret(_ label: String, _ clientRandom: [UInt8]) -> [UInt8]? { secrets[Key(label: label, clientRandom: clientRandom)] }

  private static func bytes(_ hex: Substring) -> [UInt8]? {
    var result: [UInt8] = []
    var high: UInt8?
    for byte in hex.utf8 {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init) else { return nil }
      if let half = high {
        result.append(half << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return high == nil ? result : nil
  }
}
