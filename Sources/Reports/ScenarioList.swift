import SansIO
import ScenarioModel

/// Scenarios with what they are about, by folder.
public enum ScenarioList {
  /// A name that is longer has a line for itself.
  private static let longestName = 40

  /// - Parameters:
  ///   - verdicts: by scenario; they stand before the names, where there are any.
  ///   - width: columns; summaries are cut there, names never.
  ///   - provesToo: what each proves, in a line below.
  public static func lines(_ scenarios: [Scenario], verdicts: [String: Verdict], width: Int, provesToo: Bool = false) -> [String] {
    var folders: [(name: String, scenarios: [Scenario])] = []
    for scenario in scenarios {
      let folder = folder(scenario)
      if let index = folders.firstIndex(where: { $0.name == folder }) {
        folders[index].scenarios.append(scenario)
      } else {
        folders.append((folder, [scenario]))
      }
    }
    let marks = scenarios.map { verdicts[$0.name]?.rawValue.count ?? 0 }.max() ?? 0
    let names = min(longestName, scenarios.map { name($0).count }.max() ?? 0)
    var lines: [String] = []
    for folder in folders {
      lines.append("\(folder.name)  \(CountText.of(folder.scenarios.count, "scenario"))")
      for scenario in folder.scenarios {
        let verdict = marks == 0 ? "" : CheckReport.pad(verdicts[scenario.name]?.rawValue ?? "", marks + 2)
        lines += entry(scenario, "  " + verdict, names, width, provesToo)
      }
    }
    return lines + ["\(CountText.of(scenarios.count, "scenario")) in \(CountText.of(folders.count, "folder"))"]
  }

  private static func entry(_ scenario: Scenario, _ start: String, _ names: Int, _ width: Int, _ provesToo: Bool) -> [String] {
    let name = name(scenario)
    let indent = String(repeating: " ", count: start.count + names + 2)
    var lines =
      name.count > names
      ? [start + name, cut(indent + scenario.summary, width)]
      : [cut("\(start)\(CheckReport.pad(name, names))  \(scenario.summary)", width)]
    if provesToo { lines.append("\(indent)proves \(scenario.proves.isEmpty ? "nothing" : scenario.proves.joined(separator: ", "))") }
    return lines
  }

  /// What stands before the last slash that is not within a row of a table.
  private static func folder(_ scenario: Scenario) -> String {
    let path = scenario.name.prefix { $0 != "[" }
    return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "scenarios"
  }

  private static func name(_ scenario: Scenario) -> String {
    let path = scenario.name.prefix { $0 != "[" }
    return path.lastIndex(of: "/").map { String(scenario.name[scenario.name.index(after: $0)...]) } ?? scenario.name
  }

  /// A line with at most so many characters.
  static func cut(_ line: String, _ width: Int) -> String {
    line.count <= width ? line : "\(line.prefix(max(0, width - 1)))…"
  }
}
