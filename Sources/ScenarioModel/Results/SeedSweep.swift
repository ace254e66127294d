/// How one scenario came out over a series of runs. Its size does not depend on how many there are.
public struct SeedSweep: Sendable, Hashable {
  /// Runs that did not pass and are kept by number, the smallest first.
  public static let kept = 20

  public let series: RunSeries
  /// Runs that were made; fewer than the series has when it ended before.
  public private(set) var ran: Int
  /// Those that passed or did not apply.
  public private(set) var passed: Int
  /// The smallest numbers (seeds, where the series is one of seeds) that did not pass, in ascending order, at most ``kept``.
  public private(set) var failing: [UInt64]

  public init(_ series: RunSeries, ran: Int = 0, passed: Int = 0, failing: [UInt64] = []) {
    self.series = series
    self.ran = ran
    self.passed = passed
    self.failing = failing
  }

  /// Runs that were to be made.
  public var planned: Int { series.planned }

  public mutating func count(_ number: UInt64, _ verdict: Verdict) {
    ran += 1
    guard !verdict.isGood else {
      passed += 1
      return
    }
    failing.insert(number, at: failing.firstIndex { $0 > number } ?? failing.endIndex)
    if failing.count > Self.kept { failing.removeLast() }
  }
}

/// Results of one scenario as they come in, in any order, put together into one.
public struct ScenarioTally: Sendable {
  private var sweep: SeedSweep
  private var worst: (number: UInt64, result: ScenarioResult)?
  private var duration = Duration.zero
  private var elapsed = Duration.zero
  private var packets = 0

  public init(_ series: RunSeries) { sweep = SeedSweep(series) }

  public var isComplete: Bool { sweep.ran == sweep.planned }
  public var ran: Int { sweep.ran }

  /// - Parameter number: of the run in its series.
  public mutating func add(_ result: ScenarioResult, _ number: UInt64) {
    sweep.count(number, result.verdict)
    duration += result.duration
    elapsed += result.elapsed
    packets += result.packets
    if worst.map({ Self.rank(result, number) < Self.rank($0.result, $0.number) }) ?? true { worst = (number, result) }
  }

  /// The worst verdict of the smallest number that has it, with the times and packets of all runs; nil when there was none.
  public var result: ScenarioResult? {
    guard var result = worst?.result else { return nil }
    guard sweep.planned > 1 else { return result }
    (result.duration, result.elapsed, result.packets) = (duration, elapsed, packets)
    result.sweep = sweep
    return result
  }

  private static func rank(_ result: ScenarioResult, _ number: UInt64) -> (Int, UInt64) {
    let order: Int =
      switch result.verdict {
      case .failed: 0
      case .void: 1
      case .couldNotRun: 2
      case .passed: 3
      case .notApplicable: 4
      }
    return (order, number)
  }
}
