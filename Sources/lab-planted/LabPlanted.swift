import ArgumentParser
import Defects
import Foundation
import ScenarioEngine
import ScenarioModel

/// `lab-planted`: plants each defect at each member it is for and runs the library: what is caught, for the right reason, and by `inspect`.
@main
struct LabPlanted: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab-planted", abstract: "Measure what the Lab sees of defects that are planted into its hosts. Build it in release.")

  @Argument(help: "Scenario files and folders.")
  var paths = ["scenarios"]

  @Option(help: "Only defects whose name contains this text.")
  var filter: String?

  @Option(help: "How many processes at once.")
  var jobs = ProcessInfo.processInfo.activeProcessorCount

  @Option(help: "Seconds that one defect may take; then it is one that hangs.")
  var patience = 600.0

  @Option(help: "File for the table as tab-separated values.")
  var table: String?

  @Flag(help: "Read captures of runs that pass as well, and say what 'inspect' would name there. It counts for nothing.")
  var look = false

  @Option(help: .hidden)
  var one: String?

  @Option(help: .hidden)
  var healthy: String?

  func run() throws {
    let (scenarios, problems) = ScenarioLibrary.load(paths)
    if let problem = problems.first { throw ValidationError("\(problem)") }
    if let one, let healthy, let defect = DefectCatalogue.defect(one) {
      let outcome = Trial(defect, scenarios, HealthyRuns(text: (try? String(contentsOfFile: healthy, encoding: .utf8)) ?? ""), looks: look)
        .run()
      return print(outcome.line)
    }
    let defects = DefectCatalogue.all.filter { defect in filter.map(defect.name.contains) ?? true }
    let outcomes = try outcomes(defects, HealthyRuns(scenarios))
    let table = PlantedTable(outcomes)
    for line in table.lines { print(line) }
    if let path = self.table {
      try (outcomes.map(\.line).joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }
  }

  /// A process a defect, so that one that never ends costs its own row alone.
  private func outcomes(_ defects: [Defect], _ healthy: HealthyRuns) throws -> [Outcome] {
    let folder = NSTemporaryDirectory() + "lab-planted-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = "\(folder)/healthy"
    try healthy.text.write(toFile: file, atomically: true, encoding: .utf8)
    var crew = Crew(program: CommandLine.arguments[0], folder: folder, patience: patience)
    return try crew.run(defects, arguments: paths + ["--healthy", file] + (look ? ["--look"] : []), jobs: max(1, jobs)) { done in
      FileHandle.standardError.write(Data("\(done)\n".utf8))
    }
  }
}
