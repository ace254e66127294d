import SansIO
import ScenarioModel
import Testing

@Suite struct SeedSweepTests {
  private func result(_ seed: UInt64, _ verdict: Verdict) -> ScenarioResult {
    ScenarioResult(
      name: "a/b", file: "a/b.yaml", summary: "", proves: [], seed: seed, verdict: verdict, duration: .seconds(1),
      elapsed: .milliseconds(2),
      packets: 3)
  }

  @Test func `of results in any order the smallest seed with the worst verdict is shown, with the times of all`() throws {
    var tally = ScenarioTally(.seeds(1...5))
    for (seed, verdict) in [(4, Verdict.failed), (1, .couldNotRun), (2, .passed), (3, .failed), (5, .notApplicable)] {
      #expect(!tally.isComplete)
      tally.add(result(UInt64(seed), verdict), UInt64(seed))
    }
    #expect(tally.isComplete)
    let whole = try #require(tally.result)
    #expect(whole.seed == 3 && whole.verdict == .failed)
    #expect(whole.duration == .seconds(5) && whole.elapsed == .milliseconds(10) && whole.packets == 15)
    #expect(whole.sweep?.failing == [1, 3, 4] && whole.sweep?.passed == 2 && whole.sweep?.ran == 5)
  }

  @Test func `only the smallest failing seeds are kept, however many there are`() {
    var sweep = SeedSweep(.seeds(1...1_000))
    for seed: UInt64 in (1...1_000).reversed() { sweep.count(seed, .failed) }
    #expect(sweep.failing == Array(1...20) && sweep.ran == 1_000 && sweep.passed == 0)
  }

  @Test func `with one seed the result is that of the run, and a scenario that never ran has none`() {
    var tally = ScenarioTally(.once(seed: 7))
    #expect(tally.result == nil)
    tally.add(result(7, .passed), 7)
    #expect(tally.isComplete && tally.result?.sweep == nil && tally.result?.packets == 3)
  }

  @Test func `runs of one seed are told apart by their number`() throws {
    let series = RunSeries.repeats(4, seed: 7)
    #expect(series.planned == 4 && series.numbers == 1...4 && series.numbers.allSatisfy { series.seed(of: $0) == 7 })
    var tally = ScenarioTally(series)
    for (number, verdict) in [(3, Verdict.void), (1, .passed), (4, .failed), (2, .failed)] {
      tally.add(result(7, verdict), UInt64(number))
    }
    let whole = try #require(tally.result)
    #expect(whole.seed == 7 && whole.verdict == .failed && whole.sweep?.failing == [2, 3, 4] && whole.sweep?.passed == 1)
    #expect(RunSeries.repeats(1, seed: 7).isSweep == false && RunSeries.seeds(5...5).isSweep == false)
  }
}
