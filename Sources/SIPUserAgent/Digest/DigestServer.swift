import SIPMessage
import SansIO

/// What the server side of digest says about one request.
public enum DigestVerdict: Hashable, Sendable {
  case accepted(username: String)
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
  case wrongURI = "digest uri differs from the Request-URI"
  case unusableAlgorithm = "algorithm or qop was not offered"
  case incomplete = "a required parameter is missing"
}

/// Issues nonces and verifies digests (RFC 3261 §22.4, RFC 7616 §3.4, RFC 8760).
///
/// A nonce lives ``nonceLifetime`` and carries a window of the nonce counts seen, so that reordered requests are not taken for replays.
/// Only a right digest changes the window: an attacker without the password cannot burn a count.
public struct DigestServer: Sendable {
  private struct Issued {
    var at: Instant
    var highest: UInt32 = 0
    /// Bit n: the count `highest - n` was seen.
    var seen: UInt64 = 0
  }

  public let realm: String
  /// Nanoseconds.
  public let nonceLifetime: Int64
  private let capacity: Int
  private var entropy: Entropy
  private var issued: [String: Issued] = [:]
  /// Nonces by age, in a ring, so that a flood of challenges cannot grow the table.
  private var ring: [String] = []
  private var oldest = 0

  /// - Parameter capacity: nonces kept; beyond it the oldest is forgotten.
  public init(realm: String, nonceLifetime: Duration = .seconds(300), capacity: Int = 65_536, entropy: Entropy) {
    self.realm = realm
    self.nonceLifetime = nonceLifetime.wholeNanoseconds
    self.capacity = capacity
    self.entropy = entropy
  }

  /// One challenge an algorithm, in the order given, all with one fresh nonce.
  public mutating func challenges(_ algorithms: [DigestAlgorithm], stale: Bool, at now: Instant) -> [DigestChallenge] {
    let nonce = entropy.hex(32)
    remember(nonce, at: now)
    return algorithms.map { algorithm in
      var challenge = DigestChallenge()
      challenge.realm = realm
      challenge.nonce = nonce
      challenge.algorithm = algorithm.rawValue
      challenge.qop = ["auth"]
      challenge.isStale = stale
      return challenge
    }
  }

  /// Judges the credentials of one request.
  ///
  /// - Parameters:
  ///   - credentials: those for our realm, if any.
  ///   - algorithms: what we offer.
  ///   - password: the account's password by username; nil = no such user.
  public mutating func verify(
    _ credentials: DigestCredentials?, method: SIPMethod, requestURI: String, algorithms: [DigestAlgorithm],
    password: (String) -> Secret?, at now: Instant
  ) -> DigestVerdict {
    guard let credentials, credentials.realm == realm else { return .noCredentials }
    guard let username = credentials.username, let nonce = credentials.nonce, let uri = credentials.uri,
      let response = credentials.response
    else { return .wrongCredentials(.incomplete) }
    guard let algorithm = DigestAlgorithm(parameter: credentials.algorithm), algorithms.contains(algorithm),
      let protection = protection(credentials)
    else { return .wrongCredentials(.unusableAlgorithm) }
    // The hash is computed for unknown users as well, so that the time of an answer does not tell who exists.
    let known = password(username)
    let secretHash = DigestCalculation.secretHash(
      algorithm, username: username, realm: realm, password: known?.reveal() ?? "")
    let expected = DigestCalculation.response(
      algorithm, secretHash: secretHash, .init(nonce: nonce, method: method.token, uri: uri, protection: protection.value))
    let matches = equalInConstantTime(expected, response.lowercased())
    guard known != nil else { return .wrongCredentials(.unknownUser) }
    guard matches else { return .wrongCredentials(.wrongResponse) }
    guard uri == requestURI || Self.areEquivalent(uri, requestURI) else { return .wrongCredentials(.wrongURI) }
    return take(nonce, count: protection.count, username: username, at: now)
  }

  /// `qop=auth` with a readable count, or no qop at all; nil for anything that was not offered.
  private func protection(_ credentials: DigestCredentials) -> (value: DigestCalculation.Protection?, count: UInt32?)? {
    guard let qop = credentials.qop else { return (nil, nil) }
    guard qop.lowercased() == "auth", let text = credentials.nonceCount, let count = UInt32(text, radix: 16),
      let clientNonce = credentials.clientNonce
    else { return nil }
    return (.init(nonceCount: text, clientNonce: clientNonce), count)
  }

  private static func areEquivalent(_ left: String, _ right: String) -> Bool {
    guard let left = try? SIPURI(parsing: left), let right = try? SIPURI(parsing: right) else { return false }
    return left.isEquivalent(to: right)
  }

  private mutating func take(_ nonce: String, count: UInt32?, username: String, at now: Instant) -> DigestVerdict {
    guard var entry = issued[nonce] else { return .unknownNonce }
    guard now.nanoseconds - entry.at.nanoseconds <= nonceLifetime else { return .staleNonce }
    // RFC 2617's older form has no count; such a nonce serves one request.
    let count = count ?? (entry.highest == 0 ? 1 : 0)
    guard count > 0 else { return .replayed }
    if count > entry.highest {
      let step = count - entry.highest
      entry.seen = step >= 64 ? 1 : entry.seen << UInt64(step) | 1
      entry.highest = count
    } else {
      let age = entry.highest - count
      guard age < 64, entry.seen & (1 << UInt64(age)) == 0 else { return .replayed }
      entry.seen |= 1 << UInt64(age)
    }
    issued[nonce] = entry
    return .accepted(username: username)
  }

  private mutating func remember(_ nonce: String, at now: Instant) {
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
