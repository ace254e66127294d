import Dispatch
import Reports
import ScenarioEngine
import ScenarioModel
import Synchronization

/// Runs scenarios with their seeds on several threads, until all are done, somebody interrupts, or one does not pass where that is the end.
struct ScenarioRunner {
  private let scenarios: [Scenario]
  private let seeds: ClosedRange<UInt64>
  private let jobs: Int
  /// Where the captures of each go; nil = nowhere.
  private let folders: [String]?
  private let stopsAtFirstFailure: Bool

  init(_ scenarios: [Scenario], seeds: ClosedRange<UInt64>, jobs: Int, folders: [String]?, stopsAtFirstFailure: Bool) {
    self.scenarios = scenarios
    self.seeds = seeds
    self.jobs = jobs
    self.folders = folders
    self.stopsAtFirstFailure = stopsAtFirstFailure
  }

  private var seedsEach: Int { SeedSweep(seeds).planned }

  func run(_ view: RunView) -> RunRecord {
    Interruption.watch()
    let started = ContinuousClock.now
    let board = RunBoard(count: scenarios.count, seeds: seeds, view)
    let next = Atomic<Int>(0)
    let hasFailed = Atomic<Bool>(false)
    let count = scenarios.count * seedsEach
    DispatchQueue.concurrentPerform(iterations: min(jobs, count)) { _ in
      while !Interruption.hasCome, !hasFailed.load(ordering: .relaxed) {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        if !runOne(index, board).isGood, stopsAtFirstFailure { hasFailed.store(true, ordering: .relaxed) }
      }
    }
    return record(board.finish(), started, isStopped: hasFailed.load(ordering: .relaxed))
  }

  private func record(_ done: [(place: Int, result: ScenarioResult)], _ started: ContinuousClock.Instant, isStopped: Bool) -> RunRecord {
    var record = RunRecord(done.map(\.result), selected: scenarios.count, seeds: seeds)
    record.places = done.map(\.place)
    if record.isSweep { record.results = done.map(captured) }
    record.elapsed = ContinuousClock.now - started
    // What was under way when it ended may have been the last.
    if record.ran < record.planned { record.ending = Interruption.hasCome ? .interrupted : isStopped ? .firstFailure : .complete }
    return record
  }

  /// One scenario with one seed. A sweep would write more captures than anybody reads: only what failed is run again with them.
  private func runOne(_ index: Int, _ board: RunBoard) -> Verdict {
    let (position, step) = index.quotientAndRemainder(dividingBy: seedsEach)
    let scenario = scenarios[position]
    board.began(scenario.name)
    let folder = seedsEach == 1 ? folders?[position] : nil
    let result = CaptureInspections.added(to: VirtualRun.run(scenario, seed: seeds.lowerBound + UInt64(step), folder: folder))
    board.put(result, at: position)
    return result.verdict
  }

  /// The smallest seed that did not pass once more, with captures: the same seed gives the same run.
  private func captured(_ position: Int, _ result: ScenarioResult) -> ScenarioResult {
    guard let folders, !result.verdict.isGood else { return result }
    var again = CaptureInspections.added(to: VirtualRun.run(scenarios[position], seed: result.seed, folder: folders[position]))
    (again.sweep, again.duration, again.elapsed, again.packets) = (result.sweep, result.duration, result.elapsed, result.packets)
    return again
  }
}
