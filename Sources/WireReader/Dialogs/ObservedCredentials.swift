import SIPMessage
import SansIO

/// Digest credentials of a request (RFC 7616 §3.4).
public struct ObservedCredentials: Hashable {
  /// The challenge that they answer: 401 for Authorization, 407 for Proxy-Authorization (RFC 3261 §22.2, §22.3).
  public var status: Int
  public var realm: String?
  /// Nil where they have none, which no challenge asked for.
  public var nonce: String?
  public var username: String?
  /// As written; nil means MD5.
  public var algorithm: String?
  /// The Request-URI that they were computed for.
  public var uri: String?

  static func all(_ message: SIPMessage) -> [ObservedCredentials] {
    read(message, .authorization, 401) + read(message, .proxyAuthorization, 407)
  }

  private static func read(_ message: SIPMessage, _ name: HeaderName, _ status: Int) -> [ObservedCredentials] {
    guard message.first(name) != nil else { return [] }
    let digests = message.digestCredentials(name)
    // Of another scheme, or damaged: there are credentials all the same.
    guard !digests.isEmpty else { return [ObservedCredentials(status: status)] }
    return digests.map { digest in
      ObservedCredentials(
        status: status, realm: digest.realm, nonce: digest.parameters[.nonce]?.text, username: digest.parameters[.username]?.text,
        algorithm: digest.parameters[.algorithm]?.text, uri: digest.parameters[.uri]?.text)
    }
  }
}

/// What is known of credentials that were challenged again.
public enum CredentialUse: Equatable {
  /// There were none for this realm.
  case none
  /// They answered the nonce given last, and at once: the username, the password or the realm does not fit.
  case refused
  /// The server says that the nonce was stale, as RFC 7616 §3.3 has it.
  case stale
  /// The nonce had expired without `stale=true`: the phrase says so, or the answer came late. Nanoseconds since it was given, where known.
  case expired(age: Int64?, isSaid: Bool)
  /// They had another nonce than the one given last.
  case oldNonce
  /// The capture does not have the challenge that they answer.
  case unknown
}

/// The nonces that were given last, by who asked for credentials.
public struct ChallengeMemory {
  private struct Given {
    var status: Int
    var realm: String?
    var nonces: [String]
    var stamp: FrameStamp
  }

  /// A client answers within milliseconds; servers let nonces live for half a minute and more.
  public static let shortestNonceLife: Int64 = 10_000_000_000
  private static let most = 8
  private var given: [Given] = []

  public init() {}

  /// Takes a 401 or 407.
  /// - Parameters:
  ///   - request: the first copy of the request that was challenged; nil when the capture does not have it.
  /// - Returns: what the credentials of the request were worth.
  public mutating func take(
    _ status: Int, phrase: String, _ challenges: [DigestChallenge], to credentials: [ObservedCredentials], request: FrameStamp?,
    _ stamp: FrameStamp
  ) -> CredentialUse {
    let use = judge(status, phrase, challenges, credentials, request)
    for challenge in challenges { remember(status, challenge, stamp) }
    return use
  }

  private func judge(
    _ status: Int, _ phrase: String, _ challenges: [DigestChallenge], _ credentials: [ObservedCredentials], _ request: FrameStamp?
  ) -> CredentialUse {
    let own = credentials.filter { one in
      one.status == status && (one.realm == nil || challenges.isEmpty || challenges.contains { $0.realm == one.realm })
    }
    guard !own.isEmpty else { return .none }
    if challenges.contains(where: \.isStale) { return .stale }
    let last = given.first { known in known.status == status && own.contains { $0.realm == nil || $0.realm == known.realm } }
    let age = last.flatMap { known in request?.since(known.stamp) }
    let words = phrase.lowercased()
    if ["nonce", "stale", "expired"].contains(where: { words.contains($0) }) { return .expired(age: age, isSaid: true) }
    guard own.contains(where: { $0.nonce != nil }) else { return .refused }
    guard let last else { return .unknown }
    guard own.contains(where: { one in one.nonce.map { last.nonces.contains($0) } ?? false }) else { return .oldNonce }
    if let age, age > Self.shortestNonceLife { return .expired(age: age, isSaid: false) }
    return .refused
  }

  private mutating func remember(_ status: Int, _ challenge: DigestChallenge, _ stamp: FrameStamp) {
    guard let nonce = challenge.nonce else { return }
    if let known = given.firstIndex(where: { $0.status == status && $0.realm == challenge.realm }) {
      // One response may offer a nonce an algorithm.
      if given[known].stamp == stamp, given[known].nonces.count < Self.most {
        given[known].nonces.append(nonce)
      } else {
        given[known].nonces = [nonce]
        given[known].stamp = stamp
      }
    } else {
      if given.count >= Self.most { given.removeFirst() }
      given.append(Given(status: status, realm: challenge.realm, nonces: [nonce], stamp: stamp))
    }
  }
}
