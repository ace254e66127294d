import Rules
import SIPMessage
import SansIO

/// A rule that a member saw its peer break, or a want of its own that kept a call from coming.
public struct SeenViolation: Sendable {
  public enum What: Hashable, Sendable {
    case rule(PeerViolation)
    /// What came is not a SIP message.
    case malformed(from: TransportAddress, String)
    /// The member's own want.
    case noMediaPort(String)
  }

  public var member: String
  public var callID: String?
  public var what: What
  public var evidence: FrameCitation?
  public var at: Instant

  /// What a scenario allows it by; nil for what is not a peer's.
  public var id: PeerViolation.Rule? {
    switch what {
    case .rule(let violation): violation.rule
    case .malformed: .messageUnreadable
    case .noMediaPort: nil
    }
  }

  /// What scenarios look for a part of: the rule's id, its sentence and its section.
  public var rule: String {
    switch what {
    case .rule(let violation): violation.description
    case .malformed(let source, let rule):
      "\(PeerViolation(.messageUnreadable, "\(source) sent what is not a SIP message: \(rule)"))"
    case .noMediaPort(let reason): reason
    }
  }

  /// The same breach of the same call is one finding.
  var isSame: (SeenViolation) -> Bool {
    { other in
      guard other.member == member, other.callID == callID else { return false }
      switch (what, other.what) {
      case (.rule(let first), .rule(let second)): return first.rule == second.rule
      case (.malformed(let first, _), .malformed(let second, _)): return first == second
      case (.noMediaPort, .noMediaPort): return true
      default: return false
      }
    }
  }

  /// - Parameters:
  ///   - count: how often the same was seen.
  ///   - peer: who broke it, where that is known.
  ///   - file: the scenario's: no line of it is to blame.
  func finding(count: Int, peer: String?, file: String) -> Finding {
    let times = count == 1 ? "" : " \(CountText.of(count, "time"))"
    var finding: Finding
    switch what {
    case .rule(let violation):
      let detail = violation.detail.isEmpty ? "" : ": \(violation.detail)"
      finding = Finding(
        rule: "\(violation.rule.id), \(violation.section)", expected: violation.rule.sentence,
        observed: "\(member) saw \(peer ?? "its peer") break it\(times)\(detail)", evidence: evidence)
    case .malformed(let source, let rule):
      finding = Finding(
        rule: "\(PeerViolation.Rule.messageUnreadable.id), RFC 3261 §7", expected: "what comes is a SIP message",
        observed: "\(member) got what is not one from \(peer ?? source.description)\(times): \(rule)", evidence: evidence)
    case .noMediaPort(let reason):
      finding = Finding(rule: "contract 8.5", expected: "\(member) has a media port for the call", observed: reason, evidence: evidence)
    }
    finding.count = count
    finding.inquiry = .breach(seenBy: member)
    finding.at = at
    finding.place = SourcePlace(file: file, line: 1)
    return finding
  }
}

extension Script {
  /// Of these rules those that no peer has broken.
  public func unbroken(_ rules: [PeerViolation.Rule]) -> [PeerViolation.Rule] {
    rules.filter { rule in !violations.contains { $0.id == rule } }
  }

  /// What peers broke so far and may not break, the same breach of one call once.
  public func violationFindings(_ scenario: Scenario) -> [Finding] {
    var groups: [ViolationGroup] = []
    for seen in violations where !seen.isAllowed(in: scenario) {
      if let index = groups.firstIndex(where: { $0.first.isSame(seen) }) {
        groups[index].count += 1
      } else {
        groups.append(ViolationGroup(first: seen))
      }
    }
    var findings: [Finding] = []
    for group in groups {
      findings.append(group.first.finding(count: group.count, peer: peer(of: group.first, scenario), file: scenario.file))
    }
    return findings
  }

  private func peer(of seen: SeenViolation, _ scenario: Scenario) -> String? {
    if case .malformed(let source, _) = seen.what { return scenario.name(of: source.address) }
    guard let story = seen.callID.flatMap({ story(callID: $0, at: seen.member) }) else { return nil }
    return peer(of: story)?.member ?? story.peer.flatMap { scenario.name(of: $0.address) }
  }
}

extension Scenario {
  /// Who of the cast has an address, also that of a NAT when one member alone is behind it.
  func name(of address: IPAddress) -> String? {
    if let member = cast.first(where: { [$0.address, $0.media, $0.music, $0.directMedia].contains(address) }) { return member.name }
    guard let nat = nats.first(where: { $0.outside == address }) else { return nil }
    return nat.inside.count == 1 ? nat.inside[0] : "NAT \(nat.name)"
  }
}

/// The same rule broken again and again by the same peer is one finding.
private struct ViolationGroup {
  var first: SeenViolation
  var count = 1
}

extension SeenViolation {
  fileprivate func isAllowed(in scenario: Scenario) -> Bool {
    guard let id else { return false }
    return scenario.allowedViolations.contains(id)
  }
}
