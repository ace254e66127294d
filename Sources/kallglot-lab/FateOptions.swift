import ArgumentParser
import Impairments
import Reports
import SansIO
import ScenarioEngine
import ScenarioModel

/// What becomes of the packets of one run on impaired links: kept, replayed, or made smaller.
struct FateOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Of one scenario: write what became of each packet on impaired links to this file.", valueName: "file"))
  var recordFates: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Of one scenario: do to each packet what this file says, instead of drawing it; what it leaves out takes the link's delay.",
      valueName: "file"))
  var fates: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Of one scenario that fails: leave out packets' fates and steps that do not matter, and write what still fails as a scenario.",
      valueName: "file"))
  var shrink: String?

  var isGiven: Bool { recordFates != nil || fates != nil || shrink != nil }

  func run(_ selected: RunSelection.Selected, _ series: RunSeries, isLive: Bool) throws {
    let flag = shrink != nil ? "--shrink" : fates != nil ? "--fates" : "--record-fates"
    guard !isLive else { throw Complaint("\(flag) needs virtual time: a live run draws nothing") }
    guard [recordFates, fates, shrink].compactMap(\.self).count == 1 else {
      throw Complaint("--record-fates, --fates and --shrink are given together, expected one of them")
    }
    guard selected.scenarios.count == 1, let scenario = selected.scenarios.first, !series.isSweep else {
      let count = selected.scenarios.count
      throw Complaint(
        "\(flag) is for one scenario and one seed, here are \(count) and \(series.text): --filter selects by name, --seed one seed")
    }
    if let problem = scenario.mistakes.first { throw Complaint("\(problem)") }
    if let shrink { return try self.shrink(scenario, seed: series.firstSeed, to: shrink) }
    let use: FateUse = try fates.map { .replayed(try Self.plan($0)) } ?? .recorded
    let result = VirtualRun.run(scenario, seed: series.firstSeed, fates: use)
    if let recordFates { try Output.write(result.fates?.text ?? "", to: recordFates) }
    let record = RunRecord([result], series: series)
    for line in RunView(terminal: .ofStandardOutput, isQuiet: false, github: GitHubRun.current).lastLines(record) { say(line) }
    let status = RunOutcome(record)
    if status != .passed { throw ExitWith(code: status.rawValue) }
  }

  private static func plan(_ path: String) throws -> FatePlan {
    let text = String(decoding: try Input.data(of: path), as: UTF8.self)
    do throws(PacketList.Mistake) { return try FatePlan.parse(text) } catch { throw Complaint("\(path):\(error)") }
  }

  private func shrink(_ scenario: Scenario, seed: UInt64, to path: String) throws {
    var shrinker = Shrinker(scenario, seed: seed)
    let shrunk: Shrinker.Shrunk
    do throws(Shrinker.Refusal) { shrunk = try shrinker.shrink() } catch {
      switch error {
      case .didNotFail(let verdict):
        throw Complaint("\(scenario.name) with seed \(seed) is \(verdict.rawValue): there is nothing to shrink")
      case .notReplayed: throw Complaint("\(scenario.name) does not fail when its fates are replayed, so they are not why it fails")
      case .notWritten: throw Complaint("what is left of \(scenario.name) does not fail as a file of its own")
      }
    }
    try Output.write(shrunk.text, to: path)
    say("\(shrunk.finding.line)")
    say(
      "\(shrunk.fates.count) of \(shrunk.fatesBefore) fates and \(shrunk.steps.count) of \(shrunk.stepsBefore) steps are left, after "
        + "\(CountText.of(shrunk.runs, "run")): \(path)\(shrunk.needsSeed ? " (with --seed \(seed))" : "")")
    for entry in shrunk.fates.entries { say("  \(entry.direction) packet \(entry.number): \(entry.passage)") }
  }
}
