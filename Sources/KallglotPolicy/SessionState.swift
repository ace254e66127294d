/// What the API says of a session (contract 8.3).
public enum SessionState: String, Sendable, Hashable, Codable, CaseIterable { case created, active, ended }

/// Which of a session's two parties a leg is (contract 8.3).
public enum SessionRole: String, Sendable, Hashable, Codable {
  case customer, agent

  public var other: SessionRole { self == .customer ? .agent : .customer }
}
