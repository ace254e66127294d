import Foundation
import SansIO
import ScenarioModel
import Testing

@testable import Reports

@Suite struct ShardTests {
  private let keys = (1...103).map { ["folder/\($0 * 7 % 103)", "f.yaml"] }

  @Test func `every scenario is in one shard, and none has more than one more than another`() throws {
    for count in [1, 2, 3, 7, 103, 200] {
      let shards = try (1...count).map { try #require(Shard(index: $0, of: count)).positions(of: keys) }
      #expect(shards.flatMap(\.self).sorted() == Array(keys.indices))
      let sizes = shards.map(\.count)
      #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
      #expect(shards.allSatisfy { $0 == $0.sorted() })
    }
  }

  @Test func `in which order files are named does not matter`() throws {
    let shard = try #require(Shard(index: 2, of: 5))
    let turned = Array(keys.reversed())
    #expect(Set(shard.positions(of: keys).map { keys[$0] }) == Set(shard.positions(of: turned).map { turned[$0] }))
  }

  @Test func `of equal names each is in one shard too`() throws {
    let twins = [["a", "a.yaml"], ["a", "a.yaml"], ["a", "a.yaml"]]
    let shards = try (1...2).map { try #require(Shard(index: $0, of: 2)).positions(of: twins) }
    #expect(shards.flatMap(\.self).sorted() == [0, 1, 2])
  }

  @Test(arguments: [(0, 4), (5, 4), (-1, 4), (1, 0), (1, -1)]) func `a part that there is not is none`(index: Int, count: Int) {
    #expect(Shard(index: index, of: count) == nil)
  }
}

/// A run of five scenarios with all verdicts, whole and in parts.
@Suite struct ShardMergeTests {
  private static func result(_ index: Int) -> ScenarioResult {
    let verdicts: [Verdict] = [.passed, .failed, .couldNotRun, .notApplicable, .void]
    var result = ScenarioResult(
      name: "a/\(index)", file: "a/\(index).yaml", summary: "\"\(index)\"\n", proves: ["RFC 3261 §13"], seed: 7,
      verdict: verdicts[index % 5],
      reason: index % 5 == 2 ? "no peer" : nil, duration: .milliseconds(index), elapsed: .microseconds(index), hosts: ["kallglot", "a#b"],
      packets: index, folder: "out/a/\(index)")
    if result.verdict == .failed {
      var finding = Finding(rule: "r", expected: "x", observed: "y\u{1}", evidence: FrameCitation(HostID(1), 5))
      finding.step = "expect"
      finding.at = Instant(nanoseconds: 12)
      finding.place = SourcePlace(file: "a/_t.yaml", line: 4)
      finding.count = 3
      finding.exhibit = Exhibit(FrameCitation(HostID(1), 5), at: Instant(nanoseconds: 9), .received, "403 Forbidden to INVITE")
      result.captures = ["out/a/k.pcapng", "out/a/b.pcapng"]
      result.inspected = ["kallglot: error #5 200 to INVITE has no ACK (RFC 3261 §13.2.2.4)"]
      result.findings = [finding, Finding(rule: "s", expected: "x", observed: "y", evidence: nil)]
      result.findings[1].place = SourcePlace(file: result.file, line: 1)
    }
    return result
  }

  private static func whole(_ count: Int = 5) -> RunRecord {
    var record = RunRecord((0..<count).map(result), series: .once(seed: 7), elapsed: .seconds(3))
    record.origin = .init(version: "1", commit: "c0ffee", scenarioSet: "s")
    return record
  }

  /// The run's part, as its machine would have reported it.
  private static func part(_ index: Int, of count: Int, _ change: (inout RunRecord) -> Void = { _ in }) throws -> RunRecord {
    let whole = whole()
    let shard = try #require(Shard(index: index, of: count))
    let positions = shard.positions(of: whole.results.map { [$0.name, $0.file] })
    var record = RunRecord(positions.map { whole.results[$0] }, series: whole.series, elapsed: .seconds(index))
    record.origin = whole.origin
    record.setPart(shard, total: whole.results.count, positions)
    change(&record)
    return record
  }

  private func reread(_ record: RunRecord) throws -> RunRecord {
    try JSONDecoder().decode(JSONResults.self, from: Data(JSONReport.document(record).utf8)).record
  }

  @Test(arguments: 1...6) func `the parts of a run, written as JSON and read back, give the reports of the whole`(count: Int) throws {
    let parts = try (1...count).reversed().map { (file: "\($0).json", record: try reread(try Self.part($0, of: count))) }
    var merged = try ShardMerge.merge(parts)
    #expect(merged.elapsed == .seconds(count))
    merged.elapsed = Self.whole().elapsed
    #expect(JSONReport.document(merged) == JSONReport.document(Self.whole()))
    #expect(JUnitReport.document(merged) == JUnitReport.document(Self.whole()))
    #expect(RunOutcome(merged) == .failed)
  }

  @Test func `a sweep is read back with all that is known of its seeds`() throws {
    var tally = ScenarioTally(.seeds(1...40))
    for seed: UInt64 in 1...40 {
      var one = Self.result(seed.isMultiple(of: 3) ? 1 : 0)
      (one.name, one.file, one.seed) = ("a/x", "a/x.yaml", seed)
      tally.add(one, seed)
    }
    var record = RunRecord([try #require(tally.result)], series: .seeds(1...40))
    record.origin = .init(version: "1", scenarioSet: "s")
    let again = try reread(record)
    #expect(JSONReport.document(again) == JSONReport.document(record))
    #expect(again.results[0].sweep == record.results[0].sweep)
  }

  @Test func `a run that was repeated is read back as one`() throws {
    var tally = ScenarioTally(.repeats(3, seed: 9))
    for number: UInt64 in 1...3 { tally.add(Self.result(number == 2 ? 1 : 0), number) }
    let again = try reread(RunRecord([try #require(tally.result)], series: .repeats(3, seed: 9)))
    #expect(again.series == .repeats(3, seed: 9) && again.results[0].sweep == tally.result?.sweep)
    #expect(again.results[0].sweep?.failing == [2])
    #expect(TextReport.lines(again.results[0])[0].hasSuffix("2 of 3 runs pass, run 2 is the first that does not"))
  }

  @Test func `an interruption and a first failure are those of the whole, and the exit code with them`() throws {
    func merged(_ endings: [RunRecord.Ending]) throws -> RunRecord {
      try ShardMerge.merge(
        endings.enumerated().map { index, ending in ("\(index)", try Self.part(index + 1, of: endings.count) { $0.ending = ending }) })
    }
    #expect(try merged([.complete, .firstFailure]).ending == .firstFailure)
    #expect(RunOutcome(try merged([.firstFailure, .interrupted, .complete])) == .interrupted)
  }

  @Test(arguments: [
    ("seed", "b.json has seed 8, a.json 7: they are not shards of one run"),
    ("commit", "b.json has commit bad, a.json c0ffee: they are not shards of one run"),
    ("version", "b.json has version 2, a.json 1: they are not shards of one run"),
    ("set", "b.json has the scenario set t, a.json s: they are not shards of one run"),
    ("seeds", "b.json has seeds 7..8, a.json 7: they are not shards of one run"),
    ("repeats", "b.json has seeds 7, 3 times, a.json 7: they are not shards of one run"),
    ("count", "b.json has the number of shards 3, a.json 2: they are not shards of one run"),
    ("twin", "b.json is shard 1/2, as a.json is: each may be given once"),
    ("whole", "b.json is the report of a whole run, expected one that run --shard made"),
  ])
  func `reports that are not the shards of one run are refused in one sentence`(change: String, sentence: String) throws {
    let first = try Self.part(1, of: 2)
    let second = try Self.part(change == "twin" ? 1 : 2, of: change == "count" ? 3 : 2) { record in
      switch change {
      case "seed": record.series = .once(seed: 8)
      case "repeats": record.series = .repeats(3, seed: 7)
      case "seeds": record.series = .seeds(7...8)
      case "commit": record.origin.commit = "bad"
      case "version": record.origin.version = "2"
      case "set": record.origin.scenarioSet = "t"
      case "whole": record.part = nil
      default: break
      }
    }
    #expect(throws: ShardMerge.Refusal(description: sentence)) { try ShardMerge.merge([("a.json", first), ("b.json", second)]) }
  }

  @Test func `what is missing is named`() throws {
    let parts = try [1, 4].map { ("\($0).json", try Self.part($0, of: 4)) }
    #expect(throws: ShardMerge.Refusal(description: "the shards 2/4, 3/4 are missing")) { try ShardMerge.merge(parts) }
    #expect(throws: ShardMerge.Refusal(description: "shard 2/2 is missing")) { try ShardMerge.merge([("a", try Self.part(1, of: 2))]) }
  }

  @Test(arguments: [
    ("\"version\": 1,", "\"version\": 2,"), ("\"packets\": 1,", "\"packets\": -1,"),
    ("\"packets\": 1,", "\"packets\": 9223372036854775807,"),
    ("\"seed\": \"7\"", "\"seed\": \"-7\""), ("\"selected\": 2", "\"selected\": 9223372036854775807"),
    ("{\"index\": 2,", "{\"index\": 3,"), ("\"positions\": [1, ", "\"positions\": [5, "), ("\"positions\": [1, 3]", "\"positions\": [1]"),
    ("{\"first\": \"7\", \"last\": \"7\"}", "{\"first\": \"0\", \"last\": \"18446744073709551615\"}"),
    ("{\"first\": \"7\", \"last\": \"7\"}", "{\"first\": \"8\", \"last\": \"7\"}"), ("\"verdict\": \"failed\"", "\"verdict\": \"maybe\""),
  ])
  func `a report with a value that run never writes is an error and nothing worse`(old: String, new: String) throws {
    let text = JSONReport.document(try Self.part(2, of: 2))
    #expect(text.contains(old))
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(JSONResults.self, from: Data(text.replacingOccurrences(of: old, with: new).utf8))
    }
  }
}
