import SansIO

/// A rule that somebody broke, as the packets of a member show it.
public struct SeenBreach: Sendable, Hashable {
  public var rule: Rule
  /// Whose packets show it.
  public var member: String
  /// Who broke it, by the address that its packets come from; nil where packets do not say.
  public var blamed: IPAddress?
  /// The section that it rests on.
  public var section: String
  /// What was seen, in one sentence.
  public var text: String
  /// How sure the packets are of it.
  public var severity: Rule.Severity
  public var callID: String?
  public var evidence: FrameCitation
  /// How many frames show it.
  public var count: Int

  public init(
    _ rule: Rule, _ severity: Rule.Severity, at member: String, by blamed: IPAddress?, section: String, _ text: String, callID: String?,
    _ evidence: FrameCitation, count: Int
  ) {
    (self.rule, self.severity, self.member, self.blamed) = (rule, severity, member, blamed)
    (self.section, self.text, self.callID, self.evidence, self.count) = (section, text, callID, evidence, count)
  }

  /// What scenarios look for a part of: the rule's id, its sentence, its section, and what was seen.
  var words: String { "\(rule.id): \(rule.sentence) (\(section)): \(text)" }

  struct Key: Hashable {
    var rule: Rule
    var member: String
    var text: String
  }

  var key: Key { Key(rule: rule, member: member, text: text) }

  /// The same of the same call, whoever shows it.
  fileprivate var identity: Identity { Identity(rule: rule, blamed: blamed, callID: callID) }

  fileprivate struct Identity: Hashable {
    var rule: Rule
    var blamed: IPAddress?
    var callID: String?
  }

  /// - Parameter breaker: who broke it, where that is known.
  fileprivate func finding(_ scenario: Scenario) -> Finding {
    let breaker = blamed.flatMap { scenario.name(of: $0) } ?? blamed?.description
    let times = count == 1 ? "" : " \(CountText.of(count, "time"))"
    let who = breaker == member ? "\(member) broke it\(times)" : "\(member) saw \(breaker ?? "its peer") break it\(times)"
    var finding = Finding(
      rule: section.isEmpty ? rule.id : "\(rule.id), \(section)", expected: rule.sentence, observed: "\(who): \(text)", evidence: evidence)
    finding.count = count
    finding.inquiry = .breach(seenBy: member)
    finding.place = SourcePlace(file: scenario.file, line: 1)
    return finding
  }
}

/// A member's own want that kept a call from coming.
public struct MissingPorts: Sendable, Hashable {
  public var member: String
  public var reason: String
  public var evidence: FrameCitation?
  public var at: Instant
}

extension Script {
  /// What was broken and may not be, the same of one call once: as its receiver shows it, where its packets do.
  public func breachFindings(_ scenario: Scenario) -> [Finding] {
    var groups: [SeenBreach] = []
    for seen in breaches where seen.rule.failsRuns(seen.severity) && !scenario.allowedViolations.contains(seen.rule) {
      guard let known = groups.firstIndex(where: { $0.identity == seen.identity }) else {
        groups.append(seen)
        continue
      }
      let ownPackets = groups[known].blamed.flatMap { scenario.name(of: $0) } == groups[known].member
      if ownPackets, seen.member != groups[known].member { groups[known] = seen }
    }
    return groups.map { $0.finding(scenario) }
      + missingPorts.map { missing in
        var finding = Finding(
          rule: "contract 8.5", expected: "\(missing.member) has a media port for the call", observed: missing.reason,
          evidence: missing.evidence)
        finding.inquiry = .breach(seenBy: missing.member)
        finding.at = missing.at
        finding.place = SourcePlace(file: scenario.file, line: 1)
        return finding
      }
  }

  /// Of these rules those that nobody has broken.
  public func unbroken(_ rules: [Rule]) -> [Rule] { rules.filter { rule in !breaches.contains { $0.rule == rule } } }
}

extension Scenario {
  /// Who of the cast has an address, also that of a NAT when one member alone is behind it.
  func name(of address: IPAddress) -> String? {
    if let member = cast.first(where: { $0.allAddresses.contains(address) }) { return member.name }
    let mover = moves.first { $0.address == address }?.name
    if let mover, member(mover) != nil { return mover }
    guard let nat = nats.first(where: { $0.outside == address || $0.name == mover }) else { return nil }
    if nat.inside.count == 1, member(nat.inside[0]) == nil { return "NAT \(nat.name)" }
    return nat.inside.count == 1 ? nat.inside[0] : "NAT \(nat.name)"
  }
}
