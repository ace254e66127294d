import Dispatch
import Reports
import ScenarioEngine
import ScenarioModel
import Synchronization

/// Runs scenarios with their seeds on several threads, until all are done or somebody interrupts.
struct ScenarioRunner {
  private let scenarios: [Scenario]
  private let seeds: ClosedRange<UInt64>
  private let jobs: Int
  /// Where the captures of each go; nil = nowhere.
  private let folders: [String]?

  init(_ scenarios: [Scenario], seeds: ClosedRange<UInt64>, jobs: Int, folders: [String]?) {
    self.scenarios = scenarios
    self.seeds = seeds
    self.jobs = jobs
    self.folders = folders
  }

  private var seedsEach: Int { SeedSweep(seeds).planned }

  func run(on terminal: Terminal) -> RunRecord {
    Interruption.watch()
    let started = ContinuousClock.now
    let board = RunBoard(count: scenarios.count, seeds: seeds, terminal: terminal)
    let next = Atomic<Int>(0)
    let count = scenarios.count * seedsEach
    DispatchQueue.concurrentPerform(iterations: min(jobs, count)) { _ in
      while !Interruption.hasCome {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        runOne(index, board)
      }
    }
    var record = RunRecord(board.finish(), selected: scenarios.count, seeds: seeds)
    record.results = record.isSweep ? record.results.map(captured) : record.results
    record.elapsed = ContinuousClock.now - started
    if record.ran < record.planned { record.ending = .interrupted }
    return record
  }

  /// One scenario with one seed. A sweep would write more captures than anybody reads: only what failed is run again with them.
  private func runOne(_ index: Int, _ board: RunBoard) {
    let (position, step) = index.quotientAndRemainder(dividingBy: seedsEach)
    let scenario = scenarios[position]
    board.began(scenario.name)
    let folder = seedsEach == 1 ? folders?[position] : nil
    board.put(VirtualRun.run(scenario, seed: seeds.lowerBound + UInt64(step), folder: folder), at: position)
  }

  /// The smallest seed that did not pass once more, with captures: the same seed gives the same run.
  private func captured(_ result: ScenarioResult) -> ScenarioResult {
    guard let folders, !result.verdict.isGood,
      let position = scenarios.firstIndex(where: { $0.name == result.name && $0.file == result.file })
    else { return result }
    var again = VirtualRun.run(scenarios[position], seed: result.seed, folder: folders[position])
    (again.sweep, again.duration, again.elapsed, again.packets) = (result.sweep, result.duration, result.elapsed, result.packets)
    return again
  }
}
