import SansIO

/// What the portal and the API do to a running endpoint.
public enum Administration: Sendable, Hashable {
  /// Replaces an account's policy; running calls keep what they were admitted with (checks ACL-04, REG-12).
  case setPolicy(account: String, Policy)
  /// *Regenerate Password*: the old one is refused at once, running calls go on (check REG-12).
  case setPassword(account: String, Secret)
  /// The organization loses or regains its right to call (contract 8.1, step 6).
  case setActive(account: String, Bool)
  /// Ends a session: BYE with Reason on all its legs (contract 8.3).
  case endSession(String)
  /// Calls an account where it registered; the event that says that the leg began carries `name` back.
  case callAccount(String, name: String?)
}
