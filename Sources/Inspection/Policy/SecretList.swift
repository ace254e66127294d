import SansIO

/// Texts that must not be seen in clear, and what each is: `the password of acme`. Nothing shows the texts themselves.
public struct SecretList: Sendable, CustomStringConvertible, CustomReflectable {
  private struct Entry: Sendable {
    var name: String
    var octets: [UInt8]
  }

  /// Shorter ones stand by chance in what has nothing to do with them: nobody is accused of that.
  public static let shortest = 8
  private static let most = 4_096

  private var entries: [Entry] = []
  /// Those that are too short to be looked for.
  public private(set) var tooShort = 0

  public init() {}

  public var count: Int { entries.count }

  /// - Parameter name: what it is, for a sentence.
  public mutating func add(_ secret: Secret, named name: String) {
    let octets = Array(secret.reveal().utf8)
    guard octets.count >= Self.shortest else { return tooShort += 1 }
    guard entries.count < Self.most, !entries.contains(where: { $0.octets == octets }) else { return }
    entries.append(Entry(name: name, octets: octets))
  }

  mutating func add(_ more: SecretList) {
    for entry in more.entries where entries.count < Self.most && !entries.contains(where: { $0.octets == entry.octets }) {
      entries.append(entry)
    }
    tooShort += more.tooShort
  }

  /// What of them stands in a message; nil where none does.
  func name(in bytes: Bytes) -> String? {
    guard !entries.isEmpty else { return nil }
    return bytes.withUnsafeBytes { text in entries.first { Self.stands($0.octets, in: text) }?.name }
  }

  /// As a word of its own: a longer word in which it stands is another.
  private static func stands(_ word: [UInt8], in text: UnsafeRawBufferPointer) -> Bool {
    guard text.count >= word.count else { return false }
    for start in 0...text.count - word.count where text[start] == word[0] {
      guard UnsafeRawBufferPointer(rebasing: text[start..<start + word.count]).elementsEqual(word) else { continue }
      let end = start + word.count
      if start == 0 || !isLetter(text[start - 1]) || !isLetter(word[0]),
        end == text.count || !isLetter(text[end]) || !isLetter(word[word.count - 1])
      {
        return true
      }
    }
    return false
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (65...90).contains(byte & 0xDF) }

  public var description: String { "(\(CountText.of(entries.count, "secret")))" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
