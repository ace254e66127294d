import SansIO

/// One decision of the endpoint's policy: which rule spoke, by which setting, and on whose word.
public struct PolicyDecision: Hashable, Sendable {
  /// The steps of contract 8.1, in their order.
  public enum Rule: String, Hashable, Sendable, CaseIterable {
    case transport = "1 transport"
    case requireTLS = "2 require TLS"
    case allowlist = "3 allowlist"
    case sipAccess = "4 SIP access"
    case authentication = "5 digest"
    case organization = "6 organization"
    case session = "7 session"
    case concurrency = "8 concurrency"
    case mediaPort = "8a media port"
    case description = "9 SDP, SRTP, codec"
    case method = "method"
    case registration = "registration"
    case domain = "domain"

    /// The word a scenario uses: `allowlist`.
    public var shortName: String { String(describing: self) }
  }

  public enum Verdict: Hashable, Sendable {
    case passed
    /// A digest challenge: no refusal yet.
    case challenged
    case refused(status: Int)
    case dropped
  }

  public var rule: Rule
  /// The policy key, empty where none is involved.
  public var setting: String
  public var verdict: Verdict
  /// Facts for the log: the address, the reason. No secret.
  public var detail: String

  public init(_ rule: Rule, setting: String = "", _ verdict: Verdict, detail: String = "") {
    self.rule = rule
    self.setting = setting
    self.verdict = verdict
    self.detail = detail
  }

  /// False where Kallglot's public guide says so, true where the Lab decided (contract 8).
  ///
  /// The guide names the credential check, the address filter, the transport and TLS policy, the access toggle and the cap on calls, and
  /// says that they are looked at when a call authenticates: that a call passes them is its word. It states no status for any refusal, no
  /// realm and no algorithm, so every refusal, silence and challenge is the Lab's; so is all it does not speak of.
  public var isLabDecision: Bool {
    guard verdict == .passed else { return true }
    switch rule {
    // "none" is a setting of the Lab.
    case .authentication: return setting == "authentication"
    case .transport, .requireTLS, .allowlist, .sipAccess, .concurrency: return false
    case .organization, .session, .mediaPort, .description, .method, .registration, .domain: return true
    }
  }
}

extension PolicyDecision: CustomStringConvertible {
  public var description: String {
    let outcome =
      switch verdict {
      case .passed: "passed"
      case .challenged: "challenged"
      case .refused(let status): "refused with \(status)"
      case .dropped: "dropped"
      }
    let facts = detail.isEmpty ? "" : ": \(detail)"
    return "\(rule.rawValue) \(outcome)\(facts)\(isLabDecision ? " (Lab decision)" : "")"
  }
}
