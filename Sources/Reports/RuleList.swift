import SansIO
import ScenarioModel

/// The rules that the Lab watches peers for: the ids that scenarios and logs name.
public enum RuleList {
  /// A line a rule: id, section, sentence, in columns.
  public static var lines: [String] {
    let rules = RuleCatalogue.rules
    let (id, section) = (rules.map(\.id.count).max() ?? 0, rules.map(\.section.count).max() ?? 0)
    return rules.map { "\(CheckReport.pad($0.id, id))  \(CheckReport.pad($0.section, section))  \($0.sentence)" }
  }

  /// The same as a JSON array of objects with `id`, `section` and `sentence`.
  public static var json: String {
    let objects = RuleCatalogue.rules.map { rule in
      let fields = [("id", rule.id), ("section", rule.section), ("sentence", rule.sentence)]
      return "  {\(fields.map { "\"\($0.0)\": \(JSONText.quoted($0.1))" }.joined(separator: ", "))}"
    }
    return "[\n\(objects.joined(separator: ",\n"))\n]"
  }
}
