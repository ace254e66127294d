import SansIO

/// A customer's SIP account: its generated username and password, and its policy.
public struct Account: Sendable, Hashable {
  public var name: String
  public var username: String
  public var password: Secret
  public var policy: Policy
  /// The organization is active and has credits left (contract 8.1, step 6).
  public var isActive = true

  public init(name: String, username: String, password: Secret, policy: Policy = .standard) {
    self.name = name
    self.username = username
    self.password = password
    self.policy = policy
  }
}
