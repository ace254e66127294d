import SansIO

@testable import Impairments

/// Moments of a sample, as the tests of models compare them.
struct Sample {
  let values: [Double]

  init(_ values: [Double]) { self.values = values }

  var mean: Double { values.reduce(0, +) / Double(values.count) }

  func moment(_ order: Int) -> Double {
    let mean = mean
    return values.reduce(0) { sum, value in sum + (0..<order).reduce(1.0) { power, _ in power * (value - mean) } } / Double(values.count)
  }

  var deviation: Double { moment(2).squareRoot() }
  var skewness: Double { moment(3) / (moment(2) * deviation) }
  var kurtosis: Double { moment(4) / (moment(2) * moment(2)) }

  /// The correlation of each value with the one so many before it.
  func correlation(_ lag: Int) -> Double {
    let mean = mean
    let products = zip(values, values.dropFirst(lag)).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - mean) }
    return products / Double(values.count) / moment(2)
  }

  func share(below limit: Double) -> Double { Double(values.count { $0 < limit }) / Double(values.count) }
}

extension Impairment {
  /// What becomes of packets of 200 octets, one every 20 ms.
  func passages(_ count: Int, seed: UInt64 = 1, octets: Int = 200, every interval: Int64 = 20_000_000) -> [Passage] {
    var link = ImpairedLink(self, generator: SeededGenerator(seed: seed))
    return (0..<count).map { link.pass(.datagram, octets: octets, at: Instant(nanoseconds: Int64($0) * interval)) }
  }

  /// Milliseconds of those that arrive.
  func delays(_ count: Int, seed: UInt64 = 1) -> Sample {
    Sample(passages(count, seed: seed).compactMap { $0.first.map { Double($0) / 1e6 } })
  }
}

extension [Passage] {
  var lossRate: Double { Double(count { $0.first == nil }) / Double(count) }

  /// How many packets were lost in a row, each time.
  var runs: [Int] {
    var (runs, run): ([Int], Int) = ([], 0)
    for passage in self {
      if passage.first == nil {
        run += 1
      } else if run > 0 {
        runs.append(run)
        run = 0
      }
    }
    return runs
  }

  var meanRun: Double { Double(runs.reduce(0, +)) / Double(runs.count) }
}

func isNear(_ value: Double, _ expected: Double, within tolerance: Double) -> Bool { abs(value - expected) <= tolerance }
