import SansIO

/// All rules that the Lab judges by, each declared once: those that its members watch their peers for while they take part in a call, and
/// those that are read off the packets.
public enum RuleRegistry {
  /// Messages, transactions, dialogs, offer and answer, registrations, media, what carries them.
  public static let rules: [Rule] =
    Rule.messages + Rule.forgiven + Rule.transactions + Rule.dialogs + Rule.descriptions + Rule.registrations + Rule.media + Rule.clocks
    + Rule.digits
    + Rule.policies
    + Rule.carriers + Rule.delivery

  /// The ids, which `allowViolations` and the expectation `violation` take.
  public static let ids = rules.map(\.id)

  /// - Returns: nil where no rule has this id.
  public static func rule(_ id: String) -> Rule? { byID[id] }

  private static let byID = Dictionary(rules.map { ($0.id, $0) }) { first, _ in first }
}

/// What carries SIP.
extension Rule {
  public static let tcpGap = Rule(
    "tcp-gap", .note, "RFC 9293 §3.4", "the capture has all bytes of a stream that carries SIP", failsRuns: .asked)
  public static let tlsAlert = Rule("tls-alert", .error, "RFC 8446 §6.2", "TLS does not end by a fatal alert", failsRuns: .asked)
  public static let tlsSecrets = Rule("tls-secrets", .note, "", "a capture with TLS secrets has those of each connection that carries SIP")

  static let carriers: [Rule] = [tcpGap, tlsAlert, tlsSecrets]
}
