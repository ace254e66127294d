import SansIO

/// `firewall: edge, drops: pinhole-closed, from: kallglot, times: 7`
struct FirewallExpectation: Expectation {
  static let summary = "A firewall has dropped packets for this reason."
  static let examples = ["{ firewall: edge, drops: pinhole-closed, from: kallglot, times: 7, within: 35 s }"]

  private static let firewall = Key.required("firewall", .firewall, "Which one.")
  private static let reasons: [FilterReason] = [.noPinhole, .pinholeClosed, .noSession]
  private static let drops = Key.required("drops", .words(reasons.map { ("\($0.word)", $0) }), "The reason for the drop.")
  private static let from = Key.optional("from", .member, "The member that sends them.")
  private static let times = Key.standard("times", .count, "1", "How many.")
  static let fields: [any DescribedField] = [firewall, drops, from, times]

  private let name: String
  private let reason: FilterReason
  private let sender: String?
  private let addresses: [IPAddress]
  private let count: Count

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    name = try fields[Self.firewall]
    reason = try fields[Self.drops]
    sender = try fields[Self.from]
    addresses = sender.map(scope.scenario.addresses) ?? []
    count = try fields[Self.times]
  }

  var text: String {
    "firewall \(name) drops packets\(sender.map { " from \($0)" } ?? "") (\(reason.word))\(count.text.isEmpty ? "" : " \(count.text)")"
  }

  var rule: String { "\(reason)" }
  var inquiry: Inquiry { .nat(name) }

  func judge(_ script: Script) -> Judgement {
    let (seen, all) = (matches(script), script.nats.entries.filter { $0.nat == name })
    let observed = all.last.map { "the last it did: \(NATExpectation.text($0.news))" } ?? "it did nothing"
    return count.judge(seen.count, "\(seen.count) such packets; \(observed)", all.last?.evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    matches(script).last.map { (NATExpectation.text($0.news), $0.evidence) } ?? ("it became true", nil)
  }

  private func matches(_ script: Script) -> [NATStory.Entry] {
    script.nats.entries.filter { entry in
      guard entry.nat == name, case .dropped(reason, let source, _) = entry.news else { return false }
      return sender == nil || addresses.contains(source.address)
    }
  }
}
