/// How a call ended, as the messages at one side show it.
public enum CallEnd: Hashable, Sendable {
  /// This side sent BYE (RFC 3261 §15.1.1).
  case hungUpHere
  case hungUpByPeer
  /// CANCEL, and the 487 of its INVITE (RFC 3261 §9).
  case cancelledHere
  case cancelledByPeer
  case refused(status: Int)
  /// This side's 2xx was not acknowledged, and it sent BYE (RFC 3261 §13.3.1.4).
  case notAcknowledged
  /// A request within the dialog got 408 or 481 (RFC 3261 §12.2.1.2).
  case dialogLost
}
