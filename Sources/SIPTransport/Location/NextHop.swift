import SIPMessage

/// Where a request goes first: to servers that are known, or to those that a URI names (RFC 3263 §4), which have to be located before.
public enum NextHop: Hashable, Sendable {
  /// The first one is tried first, and the others where it fails (RFC 3263 §4.3).
  case servers(SIPTarget, others: [SIPTarget])
  case name(SIPURI)

  public init(_ target: SIPTarget) { self = .servers(target, others: []) }

  /// nil where the servers are not known yet.
  public var first: SIPTarget? { if case .servers(let first, others: _) = self { first } else { nil } }
}

extension SIPTarget: CustomStringConvertible {
  public var description: String { "\(address) over \(transport.viaToken)" }
}
