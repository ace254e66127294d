import ArgumentParser
import Foundation
import Reports
import ScenarioEngine
import ScenarioModel

/// `kallglot-lab run`: scenarios in virtual time.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run scenario files in virtual time.",
    discussion: """
      Each scenario leaves a pcapng a host and a journal in its own folder below --out. Ctrl-C ends the run after the scenarios under way and \
      reports what was done, with exit code 130. NO_COLOR is respected; without a terminal, and where CI is set, lines are plain.
      """)

  @Argument(help: "Scenario files, or folders of them.")
  var paths: [String]

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The run's seed: the same one gives the same run, byte for byte (default: 1).", valueName: "number"))
  var seed: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Instead: every scenario with every seed from A to B, and which do not always pass.", valueName: "A..B"))
  var seeds: String?

  @Option(help: "Folder for captures and journals; without it none are written.")
  var out: String?

  @Option(help: "File for the results as JUnit XML.")
  var junit: String?

  @Option(help: "File for the results as JSON.")
  var json: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Scenarios that run at a time.", valueName: "number"))
  var jobs: String = "\(ProcessInfo.processInfo.activeProcessorCount)"

  @Option(help: "Only scenarios whose name contains this text.")
  var filter: String?

  func run() throws {
    let jobs: Int = try RunSelection.number(jobs, "--jobs", atLeast: 1)
    let seeds = try RunSelection.seeds(seed: seed, seeds: seeds)
    let scenarios = try select()
    guard scenarios.contains(where: \.isReadable) else { return try refuse(scenarios, seeds) }
    if let out { try Output.makeFolder(out) }
    let terminal = Terminal(isTerminal: isatty(STDOUT_FILENO) == 1, environment: ProcessInfo.processInfo.environment)
    let record = ScenarioRunner(scenarios, seeds: seeds, jobs: jobs, folders: out.map { Output.folders(of: scenarios, in: $0) }).run(
      on: terminal)
    for line in Summary.lines(record, style: terminal.style) { say(line) }
    try write(record)
    let status = RunOutcome(record)
    if status != .passed { throw ExitWith(code: status.rawValue) }
  }

  /// Files that cannot be read are among them, to be reported.
  private func select() throws -> [Scenario] {
    let (scenarios, missing) = ScenarioLibrary.load(paths)
    let all = scenarios + missing.map { Scenario.unreadable($0.file, [$0]) }
    let selected = all.filter(isSelected)
    guard !selected.isEmpty else {
      throw Complaint(
        all.isEmpty ? "there is no .yaml file in \(paths.joined(separator: ", "))" : "no scenario's name contains '\(filter ?? "")'")
    }
    return selected
  }

  /// Of a file that cannot be read nobody knows the rows, so only what stands before the row counts.
  private func isSelected(_ scenario: Scenario) -> Bool {
    guard let filter else { return true }
    return scenario.name.contains(scenario.isReadable ? filter : String(filter.prefix { $0 != "[" }))
  }

  private func write(_ record: RunRecord) throws {
    if let junit { try Output.write(JUnitReport.document(record), to: junit) }
    if let json { try Output.write(JSONReport.document(record), to: json) }
  }

  /// Nothing can be read: that is bad input. The reports say it too.
  private func refuse(_ scenarios: [Scenario], _ seeds: ClosedRange<UInt64>) throws {
    try write(RunRecord(scenarios.map { VirtualRun.run($0, seed: seeds.lowerBound) }, seeds: seeds))
    let problems = scenarios.flatMap(\.mistakes)
    for problem in problems.dropLast() { FileHandle.standardError.write(Data("\(problem)\n".utf8)) }
    throw Complaint(problems.last.map(\.description) ?? "nothing can be read")
  }
}

/// Files that a user named for us to write.
enum Output {
  static func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Complaint("the folder \(path) cannot be made: \(FileFailure.reason(error))")
    }
  }

  /// A folder for each, also when two have one name.
  static func folders(of scenarios: [Scenario], in out: String) -> [String] {
    var taken: [String: Int] = [:]
    return scenarios.map { scenario in
      let count = taken[scenario.folderName, default: 0] + 1
      taken[scenario.folderName] = count
      return "\(out)/\(scenario.folderName)\(count == 1 ? "" : "-\(count)")"
    }
  }

  static func write(_ text: String, to path: String) throws {
    let folder = (path as NSString).deletingLastPathComponent
    if !folder.isEmpty { try makeFolder(folder) }
    do {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw Complaint("the file \(path) cannot be written: \(FileFailure.reason(error))")
    }
  }
}
