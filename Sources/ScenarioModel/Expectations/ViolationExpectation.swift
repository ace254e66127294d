import Rules
import SansIO

/// `violation: "CSeq"`: a rule that a peer broke, by a part of its text.
struct ViolationExpectation: Expectation {
  static let summary = "Packets of a member show that a rule was violated whose text contains this."
  static let examples = ["{ violation: CSeq, at: kallglot, within: 1 s }"]

  private static let violation = Key.required("violation", .violationText, "The rule's id, such as cseq-not-higher, or a part of its text.")
  private static let at = Key.optional("at", .party, "Who saw it; anybody when missing.")
  private static let times = Key.standard("times", .count, "1", "How often, since the run began.")
  static let fields: [any DescribedField] = [violation, at, times]

  private let part: String
  private let member: String?
  private let times: Count

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (part, member, times) = (try fields[Self.violation], try fields[Self.at], try fields[Self.times])
    scope.notes.asksForRules()
  }

  var text: String {
    "a violation of '\(part)' is seen\(times == .atLeast(1) ? "" : " \(times.text)")\(member.map { " at \($0)" } ?? "")"
  }
  var rule: String { "the scenario" }
  var inquiry: Inquiry { .violation }

  func judge(_ script: Script) -> Judgement {
    let seen = script.breaches.filter { member == nil || $0.member == member }
    let count = seen.reduce(0) { $0 + ($1.words.contains(part) ? $1.count : 0) }
    return times.judge(count, seen.last.map { "seen was: \($0.words)" } ?? "no rule was broken", seen.last?.evidence)
  }
}

extension ValueType where Value == String {
  /// A rule's id or a part of what is said of a violation. A single word has to stand in what is said of some rule: no other ever comes.
  static var violationText: ValueType {
    ValueType(.text) { (place, _) throws(SourceProblem) in
      let text = try place.text()
      guard !text.isEmpty else { throw place.problem("the rule is missing; 'kallglot-lab rules' lists them") }
      let isWord = text.allSatisfy { $0.isASCII && ($0.isLowercase || $0 == "-") }
      guard !isWord || RuleRegistry.rules.contains(where: { "\(PeerViolation($0))".contains(text) }) else {
        let hint = Spelling.hint(for: text, among: RuleRegistry.ids)
        throw place.problem("'\(text)' does not match a rule\(hint.isEmpty ? "." : hint) 'kallglot-lab rules' lists them")
      }
      return text
    }
  }
}
