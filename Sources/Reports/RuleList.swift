import Rules
import SansIO

/// The registry of rules as people and programs read it: what the Lab judges by, and where.
public enum RuleList {
  /// Where a rule is looked for.
  public enum Place: String, Hashable, Sendable {
    case run, serve, inspect

    /// Members of the Lab watch their peers in `run` and `serve`; packets are read in all three.
    static func of(_ rule: Rule) -> [Place] { [.run, .serve] + (rule.watchers.contains(.reader) ? [.inspect] : []) }
  }

  /// A line a rule: id, section, severity, places, when a run fails by it, sentence, in columns.
  public static var lines: [String] {
    let cells = RuleRegistry.rules.map { rule in
      let places = Place.of(rule).map(\.rawValue).joined(separator: " ")
      return [rule.id, rule.section, rule.severity.rawValue, places, rule.effectOnRuns.rawValue, rule.sentence]
    }
    let widths = (0..<5).map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { cells in
      zip(cells, widths).map { CheckReport.pad($0, $1) }.joined(separator: "  ") + "  " + (cells.last ?? "")
    }
  }

  /// The same as a JSON array of objects with `id`, `section`, `sentence`, `severity`, `where` and `failsRuns`.
  public static var json: String {
    let rows = RuleRegistry.rules.map { rule in
      JSONValue.object([
        ("id", .string(rule.id)), ("section", .string(rule.section)), ("sentence", .string(rule.sentence)),
        ("severity", .string(rule.severity.rawValue)), ("where", .array(Place.of(rule).map { .string($0.rawValue) })),
        ("failsRuns", .string(rule.effectOnRuns.rawValue)),
      ])
    }
    var json = JSONWriter()
    JSONValue.array(rows).write(to: &json, lines: 1)
    return json.text
  }
}
