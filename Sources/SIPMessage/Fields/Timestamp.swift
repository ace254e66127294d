import SansIO

/// Timestamp: when the request was sent, and in the 1xx how long it lay there (RFC 3261 §20.38).
public struct Timestamp: Hashable, Sendable {
  /// As written, since a response has to repeat it (RFC 3261 §8.2.6.1).
  public var value: String
  /// Seconds, as written.
  public var delay: String?
}
