import SIPMessage
import SansIO

/// The arithmetic of digest access authentication: RFC 7616 §3.4.1, RFC 2617 §3.2.2 without qop, RFC 3261 §22.4.
struct DigestCalculation {
  private let context = HashContext()

  /// What both sides put into the response: as text on the side that writes it, as bytes on the one that reads it.
  struct Parameters<Text: HashInput> {
    var nonce: Text
    var method: String
    var uri: Text
    /// nil where the challenge offered no qop (RFC 2617's older form).
    var protection: Protection<Text>?
  }

  /// `qop=auth` with its counter.
  struct Protection<Text: HashInput> {
    /// Eight hexadecimal digits, as sent.
    var nonceCount: Text
    var clientNonce: Text
  }

  /// H(A1) for the plain variants, without `-sess`.
  func secretHash(_ algorithm: DigestAlgorithm, username: String, realm: String, password: Secret) -> SecretHash {
    SecretHash(
      context.hash(algorithm) { feed in
        feed(username)
        feed.next(realm)
        feed.next(password.reveal())
      })
  }

  /// The `response` value.
  func response<Text>(_ algorithm: DigestAlgorithm, _ secretHash: SecretHash, _ parameters: Parameters<Text>) -> HexDigest {
    let requestHash = context.hash(algorithm) { feed in
      feed(parameters.method)
      feed.next(parameters.uri)
    }
    return context.hash(algorithm) { feed in
      feed(secretHash.reveal())
      feed.next(parameters.nonce)
      if let protection = parameters.protection {
        feed.next(protection.nonceCount)
        feed.next(protection.clientNonce)
        feed.next("auth")
      }
      feed.next(requestHash)
    }
  }
}

/// H(A1), which is as good as the password for its realm (RFC 7616 §5.2): no description, dump or log can show it.
struct SecretHash: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let value: HexDigest

  init(_ value: HexDigest) { self.value = value }

  /// The digits. Call this only where they enter a calculation.
  func reveal() -> HexDigest { value }

  var description: String { "(secret)" }
  var debugDescription: String { "(secret)" }
  var customMirror: Mirror { Mirror(self, children: []) }
}

/// H(A1) of each account, realm and algorithm, computed once (RFC 7616 §3.4.2) and again when the password is another.
struct SecretHashes {
  private struct Key: Hashable {
    var username: String
    var realm: String
    var algorithm: DigestAlgorithm

    /// An account hardly has two realms or algorithms: the rest need not be hashed.
    func hash(into hasher: inout Hasher) { hasher.combine(username) }
  }

  private struct Entry {
    var password: Secret
    var hash: SecretHash
  }

  /// Names longer than this are computed each time: peers choose them.
  private static let longestName = 256

  let calculation = DigestCalculation()
  private let capacity: Int
  private var entries: [Key: Entry] = [:]

  /// - Parameter capacity: hashes kept; beyond it all are forgotten, and computed again when they are needed.
  init(capacity: Int) { self.capacity = capacity }

  /// How many are kept.
  var count: Int { entries.count }

  mutating func hash(_ algorithm: DigestAlgorithm, username: String, realm: String, password: Secret) -> SecretHash {
    let key = Key(username: username, realm: realm, algorithm: algorithm)
    if let known = entries[key], known.password == password { return known.hash }
    let hash = calculation.secretHash(algorithm, username: username, realm: realm, password: password)
    guard username.utf8.count <= Self.longestName, realm.utf8.count <= Self.longestName else { return hash }
    if entries.count >= capacity { entries.removeAll(keepingCapacity: true) }
    entries[key] = Entry(password: password, hash: hash)
    return hash
  }
}
