import SIPMessage
import SansIO

/// What the server side of digest says about one request.
public enum DigestVerdict: Hashable, Sendable {
  ///
  /// `foreignURI`: the digest's `uri` where it does not mean the same as the Request-URI. That is no failure: a proxy may have rewritten
  /// the target, and the response fits the `uri` it names (RFC 3261 §22.4 item 4).
  case accepted(username: String, foreignURI: String? = nil)
  /// No credentials for our realm: challenge.
  case noCredentials
  /// The digest is right, but its nonce is too old: challenge with `stale=true`, the client need not ask its user again.
  case staleNonce
  /// The digest is right, the nonce was never issued here (or long forgotten).
  case unknownNonce
  /// The digest is right and this nonce count was used before.
  case replayed
  /// The digest is wrong.
  case wrongCredentials(WrongCredentials)
}

/// Why credentials were refused; never shown to the peer, which learns 403 and no more.
public enum WrongCredentials: String, Hashable, Sendable {
  case unknownUser = "unknown username"
  case wrongResponse = "response does not match the password"
  case unusableAlgorithm = "algorithm or qop was not offered"
  case incomplete = "a required parameter is missing"
}

/// Issues nonces and verifies digests (RFC 3261 §22.4, RFC 7616 §3.4, RFC 8760).
///
/// A nonce lives ``nonceLifetime`` and carries, for each account that used it, a window of the nonce counts seen, so that reordered
/// requests are not taken for replays. Only a right digest changes a window: an attacker without the password cannot burn a count, and
/// one account cannot burn another's.
public struct DigestServer {
  private struct Issued {
    var at: Instant
    /// The account that used it first; a nonce is nearly always one account's, and tens of thousands are kept.
    private var user: String?
    private var window = CountWindow()
    private var others: [String: CountWindow] = [:]

    init(at: Instant) { self.at = at }

    /// Uses up a count; false when that account used it before.
    mutating func take(_ count: UInt32?, by username: String) -> Bool {
      if user == nil || user == username {
        guard window.take(count) else { return false }
        user = username
        return true
      }
      return others[username, default: CountWindow()].take(count)
    }
  }

  public let realm: String
  /// Nanoseconds.
  public let nonceLifetime: Int64
  private let capacity: Int
  private var entropy: Entropy
  private var issued: [Bytes: Issued] = [:]
  /// Nonces by age, in a ring, so that a flood of challenges cannot grow the table.
  private var ring: [Bytes] = []
  private var oldest = 0
  private var secrets = SecretHashes(capacity: 8_192)

  /// - Parameter capacity: nonces kept; beyond it the oldest is forgotten.
  public init(realm: String, nonceLifetime: Duration = .seconds(300), capacity: Int = 65_536, entropy: Entropy) {
    self.realm = realm
    self.nonceLifetime = nonceLifetime.wholeNanoseconds
    self.capacity = capacity
    self.entropy = entropy
  }

  /// One challenge an algorithm, in the order given, all with one fresh nonce.
  public mutating func challenges(_ algorithms: [DigestAlgorithm], stale: Bool, at now: Instant) -> [DigestChallenge] {
    let nonce = Bytes(entropy.hex(32))
    remember(nonce, at: now)
    return algorithms.map { algorithm in
      DigestChallenge { writer in
        writer.add(.realm, realm)
        writer.add(.nonce, nonce)
        if stale { writer.add(.stale, "true") }
        writer.add(.algorithm, algorithm.rawValue)
        writer.add(.qop, "auth", quoted: true)
      }
    }
  }

