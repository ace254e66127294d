import ArgumentParser
import Foundation
import Reports
import ScenarioEngine
import ScenarioModel

/// `kallglot-lab run`: scenarios in virtual time, or live.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run scenario files, in virtual time or on real sockets.",
    discussion: """
      Each scenario leaves a pcapng a host and a journal in its own folder below --out. Beside a pcapng with TLS or SRTP there is its \
      clear twin, X.clear.pcapng: the same frames, SIP and RTP decrypted. With --no-secrets there are neither twins nor TLS secrets, and \
      keys of SRTP that crossed in clear are overwritten with x:
        kallglot-lab run scenarios --out out --junit out/junit.xml
        kallglot-lab run scenarios/nat --seeds 1..200
        kallglot-lab run --live scenarios/basic --repeat 20
        kallglot-lab run --live scenarios/basic --peer pbx=asterisk.yaml
      With --seeds the reports have one entry a scenario, that of the smallest seed that does not pass, and --out keeps the captures of \
      that seed alone. With --repeat they have that of the first run that does not pass; \
      with --live as well, --out keeps the captures of each that does not, in NAME-run-N. In virtual time the same seed must give the same \
      packets each time: a run that differs from the first is void.

      With --live the same files run in real time on sockets of this machine. What needs a network of its own making (NATs, impaired \
      links, faults) or more than 10 seconds does not apply and says so; a run that this machine was too busy for is void.

      Ctrl-C ends the run after the scenarios under way and reports what was done. NO_COLOR is respected; without a terminal, and where CI \
      is set, lines are plain. In GitHub Actions (GITHUB_ACTIONS=true) each finding is an annotation at its file and line, and a table of \
      what did not pass is appended to the file in GITHUB_STEP_SUMMARY.

      Exit codes: 0 all passed or do not apply; 1 something failed; 2 bad input, or nothing selected; 3 nothing failed, but something \
      could not run; 130 interrupted.
      """)

  @Argument(help: "Scenario files, or folders of them.")
  var paths: [String]

  @OptionGroup(title: "Selection")
  var selection: RunSelection

  @OptionGroup(title: "What becomes of packets")
  var fates: FateOptions

  @OptionGroup(title: "Real sockets")
  var sockets: LiveOptions

  @Option(parsing: .unconditional, help: ArgumentHelp("Folder for captures and journals; without it none are written.", valueName: "dir"))
  var out: String?

  @Flag(help: "With --out: captures without secrets, to be handed on.")
  var noSecrets = false

  @Flag(help: "With --out: what each leg heard as a WAV file beside the captures.")
  var recordAudio = false

  @Option(parsing: .unconditional, help: ArgumentHelp("File for the results as JUnit XML.", valueName: "file"))
  var junit: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("File for the results as JSON.", valueName: "file"))
  var json: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Scenarios that run at a time (default: one a processor, 24 with --live, 1 with --peer).", valueName: "number"))
  var jobs: String?

  @Flag(help: "Show only what did not pass, and the last line.")
  var quiet = false

  @Flag(help: "Stop after the first scenario that does not pass.")
  var failFast = false

  @Flag(help: "Print the names of the scenarios that would run, one a line, and run none.")
  var list = false

  func run() throws {
    var live = try sockets.run()
    live?.keepsSecrets = !noSecrets
    if recordAudio, out == nil { throw Complaint("--record-audio goes with --out: without it no file is written") }
    if noSecrets, out == nil { throw Complaint("--no-secrets goes with --out: without it no capture is written") }
    let standard = live == nil ? ProcessInfo.processInfo.activeProcessorCount : sockets.standardJobs
    let jobs: Int = try jobs.map { try FlagText.number($0, "--jobs", atLeast: 1) } ?? standard
    if live != nil, selection.seed ?? selection.seeds != nil { throw Complaint("a live run has no seed: it never runs the same way twice") }
    let series = try selection.series()
    let selected = try selection.select(try load())
    if fates.isGiven { return try fates.run(selected, series, isLive: live != nil) }
    if list {
      for scenario in selected.scenarios { say(scenario.name) }
      return
    }
    let view = RunView(terminal: .ofStandardOutput, isQuiet: quiet, github: GitHubRun.current)
    guard selected.all.contains(where: \.isReadable) else { return try refuse(selected, series, view) }
    if let out { try Output.makeFolder(out) }
    try RunReports(json: json, junit: junit).prepare()
    let folders = out.map { Output.folders(of: selected.scenarios, in: $0) }
    var runner = ScenarioRunner(selected.scenarios, series, jobs: jobs, folders: folders, stopsAtFirstFailure: failFast, live: live)
    runner.keepsSecrets = !noSecrets
    let record = named(runner.run(view), selected)
    for line in view.lastLines(record) { say(line) }
    try report(record, view)
    let status = RunOutcome(record)
    if status != .passed { throw ExitWith(code: status.rawValue) }
  }

  /// Files that cannot be read are among them, to be reported.
  private func load() throws -> [Scenario] {
    var (scenarios, missing) = ScenarioLibrary.load(paths)
    for index in scenarios.indices { scenarios[index].recordsAudio = recordAudio }
    let all = scenarios + missing.map { Scenario.unreadable($0.file, [$0]) }
    guard !all.isEmpty else { throw Complaint("no .yaml file in \(paths.joined(separator: ", "))") }
    return all
  }

  /// Says what made it, and which part of the whole it is.
  private func named(_ record: RunRecord, _ selected: RunSelection.Selected) -> RunRecord {
    var record = record
    record.origin = Origin.of(selected.all, paths: paths)
    if let shard = selected.shard { record.setPart(shard, total: selected.all.count, selected.positions) }
    return record
  }

  private func report(_ record: RunRecord, _ view: RunView) throws {
    try RunReports(json: json, junit: junit).write(record)
    view.github?.summarize(record)
  }

  /// Nothing can be read: that is bad input. The reports say it too.
  private func refuse(_ selected: RunSelection.Selected, _ series: RunSeries, _ view: RunView) throws {
    let results = selected.scenarios.map { VirtualRun.run($0, seed: series.firstSeed) }
    for line in results.flatMap({ view.github?.report.annotations($0) ?? [] }) { say(line) }
    try report(named(RunRecord(results, series: series), selected), view)
    let problems = selected.all.flatMap(\.mistakes)
    for problem in problems.dropLast() { Console.complain("\(problem)") }
    throw Complaint(problems.last.map(\.description) ?? "nothing can be read")
  }
}
