import SansIO

/// Retry-After: `18000 (in a meeting);duration=3600` (RFC 3261 §20.33).
public struct RetryAfter: Hashable, Sendable {
  public var seconds: UInt32
  /// The text in parentheses.
  public var comment: String?
  public var parameters: Parameters
  /// For how many seconds the peer can then be reached.
  public var duration: UInt32? { parameters["duration"].flatMap { UInt32($0) } }
}
