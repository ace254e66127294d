/// How one scenario came out over a range of seeds. Its size does not depend on how many there are.
public struct SeedSweep: Sendable, Hashable {
  /// Seeds that did not pass and are kept by number, the smallest first.
  public static let kept = 20

  /// Both ends belong to it.
  public let range: ClosedRange<UInt64>
  /// Seeds that ran; fewer than the range has when the run ended before.
  public private(set) var ran: Int
  /// Those that passed or did not apply.
  public private(set) var passed: Int
  /// The smallest seeds that did not pass, in ascending order, at most ``kept``.
  public private(set) var failing: [UInt64]

  public init(_ range: ClosedRange<UInt64>, ran: Int = 0, passed: Int = 0, failing: [UInt64] = []) {
    self.range = range
    self.ran = ran
    self.passed = passed
    self.failing = failing
  }

  /// Seeds that were to run.
  public var planned: Int {
    let steps = Int(clamping: range.upperBound - range.lowerBound)
    return steps == .max ? steps : steps + 1
  }

  public mutating func count(_ seed: UInt64, _ verdict: Verdict) {
    ran += 1
    guard !verdict.isGood else {
      passed += 1
      return
    }
    failing.insert(seed, at: failing.firstIndex { $0 > seed } ?? failing.endIndex)
    if failing.count > Self.kept { failing.removeLast() }
  }
}

/// Results of one scenario as they come in, in any order, put together into one.
public struct ScenarioTally: Sendable {
  private var sweep: SeedSweep
  private var worst: ScenarioResult?
  private var duration = Duration.zero
  private var elapsed = Duration.zero
  private var packets = 0

  public init(_ seeds: ClosedRange<UInt64>) { sweep = SeedSweep(seeds) }

  public var isComplete: Bool { sweep.ran == sweep.planned }
  public var ran: Int { sweep.ran }

  public mutating func add(_ result: ScenarioResult) {
    sweep.count(result.seed, result.verdict)
    duration += result.duration
    elapsed += result.elapsed
    packets += result.packets
    if worst.map({ Self.rank(result) < Self.rank($0) }) ?? true { worst = result }
  }

  /// The worst verdict of the smallest seed that has it, with the times and packets of all seeds; nil when none ran.
  public var result: ScenarioResult? {
    guard var result = worst else { return nil }
    guard sweep.planned > 1 else { return result }
    (result.duration, result.elapsed, result.packets) = (duration, elapsed, packets)
    result.sweep = sweep
    return result
  }

  private static func rank(_ result: ScenarioResult) -> (Int, UInt64) {
    let order: Int =
      switch result.verdict {
      case .failed: 0
      case .void: 1
      case .couldNotRun: 2
      case .passed: 3
      case .notApplicable: 4
      }
    return (order, result.seed)
  }
}
