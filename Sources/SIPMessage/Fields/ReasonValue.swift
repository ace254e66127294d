import SansIO

/// An element of Reason: `Q.850;cause=16;text="Normal call clearing"` (RFC 3326 §2).
public struct ReasonValue: Hashable, Sendable {
  /// `SIP`, `Q.850`, …, as written.
  public var protocolName: String
  public var cause: Int?
  public var text: String?
}
