import Defects
import ScenarioModel

/// Whether what was found says what is wrong, by what stands beside the defect.
struct ReasonJudge {
  private let reason: Defect.Reason

  init(_ reason: Defect.Reason) { self.reason = reason }

  /// - Parameter proves: what the scenario claims: the rule of its own expectations.
  func isRight(_ finding: Finding, proves: [String]) -> Bool {
    let because = finding.because.map(\.description).joined(separator: "; ")
    if [finding.rule, finding.observed, because].contains(where: isRule) { return true }
    let whole = "\(finding.rule): expected \(finding.expected), observed \(finding.observed); \(because)"
    if reason.signs.contains(where: { Self.shows(whole, $0) }) { return true }
    // "… whose Record-Route is missing instead of …": the field that is wrong.
    if reason.words.contains(where: { finding.observed.contains("whose \($0) is ") }) { return true }
    guard finding.rule.contains("the scenario"), proves.contains(where: isRule) else { return false }
    let text = "\(finding.expected) \(finding.observed)"
    return reason.words.contains(where: text.contains)
  }

  /// Whether a text names one of the rules, or a part of one of the sections.
  func isRule(_ text: String) -> Bool {
    let text = text.replacing(" section ", with: " §")
    return reason.rules.contains { rule in
      text.ranges(of: rule).contains { range in
        let after = text[range.upperBound...].first
        let before = text[..<range.lowerBound].last
        return after.map { !$0.isLetter && !$0.isNumber && $0 != "-" } ?? true && before.map { !$0.isLetter && $0 != "-" } ?? true
      }
    }
  }

  /// Whether the parts of a sign, between its stars, are in a text in their order.
  private static func shows(_ text: String, _ sign: String) -> Bool {
    var rest = text[...]
    for part in sign.split(separator: "*") {
      guard let range = rest.range(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return true
  }
}
