import SansIO

/// How often each scenario of a run is run, and with which seeds.
public enum RunSeries: Hashable, Sendable {
  /// Once with each seed; both ends belong to it.
  case seeds(ClosedRange<UInt64>)
  /// So many times with one seed; a live run has none.
  case repeats(Int, seed: UInt64)

  public static func once(seed: UInt64) -> RunSeries { .seeds(seed...seed) }

  /// What its runs are counted by: seeds, or numbers from 1.
  public var numbers: ClosedRange<UInt64> {
    switch self {
    case .seeds(let range): range
    case .repeats(let count, _): 1...UInt64(max(1, count))
    }
  }

  /// Runs of each scenario.
  public var planned: Int {
    let steps = Int(clamping: numbers.upperBound - numbers.lowerBound)
    return steps == .max ? steps : steps + 1
  }

  public var isSweep: Bool { planned > 1 }

  /// What one of its numbers is called: `seed`, `run`.
  public var unit: String { if case .seeds = self { "seed" } else { "run" } }

  /// The smallest number that did not pass, for reports: `17 is the smallest`, `run 3 is the first`.
  public func ordinal(_ number: UInt64) -> String {
    if case .seeds = self { "\(number) is the smallest" } else { "run \(number) is the first" }
  }

  public var firstSeed: UInt64 { seed(of: numbers.lowerBound) }

  /// The seed of the run with this number.
  public func seed(of number: UInt64) -> UInt64 { if case .repeats(_, let seed) = self { seed } else { number } }

  /// For reports: `seeds 1..200`, `40 runs of seed 7`.
  public var text: String {
    switch self {
    case .seeds(let range) where range.lowerBound == range.upperBound: "seed \(range.lowerBound)"
    case .seeds(let range): "seeds \(range.lowerBound)..\(range.upperBound)"
    case .repeats(let count, let seed): "\(CountText.of(count, "run")) of seed \(seed)"
    }
  }
}
