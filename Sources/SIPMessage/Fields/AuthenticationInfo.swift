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
