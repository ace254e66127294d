import SIPMessage
import SansIO

/// How many requests were sent with each nonce: `nc` counts them over all requests and calls of an account (RFC 7616 §3.4), since a server
/// that offers a nonce again would take a second `nc=00000001` for a replay.
///
/// The newest ``capacity`` nonces are remembered, and up to as many older ones.
struct NonceCounts {
  private struct Key: Hashable {
    var username: String
    var realm: String
    var nonce: String

    /// A server hardly gives the same nonce to two accounts: the rest need not be hashed.
    func hash(into hasher: inout Hasher) { hasher.combine(nonce) }
  }

  static let capacity = 256

  private var counts: [Key: (count: UInt32, used: UInt64)] = [:]
  private var uses: UInt64 = 0

  /// The count for one more request with this nonce; the first is 1.
  mutating func next(username: String, realm: String, nonce: String) -> UInt32 {
    uses += 1
    let count = Self.use(&counts[Key(username: username, realm: realm, nonce: nonce), default: (0, 0)], at: uses)
    if counts.count > 2 * Self.capacity { forgetOlderHalf() }
    return count
  }

  private static func use(_ entry: inout (count: UInt32, used: UInt64), at use: UInt64) -> UInt32 {
    entry = (entry.count &+ 1, use)
    return entry.count
  }

  /// A sweep now and then: where every call has a nonce of its own, looking for the oldest each time would cost more than the digest.
  private mutating func forgetOlderHalf() {
    let oldest = counts.values.map(\.used).sorted(by: >)[Self.capacity - 1]
    counts = counts.filter { $0.value.used >= oldest }
  }
}

/// What a user agent keeps of the digests of all its accounts.
struct DigestMemory {
  var counts = NonceCounts()
  /// Realms are the peers' to choose, so they are not many.
  var secrets = SecretHashes(capacity: 256)
}

/// Answers digest challenges with one account's credentials for one request (RFC 3261 §22.2, RFC 7616 §3.4).
///
/// Each realm, and a proxy apart from a server, is answered once a request, and again only when it says that the nonce was stale. A
/// server that keeps challenging is not asked for ever (RFC 3261 §22.2): after ``limit`` answers a request has failed.
public struct DigestClient: Sendable, Hashable {
  private struct Protection: Sendable, Hashable {
    var realm: String
    var isProxy: Bool
    /// Answers given for the request at hand.
    var answers = 0
  }

  /// Answers for one request, all realms together.
  static let limit = 4

  private let credentials: Credentials
  private var protections: [Protection] = []

  public init(_ credentials: Credentials) { self.credentials = credentials }

  /// Another request begins: it may be challenged anew.
  public mutating func beginRequest() {
    for index in protections.indices { protections[index].answers = 0 }
  }

  /// The header that answers the challenge in a 401 or 407.
  ///
  /// - Parameters:
  ///   - clientNonce: a fresh random text.
  ///   - memory: what the user agent keeps of its digests.
  /// - Returns: nil when no challenge can be answered, or when the credentials were tried already.
  mutating func answer(
    _ response: SIPMessage, method: SIPMethod, uri: String, clientNonce: String, memory: inout DigestMemory
  ) -> (header: HeaderName, value: String)? {
    let isProxy = response.status == 407
    let challenges = response.digestChallenges(isProxy ? .proxyAuthenticate : .wwwAuthenticate)
    // RFC 8760 §2.4: the first challenge whose algorithm we know.
    for challenge in challenges {
      guard let algorithm = DigestAlgorithm(parameter: challenge.algorithm), let nonce = challenge.nonce else { continue }
      let protection = challenge.protection
      guard protection != .other else { continue }
      let realm = challenge.realm ?? ""
      guard mayAnswer(challenge, realm, isProxy: isProxy) else { return nil }
      let count = memory.counts.next(username: credentials.username, realm: realm, nonce: nonce)
      let secret = memory.secrets.hash(algorithm, username: credentials.username, realm: realm, password: credentials.password)
      let parameters = DigestCalculation.Parameters(
        nonce: nonce, method: method.token, uri: uri,
        protection: protection == .auth ? .init(nonceCount: Self.digits(count), clientNonce: clientNonce) : nil)
      let value = write(parameters, memory.secrets.calculation.response(algorithm, secret, parameters), to: challenge)
      return (isProxy ? .proxyAuthorization : .authorization, value)
    }
    return nil
  }

  /// False when this realm has had its answer.
  private mutating func mayAnswer(_ challenge: DigestChallenge, _ realm: String, isProxy: Bool) -> Bool {
    guard protections.reduce(0, { $0 + $1.answers }) < Self.limit else { return false }
    let known = protections.firstIndex { $0.realm == realm && $0.isProxy == isProxy }
    if known == nil { protections.append(Protection(realm: realm, isProxy: isProxy)) }
    let index = known ?? protections.count - 1
    guard protections[index].answers == 0 || challenge.isStale else { return false }
    protections[index].answers += 1
    return true
  }

  private func write(
    _ parameters: DigestCalculation.Parameters<String>, _ response: HexDigest, to challenge: DigestChallenge
  ) -> String {
    let answer = DigestCredentials { writer in
      writer.add(.username, credentials.username)
      if let realm = challenge.parameters[.realm] { writer.add(.realm, realm) }
      writer.add(.nonce, parameters.nonce)
      writer.add(.uri, parameters.uri)
      response.withUTF8 { writer.add(.response, $0) }
      if let algorithm = challenge.parameters[.algorithm] { writer.add(.algorithm, algorithm) }
      if let protection = parameters.protection { writer.add(.cnonce, protection.clientNonce) }
      if let opaque = challenge.parameters[.opaque] { writer.add(.opaque, opaque) }
      if let protection = parameters.protection {
        writer.add(.qop, "auth")
        writer.add(.nc, protection.nonceCount)
      }
    }
    return answer.description
  }

  /// `nc`: eight hexadecimal digits.
  private static func digits(_ count: UInt32) -> String {
    String(unsafeUninitializedCapacity: 8) { buffer in
      for place in 0..<8 { buffer[place] = Entropy.digit(UInt8(truncatingIfNeeded: count >> UInt32(28 - 4 * place))) }
      return 8
    }
  }
}
