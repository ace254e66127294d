import ScenarioModel

/// A whole run: what every report is made of.
public struct RunRecord: Sendable {
  /// Why it ended.
  public enum Ending: Sendable, Hashable {
    case complete
    /// Ctrl-C or SIGTERM.
    case interrupted
    /// `--fail-fast`.
    case firstFailure
  }

  /// One a scenario, in the order of the files.
  public var results: [ScenarioResult]
  /// Scenarios that were to run.
  public var selected: Int
  /// Both ends belong to it; one seed, unless `--seeds` gave several.
  public var seeds: ClosedRange<UInt64>
  /// Wall-clock time.
  public var elapsed: Duration
  public var ending: Ending

  public init(
    _ results: [ScenarioResult], selected: Int? = nil, seeds: ClosedRange<UInt64> = 1...1, elapsed: Duration = .zero,
    ending: Ending = .complete
  ) {
    self.results = results
    self.selected = selected ?? results.count
    self.seeds = seeds
    self.elapsed = elapsed
    self.ending = ending
  }

  /// Runs that were made: one a scenario and seed.
  public var ran: Int { results.reduce(0) { $0 + ($1.sweep?.ran ?? 1) } }

  /// Runs that were to be made.
  public var planned: Int { selected * SeedSweep(seeds).planned }

  public var isSweep: Bool { seeds.lowerBound < seeds.upperBound }
}
