import SansIO

/// The master keys of one direction, with their suite: what a sender or receiver is made of.
public struct SRTPKeys: Hashable, Sendable {
  public let suite: SRTPSuite
  /// At least one; the first is the one to send with.
  public let keys: [SRTPKey]

  /// Throws for no key, for a key of a wrong length, and for several that packets cannot tell apart (RFC 4568 §6.1).
  public init(_ suite: SRTPSuite, _ keys: [SRTPKey]) throws(SRTPKeyError) {
    guard !keys.isEmpty else { throw .noKey }
    for key in keys where key.count != suite.keyAndSaltLength {
      throw .length(expected: suite.keyAndSaltLength, found: key.count)
    }
    if keys.count > 1 {
      let identifiers = keys.compactMap(\.identifier)
      guard identifiers.count == keys.count else { throw .identifierMissing }
      guard Set(identifiers.map(\.bytes.count)).count == 1 else { throw .identifierLengths }
      guard Set(identifiers).count == keys.count else { throw .identifierRepeated }
    }
    self.suite = suite
    self.keys = keys
  }

  public init(_ suite: SRTPSuite, _ key: SRTPKey) throws(SRTPKeyError) { try self.init(suite, [key]) }

  /// The same key and salt bytes, whatever is said beside them: the same keystream, also with another tag length.
  func hasSameKeys(as other: SRTPKeys) -> Bool {
    keys.count == other.keys.count && zip(keys, other.keys).allSatisfy { $0.isSameKey(as: $1) }
  }

  /// Whether a key is among both.
  public func sharesKey(with other: SRTPKeys) -> Bool { keys.contains { key in other.keys.contains { $0.isSameKey(as: key) } } }

  /// Bytes of the MKI in each packet; 0 where there is none.
  public var identifierLength: Int { keys[0].identifier?.bytes.count ?? 0 }

  /// Bytes that protection adds to a packet.
  public func overhead(_ kind: SRTPPacketKind) -> Int {
    suite.tagLength(kind) + identifierLength + (kind == .rtcp ? SRTPLayout.indexLength : 0)
  }
}

/// Why keys cannot be used.
public enum SRTPKeyError: Error, Hashable, Sendable {
  case noKey
  /// Bytes of key and salt.
  case length(expected: Int, found: Int)
  case identifierMissing
  case identifierLengths
  case identifierRepeated
}

extension SRTPKeyError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noKey: "there is no key"
    case .length(let expected, let found): "key and salt have \(CountText.of(found, "byte")) instead of \(expected)"
    case .identifierMissing: "one of several keys has no MKI"
    case .identifierLengths: "the MKIs of several keys have different lengths"
    case .identifierRepeated: "two keys have the same MKI"
    }
  }
}
