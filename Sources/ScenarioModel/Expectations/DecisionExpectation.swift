import KallglotPolicy
import SansIO

/// `decision: allowlist, is: refused`, `decision: authentication, is: challenged, saying: stale, times: exactly 1`
struct DecisionExpectation: Expectation {
  static let summary = "A step of the endpoint's policy has refused (or passed, or challenged) a request."
  static let examples = [
    "{ decision: allowlist, is: refused }", "{ decision: authentication, is: challenged, times: exactly 1, within: 2 s }",
  ]

  private enum Verdict: String, CaseIterable { case refused, passed, challenged }

  private static let decision = Key.required(
    "decision", .words(PolicyDecision.Rule.allCases.map { ($0.shortName, $0.shortName) }), "The step, as named in the log.")
  private static let verdict = Key.standard("is", ValueType<Verdict>.word, "refused", "What it decided.")
  private static let saying = Key.optional("saying", .text, "A part of its text in the log.")
  private static let times = Key.standard("times", .count, "1", "How often, since the run began.")
  static let fields: [any DescribedField] = [decision, verdict, saying, times, Requirement.key]

  private let name: String
  private let verdict: Verdict
  private let saying: String?
  private let times: Count
  let rule: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    try scope.needEndpoint("a policy decision", at: fields.place)
    (name, verdict) = (try fields[Self.decision], try fields[Self.verdict])
    (saying, times) = (try fields[Self.saying], try fields[Self.times])
    rule = try fields[Requirement.key] ?? "contract 8.1: order of the policy checks"
  }

  var text: String {
    "policy step \(name) has \(verdict.rawValue)\(saying.map { " saying '\($0)'" } ?? "")\(times == .atLeast(1) ? "" : " \(times.text)")"
  }
  var inquiry: Inquiry { .decision }

  func judge(_ script: Script) -> Judgement {
    let seen = script.decisions.count { matches($0.decision) }
    let last = script.decisions.last
    func observed() -> String { last.map { "the last decision was: \($0.decision)" } ?? "no policy step decided" }
    return times.judge(seen, seen == 0 ? observed() : "it did so \(CountText.of(seen, "time")), and \(observed())", last?.evidence)
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