  /// Judges the credentials of one request.
  ///
  /// - Parameters:
  ///   - credentials: those for our realm, if any.
  ///   - requestURI: as it was written.
  ///   - algorithms: what we offer.
  ///   - password: that of the account whose username the credentials name; nil = no such user.
  public mutating func verify(
    _ credentials: DigestCredentials?, method: SIPMethod, requestURI: Bytes, algorithms: [DigestAlgorithm], password: Secret?,
    at now: Instant
  ) -> DigestVerdict {
    guard let credentials, credentials.isFor(realm: realm) else { return .noCredentials }
    let parameters = credentials.parameters
    guard let username = credentials.username, let nonce = parameters[.nonce], let uri = parameters[.uri],
      let response = parameters[.response]
    else { return .wrongCredentials(.incomplete) }
    guard let algorithm = DigestAlgorithm(parameter: credentials.algorithm), algorithms.contains(algorithm),
      let protection = protection(parameters)
    else { return .wrongCredentials(.unusableAlgorithm) }
    // The hash of an unknown user is looked up and computed like any other, so that the time of an answer does not tell who exists.
    let secret = secrets.hash(algorithm, username: username, realm: realm, password: password ?? Secret(""))
    let expected = secrets.calculation.response(
      algorithm, secret, .init(nonce: nonce, method: method.token, uri: uri, protection: protection.value))
    let matches = expected.equalsInConstantTime(response)
    guard password != nil else { return .wrongCredentials(.unknownUser) }
    guard matches else { return .wrongCredentials(.wrongResponse) }
    if let refusal = take(nonce, count: protection.count, username: username, at: now) { return refusal }
    let isSame = uri == requestURI || Self.areEquivalent(uri.text, requestURI.text)
    return .accepted(username: username, foreignURI: isSame ? nil : uri.text)
  }

  /// `qop=auth` with a readable count, or no qop at all; nil for anything that was not offered.
  private func protection(_ parameters: DigestParameters) -> (value: DigestCalculation.Protection<Bytes>?, count: UInt32?)? {
    guard parameters[.qop] != nil else { return (nil, nil) }
    guard parameters.isSame(.qop, "auth"), let text = parameters[.nc], let count = UInt32(text.text, radix: 16),
      let clientNonce = parameters[.cnonce]
    else { return nil }
    return (.init(nonceCount: text, clientNonce: clientNonce), count)
  }

  private static func areEquivalent(_ left: String, _ right: String) -> Bool {
    guard let left = try? SIPURI(parsing: left), let right = try? SIPURI(parsing: right) else { return false }
    return left.isEquivalent(to: right)
  }

  /// Uses up a count of a nonce; what speaks against it, else nil.
  private mutating func take(_ nonce: Bytes, count: UInt32?, username: String, at now: Instant) -> DigestVerdict? {
    guard let index = issued.index(forKey: nonce) else { return .unknownNonce }
    guard now.nanoseconds - issued.values[index].at.nanoseconds <= nonceLifetime else { return .staleNonce }
    return issued.values[index].take(count, by: username) ? nil : .replayed
  }

  private mutating func remember(_ nonce: Bytes, at now: Instant) {
    if ring.count < capacity {
      ring.append(nonce)
    } else {
      issued[ring[oldest]] = nil
      ring[oldest] = nonce
      oldest = (oldest + 1) % capacity
    }
    issued[nonce] = Issued(at: now)
  }
}

/// The nonce counts that one account has used with one nonce, in any order within the last 64.
private struct CountWindow {
  var highest: UInt32 = 0
  /// Bit n: the count `highest - n` was seen.
  var seen: UInt64 = 0

  /// False for a count that was used before.
  ///
  /// - Parameter count: nil in RFC 2617's older form, which has none: such a nonce serves one request.
  mutating func take(_ count: UInt32?) -> Bool {
    let count = count ?? (highest == 0 ? 1 : 0)
    guard count > 0 else { return false }
    guard count <= highest else {
      let step = count - highest
      seen = step >= 64 ? 1 : seen << UInt64(step) | 1
      highest = count
      return true
    }
    let age = highest - count
    guard age < 64, seen & (1 << UInt64(age)) == 0 else { return false }
    seen |= 1 << UInt64(age)
    return true
  }
}
