import ScenarioModel

/// A whole run: what every report is made of.
public struct RunRecord: Sendable {
  /// Why it ended.
  public enum Ending: String, Sendable, Hashable, Codable {
    case complete
    /// Ctrl-C or SIGTERM.
    case interrupted
    /// `--fail-fast`.
    case firstFailure = "first failure"
  }

  /// What ran, so that parts of different runs are never taken for one.
  public struct Origin: Sendable, Hashable, Codable {
    /// The program's version.
    public var version: String
    /// The commit of the checkout that the program lies in; nil when it lies in none.
    public var commit: String?
    /// A digest of the scenarios that all shards together run: their names and what is in their files.
    public var scenarioSet: String

    public init(version: String = "", commit: String? = nil, scenarioSet: String = "") {
      self.version = version
      self.commit = commit
      self.scenarioSet = scenarioSet
    }
  }

  /// Which part of a run it was.
  public struct Part: Sendable, Hashable {
    public var shard: Shard
    /// Scenarios of all shards together.
    public var total: Int
    /// The place of each result among these, from 0.
    public var positions: [Int]

    public init(_ shard: Shard, total: Int, positions: [Int] = []) {
      self.shard = shard
      self.total = total
      self.positions = positions
    }
  }

  /// One a scenario, in the order of the files.
  public var results: [ScenarioResult]
  /// Which of the selected scenarios each result is of, from 0; the run may have ended before all of them.
  public var places: [Int]
  /// Scenarios that were to run.
  public var selected: Int
  /// How often each of them was to run: once, unless `--seeds` or `--repeat` said otherwise.
  public var series: RunSeries
  /// Wall-clock time.
  public var elapsed: Duration
  public var ending: Ending
  public var origin = Origin()
  /// nil = the whole.
  public var part: Part?

  public init(
    _ results: [ScenarioResult], selected: Int? = nil, series: RunSeries = .once(seed: 1), elapsed: Duration = .zero,
    ending: Ending = .complete
  ) {
    self.results = results
    places = Array(results.indices)
    self.selected = selected ?? results.count
    self.series = series
    self.elapsed = elapsed
    self.ending = ending
  }

  /// Runs that were made.
  public var ran: Int { results.reduce(0) { $0 + ($1.sweep?.ran ?? 1) } }

  /// Runs that were to be made.
  public var planned: Int {
    let (product, isTooLarge) = selected.multipliedReportingOverflow(by: series.planned)
    return isTooLarge ? .max : product
  }

  /// Makes it one of several parts.
  ///
  /// - Parameters:
  ///   - total: scenarios of all shards together.
  ///   - positions: the place of each of this shard's scenarios among these.
  public mutating func setPart(_ shard: Shard, total: Int, _ positions: [Int]) {
    part = Part(shard, total: total, positions: places.map { positions[$0] })
  }

  public var isSweep: Bool { series.isSweep }
}
