import SDP
import SansIO

/// The o= line of a description, and what it vouches for: the same version means the same description (RFC 3264 §8).
public struct ObservedOrigin: Hashable, Sendable {
  public let line: Origin
  /// A digest of all m= sections, and of the session's c= and direction.
  public let content: UInt64

  public init?(_ description: SessionDescription) {
    guard let line = description.origin else { return nil }
    self.line = line
    content = description.contentDigest
  }
}
