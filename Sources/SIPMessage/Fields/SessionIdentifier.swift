import SansIO

/// Session-ID: `<32 hex digits>;remote=<32 hex digits>` (RFC 7989 §5); the older form has no `remote`.
public struct SessionIdentifier: Hashable, Sendable {
  /// In lower case.
  public var local: String
  /// 32 zeros while the other side is not known.
  public var remote: String?
}
