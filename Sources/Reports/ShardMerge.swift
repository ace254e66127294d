import SansIO
import ScenarioModel

/// Puts the reports of all shards of a run together.
public enum ShardMerge {
  /// Why reports are not the shards of one run, in one sentence.
  public struct Refusal: Error, Hashable, CustomStringConvertible {
    public var description: String
  }

  /// The run as one machine would have made it. Shards run beside each other, so it took as long as the longest of them.
  ///
  /// - Parameter reports: with the names of their files, at least one.
  public static func merge(_ reports: [(file: String, record: RunRecord)]) throws(Refusal) -> RunRecord {
    guard let first = reports.first else { throw Refusal(description: "no report to merge") }
    var parts: [(file: String, record: RunRecord, part: RunRecord.Part)] = []
    for (file, record) in reports {
      guard let part = record.part else {
        throw Refusal(description: "\(file) is the report of a whole run, expected one that run --shard made")
      }
      try compare(first, (file, record))
      if let twin = parts.first(where: { $0.part.shard == part.shard }) {
        throw Refusal(description: "\(file) is shard \(text(part.shard)), as \(twin.file) is: each may be given once")
      }
      parts.append((file, record, part))
    }
    let count = parts[0].part.shard.count
    let missing = (1...count).filter { index in !parts.contains { $0.part.shard.index == index } }
    guard missing.isEmpty else {
      let names = missing.map { "\($0)/\(count)" }.joined(separator: ", ")
      throw Refusal(description: "\(missing.count == 1 ? "shard \(names) is" : "the shards \(names) are") missing")
    }
    return whole(parts.map { ($0.record, $0.part) }, first.record)
  }

  /// What makes two reports parts of one run.
  private static func compare(_ first: (file: String, record: RunRecord), _ other: (file: String, record: RunRecord)) throws(Refusal) {
    func demand(_ what: String, _ value: (RunRecord) -> String) throws(Refusal) {
      let (left, right) = (value(first.record), value(other.record))
      guard left == right else {
        throw Refusal(description: "\(other.file) has \(what) \(right), \(first.file) \(left): they are not shards of one run")
      }
    }
    try demand(first.record.isSweep || other.record.isSweep ? "seeds" : "seed") { record in
      switch record.series {
      case .seeds(let range) where range.count > 1: "\(range.lowerBound)..\(range.upperBound)"
      case .seeds(let range): "\(range.lowerBound)"
      case .repeats(let count, let seed): "\(seed), \(CountText.of(count, "time"))"
      }
    }
    try demand("version", \.origin.version)
    try demand("commit") { $0.origin.commit ?? "none" }
    try demand("the number of shards") { $0.part.map { "\($0.shard.count)" } ?? "none" }
    try demand("the scenario set", \.origin.scenarioSet)
    try demand("the number of scenarios") { $0.part.map { "\($0.total)" } ?? "none" }
  }

  private static func whole(_ parts: [(record: RunRecord, part: RunRecord.Part)], _ first: RunRecord) -> RunRecord {
    let placed = parts.flatMap { zip($0.part.positions, $0.record.results) }.sorted { $0.0 < $1.0 }
    var record = RunRecord(placed.map(\.1), selected: parts[0].part.total, series: first.series)
    record.origin = first.origin
    record.elapsed = parts.map(\.record.elapsed).max() ?? .zero
    let endings = parts.map(\.record.ending)
    record.ending = endings.contains(.interrupted) ? .interrupted : endings.contains(.firstFailure) ? .firstFailure : .complete
    return record
  }

  private static func text(_ shard: Shard) -> String { "\(shard.index)/\(shard.count)" }
}
