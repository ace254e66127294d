import ArgumentParser
import Foundation
import Reports
import ScenarioEngine
import ScenarioModel

/// `kallglot-lab list`: what there is, and what it proves.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List scenarios, or all checks with the scenarios that prove them.",
    discussion: """
      By folder, one line a scenario, with the verdicts of the last run where its results are known:
        kallglot-lab list
        kallglot-lab list scenarios/nat --proves
        kallglot-lab list --checks --results out/results.json

      Exit codes: 0; 2 bad input; 3 a file cannot be read, the others are listed.
      """)

  @Argument(help: "Scenario files, or folders of them.")
  var paths: [String] = ["scenarios"]

  @Flag(help: "All checks of the suite, the scenarios that prove them, and their last verdict.")
  var checks = false

  @Flag(help: "Also what each scenario proves, in a line below.")
  var proves = false

  @Option(parsing: .unconditional, help: ArgumentHelp("The results that run --json wrote.", valueName: "file"))
  var results: String = "out/results.json"

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Columns; longer summaries are cut (default: those of the terminal, or 120).", valueName: "number"))
  var width: String?

  func run() throws {
    let width = try width.map { try FlagText.number($0, "--width", atLeast: 40) } ?? Terminal.width ?? 120
    let (all, missing) = ScenarioLibrary.load(paths)
    let (scenarios, problems) = (all.filter(\.isReadable), missing + all.flatMap(\.mistakes))
    if scenarios.isEmpty, let problem = problems.first { throw Complaint("\(problem)") }
    guard !scenarios.isEmpty else { throw Complaint("no .yaml file in \(paths.joined(separator: ", "))") }
    let verdicts = try verdicts()
    let lines =
      checks
      ? CheckReport.lines(scenarios, verdicts: verdicts, width: width)
      : ScenarioList.lines(scenarios, verdicts: verdicts ?? [:], width: width, provesToo: proves)
    for line in lines { say(line) }
    for problem in problems { Console.complain("\(problem)") }
    if !problems.isEmpty { throw ExitWith(code: 3) }
  }

  /// By scenario; nil = there are no results. A file that was named has to be there.
  private func verdicts() throws -> [String: Verdict]? {
    guard FileManager.default.fileExists(atPath: results) else {
      if results == "out/results.json" { return nil }
      throw Complaint("no such file: \(results); run --json writes one")
    }
    struct Document: Decodable {
      struct Entry: Decodable {
        var name: String
        var verdict: Verdict
      }
      var version: Int
      var scenarios: [Entry]
    }
    do {
      let document = try JSONDecoder().decode(Document.self, from: try Input.data(of: results))
      return Dictionary(document.scenarios.map { ($0.name, $0.verdict) }, uniquingKeysWith: { _, last in last })
    } catch let complaint as Complaint {
      throw complaint
    } catch {
      throw Complaint("\(results) is not a results file of run --json")
    }
  }
}
