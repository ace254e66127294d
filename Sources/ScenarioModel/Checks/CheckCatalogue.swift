/// One check of the certification suite: what scenarios prove.
public struct Check: Sendable, Hashable {
  public enum Kind: Character, Sendable, CaseIterable {
    case valid = "V", invalid = "I", inopportune = "O", timer = "T", policy = "P", quality = "Q"

    /// What checks of this kind test, for legends.
    public var meaning: String {
      switch self {
      case .valid: "valid behaviour"
      case .invalid: "invalid input"
      case .inopportune: "valid at the wrong time"
      case .timer: "timer"
      case .policy: "policy"
      case .quality: "quality"
      }
    }
  }

  /// `CALL-01`.
  public var id: String
  public var kind: Kind
  /// What is to be shown.
  public var title: String

  /// `CALL`.
  public var group: String { String(id.prefix { $0 != "-" }) }
}

/// All checks, in the order of the suite. They stand as text, one a line, so that they can be read and compared as such.
public enum CheckCatalogue {
  /// Groups with what they are about.
  public static let groups: [(id: String, title: String)] = [
    ("REG", "Registration and bindings"),
    ("OPT", "Keep-alive and capability"),
    ("CALL", "Basic call, both directions"),
    ("FORK", "Forking and early dialogs"),
    ("EM", "Early media and provisionals"),
    ("OA", "Offer/answer"),
    ("HOLD", "Hold, resume, music"),
    ("MOD", "Mid-call change"),
    ("RACE", "Races"),
    ("XFER", "Transfer and forwarding"),
    ("NUM", "Numbering, identity, URI"),
    ("AUTH", "Digest"),
    ("ACL", "Allowlist and admission policy"),
    ("CAP", "Concurrency, rate, flood"),
    ("TLS", "Signalling security"),
    ("CON", "Connections"),
    ("SRTP", "Media security, SDES"),
    ("DTLS", "Media security, DTLS"),
    ("MED", "RTP and RTCP"),
    ("COD", "Codecs"),
    ("DTMF", "DTMF"),
    ("NAT", "NAT and addressing"),
    ("NET", "Impairment behaviour and quality"),
    ("RES", "Resilience and operations"),
    ("ROB", "Robustness"),
    ("API", "Platform session and SIP together"),
    ("TRN", "Translation"),
  ]

  public static let checks: [Check] = (calls + "\n" + media).split(separator: "\n").compactMap(check)

  /// By id.
  public static func check(_ id: String) -> Check? { byID[id] }

  private static let byID = Dictionary(checks.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })

  private static func check(_ line: Substring) -> Check? {
    let parts = line.split(separator: " ", maxSplits: 2)
    guard parts.count == 3, let letter = parts[1].first, let kind = Check.Kind(rawValue: letter) else { return nil }
    return Check(id: String(parts[0]), kind: kind, title: String(parts[2]))
  }
}
