import SansIO

/// Replaces: the dialog that a call takes the place of (RFC 3891 §6.1).
public struct Replaces: Hashable, Sendable {
  public var callID: String
  public var toTag: String
  public var fromTag: String
  /// Only while that dialog is early.
  public var isEarlyOnly: Bool
}
