import SansIO

/// `ports: kallglot, opened: 0`, `ports: kallglot, open: 2`; without a number: at least one has been opened.
struct PortExpectation: Expectation {
  static let summary = "How many pairs of media ports a member has opened so far, or has open now; without a number: at least one so far."
  static let examples = ["{ ports: kallglot, opened: 0 }", "{ ports: kallglot, open: 2 }"]

  private static let ports = Key.required("ports", .numberedMember, "The member.")
  private static let opened = Key.optional("opened", .integer(0...100_000), "Pairs since the run began.")
  private static let open = Key.optional("open", .integer(0...100_000), "Pairs that are open now.")
  static let fields: [any DescribedField] = [ports, opened, open]

  private let member: NumberedMember
  private let opened: Int?
  private let open: Int?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, opened, open) = (try fields[Self.ports], try fields[Self.opened], try fields[Self.open])
  }

  var text: String {
    guard opened != nil || open != nil else { return "\(member.name) has opened media ports" }
    let counts = [opened.map { "opened \($0)" }, open.map { "\($0) open" }].compactMap(\.self)
    return "\(member.name) has \(counts.joined(separator: " and ")) pairs of media ports"
  }
  var rule: String { "contract 8.1: what is refused opens no media port" }
  var knownTo: String? { member.name }
  var inquiry: Inquiry { .ports(member.name) }

  func judge(_ script: Script) -> Judgement {
    let traffic = script.traffic(member.index)
    let isMet = opened.map { $0 == traffic.mediaPortsOpened } ?? (open != nil || traffic.mediaPortsOpened > 0)
    if isMet, open.map({ $0 == traffic.mediaPortsOpen }) ?? true { return .met }
    return .open(observed(script), script.lastEvidence[member.name])
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) { (observed(script), script.lastEvidence[member.name]) }

  private func observed(_ script: Script) -> String {
    let traffic = script.traffic(member.index)
    return "\(member.name) opened \(traffic.mediaPortsOpened) so far, \(traffic.mediaPortsOpen) are open"
  }
}
