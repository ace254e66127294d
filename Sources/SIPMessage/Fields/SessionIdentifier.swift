import SansIO

/// Session-ID: `<32 hex digits>;remote=<32 hex digits>` (RFC 7989 §5); the older form has no `remote`.
public struct SessionIdentifier: Hashable, Sendable {
  /// In lower case.
  public var local: String
  /// 32 zeros while the other side is not known.
  public var remote: String?
}

extension SIPMessage {
  /// Session-ID; nil when there is none.
  public func sessionIdentifier() throws(SIPHeaderError) -> SessionIdentifier? {
    guard let value = try parameterizedValue(.sessionID) else { return nil }
    let remote = value.parameters["remote"]
    guard Self.isIdentifier(value.value), remote.map(Self.isIdentifier) ?? true else {
      throw .malformed(.sessionID, value: "\(value)", expected: "32 hexadecimal digits (RFC 7989 §5)")
    }
    return SessionIdentifier(local: value.value.lowercased(), remote: remote?.lowercased())
  }

  private static func isIdentifier(_ text: String) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy { $0 &- 48 < 10 || ($0 | 0x20) &- 97 < 6 }
  }
}
