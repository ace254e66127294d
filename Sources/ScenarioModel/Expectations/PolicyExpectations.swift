import Kallglot
import SansIO

/// `decision: allowlist, is: refused`, `decision: authentication, is: challenged, saying: stale`
struct DecisionExpectation: Expectation {
  static let key = "decision"
  static let summary = "A step of the endpoint's policy has refused (or passed, or challenged) a request."
  static let fields = ["is", "saying"]

  private let name: String
  private enum Verdict: String, CaseIterable { case refused, passed, challenged }

  private let verdict: Verdict
  private let saying: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    let rules = PolicyDecision.Rule.allCases.map { ($0.shortName, $0.shortName) }
    name = try fields.required(Self.key).word(rules)
    verdict = try fields["is"]?.word(Verdict.allCases.map { ($0.rawValue, $0) }) ?? .refused
    saying = try fields["saying"]?.text()
  }

  var text: String { "policy step \(name) has \(verdict.rawValue)\(saying.map { " saying '\($0)'" } ?? "")" }
  var rule: String { "contract 8.1: order of the policy checks" }

  func judge(_ script: Script) -> Judgement {
    if script.decisions.contains(where: { matches($0.decision) }) { return .met }
    let last = script.decisions.last
    return .open(last.map { "the last decision was: \($0.decision)" } ?? "no policy step spoke", last?.evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    guard let entry = script.decisions.last(where: { matches($0.decision) }) else { return ("it became true", nil) }
    return ("\(entry.member) decided: \(entry.decision)", entry.evidence)
  }

  private func matches(_ decision: PolicyDecision) -> Bool {
    let isSame =
      switch decision.verdict {
      case .refused, .dropped: verdict == .refused
      case .passed: verdict == .passed
      case .challenged: verdict == .challenged
      }
    return isSame && decision.rule.shortName == name && (saying.map { decision.description.contains($0) } ?? true)
  }
}
