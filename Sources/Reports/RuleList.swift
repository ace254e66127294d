import Inspection
import SansIO
import ScenarioModel

/// The one registry of what the Lab judges by: the rules that it watches peers for in `run` and `serve`, and the checks of `inspect`.
public enum RuleList {
  /// Where a rule is looked for.
  public enum Place: String, Hashable, Sendable {
    case run, serve, inspect
  }

  public struct Row: Hashable, Sendable {
    /// What scenarios, logs and findings name.
    public var id: String
    /// "" where it is no rule of a standard.
    public var section: String
    public var sentence: String
    /// The worst that is said of it.
    public var severity: InspectionFinding.Severity
    public var places: [Place]
  }

  /// The rules of `run` and `serve`, then the checks of `inspect`; what both have is one row.
  public static let rows: [Row] = {
    let rules = RuleCatalogue.rules.map { rule in
      let isInspected = InspectionChecks.check(rule.id) != nil
      return Row(
        id: rule.id, section: rule.section, sentence: rule.sentence, severity: .error,
        places: isInspected ? [.run, .serve, .inspect] : [.run, .serve])
    }
    let checks = InspectionChecks.checks.filter { RuleCatalogue.rule($0.id) == nil }.map { check in
      Row(id: check.id, section: check.section, sentence: check.sentence, severity: check.severity, places: [.inspect])
    }
    return rules + checks
  }()

  /// A line a rule: id, section, severity, places, sentence, in columns.
  public static var lines: [String] {
    let cells = rows.map { row in
      [row.id, row.section, row.severity.rawValue, row.places.map(\.rawValue).joined(separator: " "), row.sentence]
    }
    let widths = (0..<4).map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { cells in
      zip(cells, widths).map { CheckReport.pad($0, $1) }.joined(separator: "  ") + "  " + (cells.last ?? "")
    }
  }

  /// The same as a JSON array of objects with `id`, `section`, `sentence`, `severity` and `where`.
  public static var json: String {
    let rows = rows.map { row in
      JSONValue.object([
        ("id", .string(row.id)), ("section", .string(row.section)), ("sentence", .string(row.sentence)),
        ("severity", .string(row.severity.rawValue)), ("where", .array(row.places.map { .string($0.rawValue) })),
      ])
    }
    var json = JSONWriter()
    JSONValue.array(rows).write(to: &json, lines: 1)
    return json.text
  }
}
