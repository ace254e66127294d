/// A rule of a standard that a peer broke, as a value: what findings, logs and scenarios name.
public struct PeerViolation: Error, Hashable, Sendable {
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

extension PeerViolation {
  /// A rule of a standard. The modules that speak the protocol declare their rules as static members.
  public struct Rule: Sendable {
    /// One reference, so that an event that carries a violation is no larger for its texts.
    private let texts: Texts

    private final class Texts: Sendable {
      let id, section, sentence: String

      init(id: String, section: String, sentence: String) { (self.id, self.section, self.sentence) = (id, section, sentence) }
    }

    public init(_ id: String, _ section: String, _ sentence: String) {
      texts = Texts(id: id, section: section, sentence: sentence)
    }

    /// The word by which a scenario selects it: `ack-sequence`.
    public var id: String { texts.id }
    /// The standard and its section: `RFC 3261 §13.2.2.4`.
    public var section: String { texts.section }
    /// The rule in our words.
    public var sentence: String { texts.sentence }
  }
}

extension PeerViolation.Rule: Hashable {
  public static func == (one: Self, other: Self) -> Bool { one.id == other.id }

  public func hash(into hasher: inout Hasher) { hasher.combine(id) }
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
