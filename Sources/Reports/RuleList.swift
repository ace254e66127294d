import SansIO

/// The rules that the Lab watches peers for: the ids that scenarios and logs name.
public enum RuleList {
  /// A line a rule: id, section, sentence, in columns.
  public static var lines: [String] {
    let rules = PeerViolation.Rule.allCases
    let (id, section) = (rules.map(\.rawValue.count).max() ?? 0, rules.map(\.section.count).max() ?? 0)
    return rules.map { "\(CheckReport.pad($0.rawValue, id))  \(CheckReport.pad($0.section, section))  \($0.sentence)" }
  }

  /// The same as a JSON array of objects with `id`, `section` and `sentence`.
  public static var json: String {
    let objects = PeerViolation.Rule.allCases.map { rule in
      let fields = [("id", rule.rawValue), ("section", rule.section), ("sentence", rule.sentence)]
      return "  {\(fields.map { "\"\($0.0)\": \(JSONText.quoted($0.1))" }.joined(separator: ", "))}"
    }
    return "[\n\(objects.joined(separator: ",\n"))\n]"
  }
}
