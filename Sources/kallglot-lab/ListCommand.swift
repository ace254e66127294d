import ArgumentParser
import Foundation
import Reports
import ScenarioEngine
import ScenarioModel

/// `kallglot-lab list`: what there is, and what it proves.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List scenarios, or all checks with the scenarios that prove them.",
    discussion: "Verdicts are those of the results file that run --json wrote last.")

  @Argument(help: "Scenario files, or folders of them.")
  var paths: [String] = ["scenarios"]

  @Flag(help: "All checks of the suite, the scenarios that prove them, and their last verdict.")
  var checks = false

  @Option(help: "The results of a run as JSON.")
  var results: String = "out/results.json"

  func run() throws {
    let (all, missing) = ScenarioLibrary.load(paths)
    let (scenarios, problems) = (all.filter(\.isReadable), missing + all.flatMap(\.mistakes))
    if scenarios.isEmpty, let problem = problems.first { throw Complaint("\(problem)") }
    guard !scenarios.isEmpty else { throw Complaint("there is no .yaml file in \(paths.joined(separator: ", "))") }
    let verdicts = try verdicts()
    let lines = checks ? CheckReport.lines(scenarios, verdicts: verdicts) : ScenarioList.lines(scenarios, verdicts: verdicts ?? [:])
    for line in lines { say(line) }
    for problem in problems { FileHandle.standardError.write(Data("\(problem)\n".utf8)) }
    if !problems.isEmpty { throw ExitWith(code: 3) }
  }

  /// By scenario; nil = there are no results. A file that was named has to be there.
  private func verdicts() throws -> [String: Verdict]? {
    guard FileManager.default.fileExists(atPath: results) else {
      if results == "out/results.json" { return nil }
      throw Complaint("there is no file \(results): run --json writes one")
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
      let document = try JSONDecoder().decode(Document.self, from: try Data(contentsOf: URL(filePath: results)))
      return Dictionary(document.scenarios.map { ($0.name, $0.verdict) }, uniquingKeysWith: { _, last in last })
    } catch {
      throw Complaint("\(results) is no results file of run --json")
    }
  }
}
