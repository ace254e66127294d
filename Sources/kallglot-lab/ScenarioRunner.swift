import Dispatch
import Foundation
import LiveStage
import Reports
import ScenarioEngine
import ScenarioModel
import Synchronization

/// Runs scenarios as often as a series says on several threads, until all are done, somebody interrupts, or one does not pass where that is
/// the end.
struct ScenarioRunner {
  private let scenarios: [Scenario]
  private let series: RunSeries
  private let jobs: Int
  /// Where the captures of each go; nil = nowhere.
  private let folders: [String]?
  private let stopsAtFirstFailure: Bool
  /// nil = virtual time.
  private let live: LiveRun?
  /// nil = no seed runs twice in virtual time.
  private let repetitions: Repetitions?
  /// Whether captures have their secrets and clear twins.
  var keepsSecrets = true

  init(
    _ scenarios: [Scenario], _ series: RunSeries, jobs: Int, folders: [String]?, stopsAtFirstFailure: Bool, live: LiveRun? = nil
  ) {
    self.live = live
    self.scenarios = scenarios
    self.series = series
    repetitions = if case .repeats(2..., _) = series, live == nil { Repetitions() } else { nil }
    self.jobs = jobs
    self.folders = folders
    self.stopsAtFirstFailure = stopsAtFirstFailure
  }

  func run(_ view: RunView) -> RunRecord {
    Interruption.watch()
    let started = ContinuousClock.now
    let board = RunBoard(count: scenarios.count, series: series, view)
    let next = Atomic<Int>(0)
    let hasFailed = Atomic<Bool>(false)
    let count = scenarios.count * series.planned
    atOnce(min(jobs, count)) {
      while !Interruption.hasCome, !hasFailed.load(ordering: .relaxed) {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        if runOne(index, board)?.isGood == false, stopsAtFirstFailure { hasFailed.store(true, ordering: .relaxed) }
      }
    }
    return record(board.finish(), started, isStopped: hasFailed.load(ordering: .relaxed))
  }

  /// Virtual runs keep a processor busy each; live ones wait, so that there may be more of them than the pool has threads.
  private func atOnce(_ count: Int, _ body: @escaping @Sendable () -> Void) {
    guard live != nil else { return DispatchQueue.concurrentPerform(iterations: count) { _ in body() } }
    let group = DispatchGroup()
    for _ in 0..<count {
      group.enter()
      Thread.detachNewThread {
        body()
        group.leave()
      }
    }
    group.wait()
  }

  private func record(_ done: [(place: Int, result: ScenarioResult)], _ started: ContinuousClock.Instant, isStopped: Bool) -> RunRecord {
    var record = RunRecord(done.map(\.result), selected: scenarios.count, series: series)
    record.places = done.map(\.place)
    if record.isSweep { record.results = done.map(captured) }
    record.elapsed = ContinuousClock.now - started
    // What was under way when it ended may have been the last.
    if record.ran < record.planned { record.ending = Interruption.hasCome ? .interrupted : isStopped ? .firstFailure : .complete }
    return record
  }

  /// One scenario with one seed. A sweep would write more captures than anybody reads: only what failed is run again with them.
  /// nil = it was interrupted.
  private func runOne(_ index: Int, _ board: RunBoard) -> Verdict? {
    let (position, step) = index.quotientAndRemainder(dividingBy: series.planned)
    let scenario = scenarios[position]
    board.began(scenario.name)
    let number = series.numbers.lowerBound + UInt64(step)
    let folder = folder(of: position, number)
    let played = live.map { Self.wait(for: scenario, folder, $0) } ?? virtual(position, number, folder)
    guard let played else { return nil }
    let result = CaptureInspections.added(to: played)
    if let folder, series.planned > 1, result.verdict.isGood { try? FileManager.default.removeItem(atPath: folder) }
    board.put(result, at: position, number: number)
    return result.verdict
  }

  /// A live run never comes again as it was: each of a series has a folder of its own, which stays where it does not pass.
  private func folder(of position: Int, _ number: UInt64) -> String? {
    guard series.planned > 1 else { return folders?[position] }
    return live == nil ? nil : folders.map { "\($0[position])-run-\(number)" }
  }

  /// The same seed again must give the same run: one that differs from an earlier one is void.
  private func virtual(_ position: Int, _ number: UInt64, _ folder: String?) -> ScenarioResult {
    let (scenario, seed) = (scenarios[position], series.seed(of: number))
    guard let repetitions else { return VirtualRun.run(scenario, seed: seed, folder: folder, keepsSecrets: keepsSecrets) }
    let tracer = RunTracer()
    var result = VirtualRun.run(scenario, seed: seed, observers: [tracer])
    if let difference = repetitions.difference(of: tracer.trace, at: position) {
      result.verdict = .void
      result.reason = "two runs with the seed \(seed) are not the same: they differ from \(difference) on, in run \(number)"
    }
    return result
  }

  /// Blocks until a live run is over; nil = it was interrupted.
  private static func wait(for scenario: Scenario, _ folder: String?, _ live: LiveRun) -> ScenarioResult? {
    let outcome = LiveOutcome()
    Task { outcome.put(await live.run(scenario, folder: folder)) }
    let result = outcome.wait()
    return result.reason == LiveRun.interruption ? nil : result
  }

  /// The smallest seed that did not pass once more, with captures: the same seed gives the same run.
  private func captured(_ position: Int, _ result: ScenarioResult) -> ScenarioResult {
    guard let folders, live == nil, !result.verdict.isGood else { return result }
    var again = CaptureInspections.added(
      to: VirtualRun.run(scenarios[position], seed: result.seed, folder: folders[position], keepsSecrets: keepsSecrets))
    (again.sweep, again.duration, again.elapsed, again.packets) = (result.sweep, result.duration, result.elapsed, result.packets)
    return again
  }
}

/// What the first run of each scenario was like.
private final class Repetitions: Sendable {
  private let first = Mutex<[Int: RunTrace]>([:])

  /// Where a run goes apart from the first of its scenario; nil where it does not, or is that one.
  func difference(of run: RunTrace, at position: Int) -> RunTrace.Difference? {
    first.withLock { first in
      guard let known = first[position] else {
        first[position] = run
        return nil
      }
      return run.difference(from: known)
    }
  }
}

/// A live run's result, for the thread that waits for it.
private final class LiveOutcome: Sendable {
  private let done = DispatchSemaphore(value: 0)
  private let result = Mutex<ScenarioResult?>(nil)

  func put(_ given: ScenarioResult) {
    result.withLock { $0 = given }
    done.signal()
  }

  /// Precondition: nobody waits for it twice.
  func wait() -> ScenarioResult {
    done.wait()
    guard let result = result.withLock({ $0 }) else { preconditionFailure("a live run ended without a result") }
    return result
  }
}
