/// A rule of a standard that a peer broke, as a value: what findings, logs and scenarios name.
public struct PeerViolation: Error, Hashable, Sendable {
  public typealias Rule = SansIO.Rule

  public var rule: Rule
  /// What was seen: the value, the status, the count. Never a secret.
  public var detail: String
  /// The standard and its section; the rule's, where it does not depend on what was seen.
  public var section: String

  /// - Parameter section: nil = the rule's own.
  public init(_ rule: Rule, _ detail: String = "", section: String? = nil) {
    self.rule = rule
    self.detail = detail
    self.section = section ?? rule.section
  }
}

extension PeerViolation: CustomStringConvertible {
  /// `ack-sequence: an ACK has … (RFC 3261 §13.2.2.4): 5 instead of 4`
  public var description: String {
    "\(rule.id): \(rule.sentence) (\(section))\(detail.isEmpty ? "" : ": \(detail)")"
  }
}

extension PeerViolation {
  /// The facts for the journal.
  public func writeFields(to json: inout JSONWriter) {
    json.member("rule", rule.id)
    json.member("section", section)
    json.member("detail", detail)
  }
}
