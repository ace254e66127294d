import Inspection
import Rules
import SansIO
import ScenarioModel

/// What was read off a live host's packets, as lines of its log and as totals. However much one peer does wrong, the lines are few.
struct FindingLog {
  private struct Key: Hashable {
    var rule: Rule
    var severity: Rule.Severity
    /// Who broke it.
    var peer: IPAddress?
  }

  /// How the host itself dealt with a request: it has said so already.
  private static let outcomes: Set<String> = ["call-refused", "registration-refused", "refused-in-dialog"]
  private static let forgiven = Set(Rule.forgiven)
  /// Lines about one rule and one peer, before they are counted alone.
  private static let mostLines = 10
  /// Peers that are told apart.
  private static let mostKeys = 4_096

  private var counts: [Key: Int] = [:]
  private(set) var calls = 0

  static func isOutcome(_ finding: InspectionFinding) -> Bool { outcomes.contains(finding.breach.id) }

  mutating func count(_ call: JudgedCall) { calls += 1 }

  /// - Parameter place: where the finding's frame is, of a file: `frame 3 of out/call-00001.pcapng`.
  /// - Returns: nil for what is only counted.
  mutating func line(for finding: InspectionFinding, place: (InspectionFinding) -> String?) -> String? {
    guard !Self.isOutcome(finding) else { return nil }
    var key = Key(rule: finding.breach, severity: finding.severity, peer: finding.blamed?.address)
    if counts[key] == nil, counts.count >= Self.mostKeys { key.peer = nil }
    let count = counts[key, default: 0] + 1
    counts[key] = count
    // What is worth knowing alone is counted; but what a peer is forgiven is said, since nothing else shows it.
    guard finding.severity != .note || Self.forgiven.contains(finding.breach) else { return nil }
    let times = key.peer.map { " by \($0)" } ?? ""
    if count > Self.mostLines {
      guard Self.isRound(count) else { return nil }
      return "\(finding.severity.rawValue): \(finding.breach.id)\(times): \(CountText.of(count, "time")) so far"
    }
    let rest = count == Self.mostLines ? "; further ones\(times) are counted" : ""
    return Self.text(finding, place(finding)) + rest + (finding.callID.map { " (Call-ID \($0))" } ?? "")
  }

  /// 100, 1,000, 10,000 …
  private static func isRound(_ count: Int) -> Bool {
    var power = 100
    while power < count { power *= 10 }
    return power == count
  }

  /// `error: contact-missing (RFC 3261 §8.1.1.8): … by 192.0.2.7:5060, frame 3 of out/call-00001.pcapng`
  private static func text(_ finding: InspectionFinding, _ place: String?) -> String {
    let section = finding.rule.isEmpty ? "" : " (\(finding.rule))"
    let parts = [finding.blamed.map { "by \($0)" }, place, finding.cause.map { "follows from \($0.check)" }]
    let more = parts.compactMap(\.self).joined(separator: ", ")
    return "\(finding.severity.rawValue): \(finding.breach.id)\(section): \(finding.text)\(more.isEmpty ? "" : "; \(more)")"
  }

  // MARK: - Totals

  private var totals: [(rule: Rule, severity: Rule.Severity, count: Int, peers: [IPAddress])] {
    var totals: [(rule: Rule, severity: Rule.Severity, count: Int, peers: [IPAddress])] = []
    let sorted = counts.sorted { one, other in
      (one.key.severity, one.key.rule.id, one.key.peer ?? .loopbackV4) < (
        other.key.severity, other.key.rule.id, other.key.peer ?? .loopbackV4
      )
    }
    for (key, count) in sorted {
      let peer = key.peer.map { [$0] } ?? []
      if let last = totals.indices.last, totals[last].rule == key.rule, totals[last].severity == key.severity {
        totals[last].count += count
        totals[last].peers += peer
      } else {
        totals.append((key.rule, key.severity, count, peer))
      }
    }
    return totals
  }

  /// - Parameter missed: packets that were not judged.
  func summary(missed: Int) -> [String] {
    let totals = totals
    let isClean = !totals.contains { $0.severity != .note }
    let verdict = calls == 0 ? "no call was judged" : "\(CountText.of(calls, "call")) judged by \(calls == 1 ? "its" : "their") packets"
    var lines = ["  \(verdict)\(isClean && calls > 0 ? ": nothing is wrong" : "")"]
    for total in totals {
      let peers = total.peers.prefix(3).map(\.description).joined(separator: ", ") + (total.peers.count > 3 ? " and others" : "")
      lines.append("  \(total.severity.rawValue): \(total.rule.id): \(total.count)\(peers.isEmpty ? "" : ", by \(peers)")")
    }
    if missed > 0 { lines.append("  \(CountText.of(missed, "packet")) came faster than they could be judged") }
    return lines
  }

  /// For programs: `{calls, findings: [{rule, severity, count}]}`.
  var json: JSONValue {
    .object([
      ("calls", .integer(calls)),
      (
        "findings",
        .array(
          totals.map { total in
            .object([
              ("rule", .string(total.rule.id)), ("severity", .string(total.severity.rawValue)), ("count", .integer(total.count)),
            ])
          })
      ),
    ])
  }
}
