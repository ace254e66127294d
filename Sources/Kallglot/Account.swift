import SIPMessage
import SIPUserAgent

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

/// A session made by the API, as the SIP side sees it.
public struct Session: Sendable, Hashable {
  /// Which of the two parties a leg is (contract 8.3).
  public enum Role: String, Sendable, Hashable, Codable {
    case customer, agent

    /// What `X-Kallglot-Role` says; nil where it is missing or another word.
    init?(_ message: SIPMessage) {
      guard let text = message.first(HeaderName("X-Kallglot-Role"))?.text.lowercased() else { return nil }
      self.init(rawValue: text)
    }

    var other: Role { self == .customer ? .agent : .customer }
  }

  public enum State: String, Sendable, Hashable, Codable { case created, active, ended }

  public var id: String
  public var account: String
  public var state: State
  /// The BYE of its last leg does not end it: it can be joined again. Only the API ends it.
  public var isReusable: Bool
  /// Legs that are up or being set up; at most two (contract 8.3).
  public var legs: [LegID] = []
  public var roles: [LegID: Role] = [:]
  /// `routing.sip.headers`: the `X-` fields among them are echoed in our 200 (contract 8.7).
  public var headers: [MessageDraft.Field] = []

  public init(id: String, account: String, state: State = .created, isReusable: Bool = false) {
    self.isReusable = isReusable
    self.id = id
    self.account = account
    self.state = state
  }

  public static let maximumLegs = 2
}
