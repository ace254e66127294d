import SansIO

/// Authentication-Info: `nextnonce="…", qop=auth, rspauth="…"` (RFC 3261 §20.6, RFC 7615).
public struct AuthenticationInfo: Hashable, Sendable {
  public var nextNonce: String?
  public var qop: String?
  /// `rspauth`: the server's proof that it knows the password.
  public var response: String?
  public var clientNonce: String?
  public var nonceCount: String?
}

extension SIPMessage {
  /// Authentication-Info; nil when there is none.
  public func authenticationInfo() -> AuthenticationInfo? {
    guard let value = firstValue(.authenticationInfo) else { return nil }
    let pairs = DigestParameters(list: value)
    return AuthenticationInfo(
      nextNonce: pairs[.nextnonce]?.text, qop: pairs[.qop]?.text, response: pairs[.rspauth]?.text, clientNonce: pairs[.cnonce]?.text,
      nonceCount: pairs[.nc]?.text)
  }
}
