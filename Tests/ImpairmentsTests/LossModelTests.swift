import SansIO
import Testing

@testable import Impairments

@Suite struct LossModelTests {
  private let count = 60_000

  private func passages(_ model: LossModel, seed: UInt64 = 1) -> [Passage] { Impairment(loss: model).passages(count, seed: seed) }

  @Test func `random loss has its rate, and its runs are as long as chance makes them`() {
    for seed in 1...3 as ClosedRange<UInt64> {
      let passages = passages(.random(.percent(5)), seed: seed)
      #expect(isNear(passages.lossRate, 0.05, within: 0.002))
      #expect(isNear(passages.meanRun, 1 / 0.95, within: 0.01))
      #expect(passages.allSatisfy { $0.first != nil || $0.cause == .random })
    }
  }

  @Test(arguments: [(Ratio.percent(3), 2.5), (.percent(4), 8), (.percent(20), 4), (.percent(10), 1)])
  func `bursts have their rate and their mean length (Gilbert)`(rate: Ratio, length: Double) throws {
    let model = try #require(GilbertElliott(rate: rate, length: length))
    let share = Double(rate.numerator) / Double(rate.denominator)
    for seed in 1...3 as ClosedRange<UInt64> {
      let passages = passages(.gilbertElliott(model), seed: seed)
      // A run of L packets has a variance of L(L−1), which makes the rate that much less exact.
      #expect(isNear(passages.lossRate, share, within: 4 * share * (2 * length / (Double(count) * share)).squareRoot() + 0.002))
      let own = (length * (length - 1) / Double(passages.runs.count)).squareRoot()
      #expect(isNear(passages.meanRun, length, within: 4 * own + 0.02))
      #expect(passages.allSatisfy { $0.first != nil || $0.cause == .burst })
    }
  }

  @Test func `the length of a burst is geometric (Gilbert)`() throws {
    let runs = passages(.gilbertElliott(try #require(GilbertElliott(rate: .percent(5), length: 2)))).runs
    for length in 1...4 {
      let share = Double(runs.count { $0 == length }) / Double(runs.count)
      #expect(isNear(share, Double(sign: .plus, exponent: -length, significand: 1), within: 0.02), "\(length)")
    }
  }

  @Test func `a rate that bursts of this length cannot reach is no model`() {
    #expect(GilbertElliott(rate: .percent(80), length: 2) == nil)
    #expect(GilbertElliott(rate: .percent(50), length: 1)?.toBad == 1)
    #expect(GilbertElliott(rate: .percent(5), length: 0.5) == nil)
    #expect(GilbertElliott(rate: .always, length: 5) == nil)
  }

  @Test func `each state loses its share, and says that it was this one (Elliott)`() {
    let model = GilbertElliott(toBad: 0.02, toGood: 0.1, lossInGood: 0.01, lossInBad: 0.6)
    let passages = passages(.gilbertElliott(model))
    let bad = 0.02 / 0.12
    #expect(isNear(passages.lossRate, bad * 0.6 + (1 - bad) * 0.01, within: 0.005))
    let random = Double(passages.count { $0.first == nil && $0.cause == .random }) / Double(count)
    #expect(isNear(random, (1 - bad) * 0.01, within: 0.001))
  }

  @Test func `four states have the stationary rate of their formula, and isolated losses beside bursts (Salsano et al.)`() {
    let states = FourStates(p13: 0.01, p31: 0.3, p32: 0.4, p23: 0.5, p14: 0.005)
    let (bursts, between) = (0.01 / 0.3, 0.01 / 0.3 * 0.4 / 0.5)
    let whole = 1 + bursts + between + 0.005
    for seed in 1...3 as ClosedRange<UInt64> {
      let passages = passages(.markov(states), seed: seed)
      #expect(isNear(passages.lossRate, (bursts + 0.005) / whole, within: 0.003))
      let alone = Double(passages.count { $0.first == nil && $0.cause == .random }) / Double(count)
      #expect(isNear(alone, 0.005 / whole, within: 0.001))
    }
  }

  @Test func `two of the four states are the Gilbert model`() {
    let passages = passages(.markov(FourStates(p13: 0.02, p31: 0.25)))
    #expect(isNear(passages.lossRate, 0.02 / 0.27, within: 0.005))
    #expect(isNear(passages.meanRun, 4, within: 0.2))
  }

  @Test func `a seed loses the same packets in every process and on every machine`() throws {
    let models: [LossModel] = [
      .random(.percent(20)), .gilbertElliott(try #require(GilbertElliott(rate: .percent(20), length: 2))),
      .markov(FourStates(p13: 0.2, p31: 0.3, p32: 0.4, p23: 0.5, p14: 0.05)),
    ]
    let patterns = models.map { model in
      Impairment(loss: model).passages(48, seed: 7).map { $0.first == nil ? "x" : "." }.joined()
    }
    #expect(patterns == LossModelTests.known)
  }

  private static let known = [
    "x.......x..xx....x....x......................x..", "xxxxx....xxxx........x...x.....xx...........x.xx",
    "x..xx....x.xx.x.x.xx.....x.x.xx...x.......x.x..x",
  ]
}
