import ArgumentParser
import SansIO
import ScenarioEngine
import ScenarioModel

/// `kallglot-lab lint`: every mistake of scenario files, without running them.
struct LintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint", abstract: "Read scenario files and report every mistake in them.",
    discussion: """
      Each mistake is a line 'file:line:column: what, what was expected, the nearest word'. It refuses what run refuses, and check ids, \
      RFC sections and personas in 'proves' that do not exist. What is given and never used is a warning.
        kallglot-lab lint --strict scenarios

      Exit codes: 0 no mistake; 2 mistakes, or with --strict warnings.
      """)

  @Argument(help: "Scenario files, or folders of them.")
  var paths: [String]

  @Flag(help: "Warnings count as mistakes.")
  var strict = false

  func run() throws {
    let (files, unreadable) = ScenarioLibrary.read(paths)
    let all = files + ScenarioLibrary.libraries(paths)
    guard !all.isEmpty || !unreadable.isEmpty else { throw Complaint("no .yaml file in \(paths.joined(separator: ", "))") }
    // A mistake in an included file is one, however many files include it.
    var told: Set<SourceProblem> = []
    let mistakes = (unreadable + all.flatMap { $0.problems + $0.references }).filter { told.insert($0).inserted }
    let warnings = (all.flatMap(\.warnings) + twins(files)).filter { told.insert($0).inserted }
    for mistake in mistakes { say("\(mistake)") }
    for warning in warnings { say("\(warning) (warning)") }
    let scenarios = files.reduce(0) { $0 + $1.scenarios.count }
    let counts = [
      CountText.of(all.count, "file"), CountText.of(scenarios, "scenario"), CountText.of(mistakes.count, "mistake"),
      CountText.of(warnings.count, "warning"),
    ]
    say(counts.joined(separator: ", "))
    if !mistakes.isEmpty || strict && !warnings.isEmpty { throw ExitWith(code: 2) }
  }

  /// Scenarios of one name would write their captures into one folder.
  private func twins(_ files: [ScenarioFile]) -> [SourceProblem] {
    var owners: [String: String] = [:]
    var problems: [SourceProblem] = []
    for file in files {
      for scenario in file.scenarios {
        if let owner = owners[scenario.name], owner != file.file {
          problems.append(SourceProblem(file: file.file, "the scenario is called \(scenario.name), as that of \(owner) is"))
        }
        owners[scenario.name] = file.file
      }
    }
    return problems
  }
}
