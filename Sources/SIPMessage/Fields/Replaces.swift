import SansIO

/// Replaces: the dialog that a call takes the place of (RFC 3891 §6.1).
public struct Replaces: Hashable, Sendable {
  public var callID: String
  public var toTag: String
  public var fromTag: String
  /// Only while that dialog is early.
  public var isEarlyOnly: Bool
}

extension SIPMessage {
  /// Replaces; nil when there is none.
  public func replaces() throws(SIPHeaderError) -> Replaces? {
    guard let value = try parameterizedValue(.replaces) else { return nil }
    guard let toTag = value.parameters["to-tag"], let fromTag = value.parameters["from-tag"] else {
      throw .malformed(.replaces, value: "\(value)", expected: "a Call-ID with to-tag and from-tag (RFC 3891 §6.1)")
    }
    return Replaces(callID: value.value, toTag: toTag, fromTag: fromTag, isEarlyOnly: value.parameters.contains("early-only"))
  }
}
