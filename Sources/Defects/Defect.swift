import KallglotPolicy
import SansIO

/// One thing that a host, its configuration or its NAT does wrong, as a value: a faulty peer on purpose.
///
/// Each is modelled on what real products did, or on a rule that they may break, and says by which rule it should be found. It is applied
/// from outside (``DefectiveHost``), so the stack it is planted into need not know of it.
public struct Defect: Sendable {
  /// Which members of a cast may have it.
  public enum Role: String, Sendable, CaseIterable { case endpoint, persona }

  public enum Change: Sendable {
    /// What leaves the host, or arrives at it, is changed on the way.
    case flaw(Flaw)
    /// The endpoint has another policy than the scenario gives it.
    case policy(@Sendable (inout Policy) -> Void)
    /// The endpoint shows another certificate than its domain's.
    case certificate(Certificate)
    /// A client takes any certificate of the authority, whatever name it has.
    case takesAnyName
    /// A client takes any certificate at all.
    case takesAnyCertificate
    /// A client does not say whom it wants (RFC 6066 §3), and so cannot compare the name either.
    case namesNobody
    /// A persona has another password than the scenario gives it.
    case password(String)
    /// The member shows what is secret of its account, which the flaw is told.
    case leak(@Sendable (Secrets) -> Flaw)
    /// The NAT that the member stands behind is another than the scenario gives.
    case nat(@Sendable (inout NATTraits) -> Void)
  }

  /// What a member knows of an account that nobody else is to see.
  public struct Secrets: Sendable {
    public var username: String
    public var password: Secret
    /// H(A1) by MD5, as hexadecimal digits (RFC 7616 §3.4.2).
    public var secretHash: Secret

    public init(username: String, password: Secret, secretHash: Secret) {
      (self.username, self.password, self.secretHash) = (username, password, secretHash)
    }
  }

  /// What a server's certificate is, if not its domain's.
  public enum Certificate: String, Sendable, CaseIterable { case otherName, expired, unknownAuthority }

  /// By what a finding is known to say what is wrong.
  public struct Reason: Sendable {
    /// Ids of rules (`cseq-not-higher`), and sections (`RFC 3261 §12.2.1.1`); each says it.
    public var rules: [String]
    /// Words that an expectation of a scenario has to show, where its only rule is what the scenario proves.
    public var words: [String]
    /// Sentences that say it whatever the rule, with `*` for what varies: `hostname mismatch`, `expected*'SIP/2.0 487*observed`.
    public var signs: [String]

    public init(rules: [String], words: [String] = [], signs: [String] = []) {
      (self.rules, self.words, self.signs) = (rules, words, signs)
    }
  }

  /// The word by which a scenario plants it: `cancel-with-new-branch`.
  public var name: String
  /// What it does, in one sentence.
  public var summary: String
  /// Where it was seen, or the rule that it breaks.
  public var source: String
  public var roles: [Role]
  public var reason: Reason
  public var change: Change

  /// - Parameters:
  ///   - rules: ids and sections of the rules that it breaks.
  ///   - words: what an expectation shows that says so.
  ///   - signs: sentences of findings that say so.
  public init(
    _ name: String, _ summary: String, source: String, at roles: [Role], breaks rules: [String], words: [String] = [],
    signs: [String] = [], _ change: Change
  ) {
    (self.name, self.summary, self.source, self.roles, self.change) = (name, summary, source, roles, change)
    reason = Reason(rules: rules, words: words, signs: signs)
  }
}

extension Defect: Hashable {
  public static func == (one: Defect, other: Defect) -> Bool { one.name == other.name }

  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// What of a NAT a defect can change.
public struct NATTraits: Sendable, Hashable {
  /// How long a UDP binding lives after the last packet from inside.
  public var lifetime: Duration
  /// Whether anybody outside may answer over a binding.
  public var letsAnybodyIn = false
  /// Whether each destination has a binding of its own.
  public var mapsByDestination = false
  /// Whether hosts inside that use the same port share a binding: what comes in goes to the first.
  public var confusesInside = false

  public init(lifetime: Duration) { self.lifetime = lifetime }
}
