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
    var json = JSONWriter()
    json.array(.lines) { json in
      for rule in RuleCatalogue.rules {
        json.object(.spaced) { json in
          json.member("id", rule.id)
          json.member("section", rule.section)
          json.member("sentence", rule.sentence)
        }
      }
    }
    return json.text
  }
}
