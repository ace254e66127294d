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
    if let out { try Output.makeFolder(out) }
    let terminal = Terminal(isTerminal: isatty(STDOUT_FILENO) == 1, environment: ProcessInfo.processInfo.environment)
    let record = ScenarioRunner(scenarios, seeds: seeds, jobs: jobs, folders: out.map { Output.folders(of: scenarios, in: $0) }).run(
      on: terminal)
    for line in Summary.lines(record, style: terminal.style) { say(line) }
    if let junit { try Output.write(JUnitReport.document(record), to: junit) }
    if let json { try Output.write(JSONReport.document(record), to: json) }
    let status = RunOutcome(record)
    if status != .passed { throw ExitWith(code: status.rawValue) }
  }

  private func select() throws -> [Scenario] {
    let (all, problems) = ScenarioLibrary.load(paths)
    guard problems.isEmpty else {
      for problem in problems.dropLast() { FileHandle.standardError.write(Data("\(problem)\n".utf8)) }
      throw Complaint("\(problems[problems.count - 1])")
    }
    let scenarios = all.filter { filter == nil || $0.name.contains(filter ?? "") }
    guard !scenarios.isEmpty else {
      throw Complaint(
        all.isEmpty ? "there is no .yaml file in \(paths.joined(separator: ", "))" : "no scenario's name contains '\(filter ?? "")'")
    }
    return scenarios
  }
}

/// Files that a user named for us to write.
enum Output {
  static func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Complaint("the folder \(path) cannot be made: \(reason(error))")
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
      throw Complaint("the file \(path) cannot be written: \(reason(error))")
    }
  }

  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    return underlying.map { String(cString: strerror(Int32($0.code))) } ?? error.localizedDescription
  }
}
