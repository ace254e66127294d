import SansIO

#if canImport(Glibc)
  import Glibc
#endif

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
    var start = 0
    while let found = place(of: word, in: text, from: start) {
      let end = found + word.count
      if found == 0 || !isLetter(text[found - 1]) || !isLetter(word[0]),
        end == text.count || !isLetter(text[end]) || !isLetter(word[word.count - 1])
      {
        return true
      }
      start = found + 1
    }
    return false
  }

  /// Every message is searched for every password: the C library looks for the first octet by words of the processor.
  private static func place(of word: [UInt8], in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard let base = text.baseAddress else { return nil }
    var start = start
    while start + word.count <= text.count {
      guard let found = memchr(base + start, Int32(word[0]), text.count - word.count - start + 1) else { return nil }
      let place = UnsafeRawPointer(found) - base
      if memcmp(found, word, word.count) == 0 { return place }
      start = place + 1
    }
    return nil
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (65...90).contains(byte & 0xDF) }

  public var description: String { "(\(CountText.of(entries.count, "secret")))" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
