import SansIO
import Testing

@testable import Impairments

@Suite struct JitterTests {
  private let count = 30_000
  private static let correlations: [Ratio] = [.never, .percent(25), .percent(70), .percent(95)]

  private func sample(_ distribution: Jitter.Distribution, _ correlation: Ratio, seed: UInt64 = 1) -> Sample {
    Impairment(delay: .milliseconds(100), jitter: Jitter(distribution, correlation: correlation)).delays(count, seed: seed)
  }

  /// How far the mean of a correlated sample may be off, in standard deviations of one value: four of its own.
  private func tolerance(_ correlation: Double) -> Double {
    4 * ((1 + correlation) / (1 - correlation) / Double(count)).squareRoot()
  }

  /// The correlation with the packet before is as given, and that with the one before decays as of a process of first order.
  private func expectCorrelation(_ sample: Sample, _ ratio: Ratio, squares: Bool) {
    let correlation = Double(ratio.numerator) / Double(ratio.denominator)
    #expect(isNear(sample.correlation(1), correlation, within: 0.02))
    if squares { #expect(isNear(sample.correlation(2), correlation * correlation, within: 0.025)) }
  }

  @Test(arguments: correlations)
  func `uniform jitter is even from 0 to its most, whatever the correlation`(correlation: Ratio) {
    let sample = sample(.uniform(.milliseconds(20)), correlation)
    let own = tolerance(Double(correlation.numerator) / Double(correlation.denominator))
    #expect(isNear(sample.mean, 110, within: 5.77 * own))
    #expect(isNear(sample.deviation, 20 / 12.0.squareRoot(), within: 5.77 * own))
    for quarter in 1...3 { #expect(isNear(sample.share(below: 100 + 5 * Double(quarter)), Double(quarter) / 4, within: own)) }
    #expect(sample.values.allSatisfy { (100...120).contains($0) })
    expectCorrelation(sample, correlation, squares: correlation != .percent(95))
  }

  @Test(arguments: correlations)
  func `normal jitter has its deviation, no skew and a kurtosis of 3, whatever the correlation`(correlation: Ratio) {
    let sample = sample(.normal(.milliseconds(5)), correlation)
    let own = tolerance(Double(correlation.numerator) / Double(correlation.denominator))
    #expect(isNear(sample.mean, 100, within: 5 * own))
    #expect(isNear(sample.deviation, 5, within: 5 * own))
    #expect(isNear(sample.skewness, 0, within: 3 * own))
    #expect(isNear(sample.kurtosis, 3, within: 6 * own))
    #expect(isNear(sample.share(below: 105), 0.841_345, within: own))
    #expect(isNear(sample.share(below: 90), 0.022_750, within: own))
    expectCorrelation(sample, correlation, squares: true)
  }

  @Test(arguments: correlations, [1, 3])
  func `gamma jitter has its mean and the tail of its shape, whatever the correlation`(correlation: Ratio, shape: Int) {
    let sample = sample(.gamma(mean: .milliseconds(10), shape: shape), correlation)
    let deviation = 10 / Double(shape).squareRoot()
    let own = tolerance(Double(correlation.numerator) / Double(correlation.denominator))
    #expect(isNear(sample.mean, 110, within: deviation * own))
    #expect(isNear(sample.deviation, deviation, within: 2 * deviation * own))
    #expect(isNear(sample.skewness, 2 / Double(shape).squareRoot(), within: 8 * own))
    #expect(sample.values.allSatisfy { $0 >= 100 })
    expectCorrelation(sample, correlation, squares: true)
  }

  @Test func `gamma of shape 1 is exponential`() {
    let sample = sample(.gamma(mean: .milliseconds(10), shape: 1), .never)
    #expect(isNear(sample.share(below: 110), 0.632_121, within: 0.005))
    #expect(isNear(sample.share(below: 130), 0.950_213, within: 0.003))
  }

  @Test(arguments: correlations)
  func `fixed jitter adds all of it to half of the packets, whatever the correlation`(correlation: Ratio) {
    let sample = sample(.fixed(.milliseconds(40)), correlation)
    let own = tolerance(Double(correlation.numerator) / Double(correlation.denominator))
    #expect(sample.values.allSatisfy { $0 == 100 || $0 == 140 })
    #expect(isNear(sample.share(below: 120), 0.5, within: own))
    expectCorrelation(sample, correlation, squares: false)
  }

  @Test func `no packet arrives before it left`() {
    let link = Impairment(delay: .milliseconds(1), jitter: Jitter(.normal(.milliseconds(50))))
    let delays = link.delays(10_000)
    #expect(delays.values.allSatisfy { $0 >= 0 })
    #expect(isNear(delays.share(below: 0.000_001), 0.492, within: 0.02))
  }

  @Test func `jitter makes packets overtake each other, unless it keeps their order`() {
    func overtaken(_ keepsOrder: Bool) -> Int {
      let link = Impairment(delay: .milliseconds(50), jitter: Jitter(.uniform(.milliseconds(80)), keepsOrder: keepsOrder))
      let arrivals = link.passages(2_000).enumerated().map { Int64($0) * 20_000_000 + ($1.first ?? 0) }
      return zip(arrivals, arrivals.dropFirst()).count { $0 > $1 }
    }
    #expect(overtaken(false) > 400)
    #expect(overtaken(true) == 0)
  }

  @Test func `a seed draws the same delays in every process and on every machine, to the nanosecond`() {
    let distributions: [Jitter.Distribution] = [
      .fixed(.milliseconds(9)), .uniform(.milliseconds(9)), .normal(.milliseconds(9)), .gamma(mean: .milliseconds(9), shape: 2),
    ]
    let drawn = distributions.map { distribution in
      Impairment(delay: .milliseconds(50), jitter: Jitter(distribution, correlation: .percent(30))).passages(100, seed: 7).suffix(3)
        .compactMap(\.first)
    }
    #expect(drawn == JitterTests.known)
  }

  private static let known: [[Int64]] = [
    [50_000_000, 59_000_000, 50_000_000], [51_732_380, 57_332_791, 53_015_288], [42_181_131, 58_206_455, 46_077_950],
    [59_292_759, 58_812_959, 58_283_384],
  ]

  @Test func `the functions are the mathematical ones`() {
    for (value, logarithm) in [(0.5, -0.693_147_180_559_945_3), (10, 2.302_585_092_994_046), (1e-9, -20.723_265_836_946_41), (1, 0)] {
      #expect(isNear(Portable.logarithm(value), logarithm, within: 1e-14 * max(1, abs(logarithm))))
    }
    for (value, exponential) in [(1.0, 2.718_281_828_459_045), (-10, 4.539_992_976_248_485e-5), (0, 1)] {
      #expect(isNear(Portable.exponential(value), exponential, within: 1e-14 * exponential))
    }
    for (angle, sine) in [(0.5, 0.479_425_538_604_203), (1.570_796_326_794_896_6, 1.0), (0, 0)] {
      #expect(isNear(Portable.sine(angle), sine, within: 1e-14))
    }
    for (value, share) in [(0.0, 0.5), (1, 0.841_344_746_068_543), (-2, 0.022_750_131_948_179), (4, 0.999_968_328_758_167)] {
      #expect(isNear(Portable.normalShare(value), share, within: 1e-14))
    }
  }
}
