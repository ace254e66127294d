import SIPMessage

/// Answers digest challenges with one account's credentials (RFC 3261 §22.2, RFC 7616 §3.4).
///
/// It answers one challenge a request, and a second one only when the server says that the nonce was stale: a server that keeps
/// challenging would otherwise be asked for ever (RFC 3261 §22.2).
public struct DigestClient: Sendable, Hashable {
  private let credentials: Credentials
  private var nonce: String?
  private var nonceCount: UInt32 = 0

  public init(_ credentials: Credentials) { self.credentials = credentials }

  /// The header that answers the challenge in a 401 or 407.
  ///
  /// - Parameter clientNonce: a fresh random text.
  /// - Returns: nil when no challenge can be answered, or when the credentials were tried already.
  public mutating func answer(
    _ response: SIPMessage, method: SIPMethod, uri: String, clientNonce: String
  ) -> (header: HeaderName, value: String)? {
    let isProxy = response.status == 407
    let challenges = response.digestChallenges(isProxy ? .proxyAuthenticate : .wwwAuthenticate)
    // RFC 8760 §2.4: the first challenge whose algorithm we know.
    for challenge in challenges {
      guard let algorithm = DigestAlgorithm(parameter: challenge.algorithm), let offered = challenge.nonce else { continue }
      let usesProtection = challenge.qop.contains { $0.lowercased() == "auth" }
      guard usesProtection || challenge.qop.isEmpty else { continue }
      guard nonce == nil || challenge.isStale else { return nil }
      nonceCount = offered == nonce ? nonceCount + 1 : 1
      nonce = offered
      let value = credentials(
        for: challenge, algorithm, nonce: offered, method: method, uri: uri, clientNonce: usesProtection ? clientNonce : nil)
      return (isProxy ? .proxyAuthorization : .authorization, value)
    }
    return nil
  }

  private func credentials(
    for challenge: DigestChallenge, _ algorithm: DigestAlgorithm, nonce: String, method: SIPMethod, uri: String, clientNonce: String?
  ) -> String {
    let count = String(nonceCount, radix: 16)
    let protection = clientNonce.map {
      DigestCalculation.Protection(
        nonceCount: String(repeating: "0", count: max(0, 8 - count.count)) + count, clientNonce: $0)
    }
    let secretHash = DigestCalculation.secretHash(
      algorithm, username: credentials.username, realm: challenge.realm ?? "", password: credentials.password.reveal())
    let response = DigestCalculation.response(
      algorithm, secretHash: secretHash, .init(nonce: nonce, method: method.token, uri: uri, protection: protection))
    var answer = DigestCredentials()
    answer.username = credentials.username
    answer.realm = challenge.realm
    answer.nonce = nonce
    answer.uri = uri
    answer.response = response
    answer.algorithm = challenge.algorithm
    answer.opaque = challenge.opaque
    if let protection {
      answer.qop = "auth"
      answer.nonceCount = protection.nonceCount
      answer.clientNonce = protection.clientNonce
    }
    return answer.description
  }
}
