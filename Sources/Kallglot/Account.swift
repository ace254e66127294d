import SIPUserAgent

/// A customer's SIP account: its generated username and password, and its policy.
public struct Account: Sendable, Hashable {
  public var name: String
  public var username: String
  public var password: Secret
  public var policy: Policy

  public init(name: String, username: String, password: Secret, policy: Policy = .standard) {
    self.name = name
    self.username = username
    self.password = password
    self.policy = policy
  }
}

/// A session made by the API, as the SIP side sees it.
public struct Session: Sendable, Hashable {
  public enum State: String, Sendable, Hashable, Codable { case created, active, ended }

  public var id: String
  public var account: String
  public var state: State
  /// Legs that are up or being set up; at most two (contract 8.3).
  public var legs: [LegID] = []

  public init(id: String, account: String, state: State = .created) {
    self.id = id
    self.account = account
    self.state = state
  }

  public static let maximumLegs = 2
}
