import SansIO

/// What is added to a link's delay, drawn for each packet.
public struct Jitter: Hashable, Sendable {
  public enum Distribution: Hashable, Sendable {
    case none
    /// Half of the packets take so much longer, exactly.
    case fixed(Duration)
    /// Anything from 0 to this.
    case uniform(Duration)
    /// About the delay, with this standard deviation. No packet arrives before it left: what would is cut there.
    case normal(Duration)
    /// With this mean and a whole shape (Erlang): the smaller the shape, the longer the tail. 1 is exponential.
    case gamma(mean: Duration, shape: Int)
  }

  public var distribution: Distribution
  /// The correlation of each packet's jitter with that of the packet before it, 0…1.
  ///
  /// The jitter is a function of autoregressive processes of first order, `z(n) = r·z(n−1) + √(1−r²)·ε(n)` with normal ε. The
  /// distribution therefore stays as it is, unlike with a weighted mean of two draws, and r is such that the *jitter* has this
  /// correlation: ρ (normal), √ρ (gamma), 2·sin(πρ/6) (uniform), sin(πρ/2) (fixed).
  public var correlation: Ratio
  /// A packet that would overtake another one arrives at the same time, behind it.
  public var keepsOrder: Bool

  public static let none = Jitter(.none)
  public static func uniform(_ most: Duration) -> Jitter { Jitter(.uniform(most)) }

  public init(_ distribution: Distribution, correlation: Ratio = .never, keepsOrder: Bool = false) {
    self.distribution = distribution
    self.correlation = correlation
    self.keepsOrder = keepsOrder
  }

  var isNone: Bool {
    switch distribution {
    case .none: true
    case .fixed(let extent), .uniform(let extent), .normal(let extent), .gamma(mean: let extent, _): extent <= .zero
    }
  }
}

/// The jitter of one link: its values in nanoseconds and where its processes are.
struct JitterState {
  private enum Kind {
    case none
    case uniform(Int64)
    /// The others, and uniform with correlation: by the processes.
    case fixed(Double)
    case even(Double)
    case normal(Double)
    case gamma(Double)
  }

  private let kind: Kind
  /// The coefficient of the processes, and what the new draw weighs.
  private let (memory, novelty): (Double, Double)
  /// Where they are; empty before the first packet.
  private var processes: [Double] = []
  private let processCount: Int

  init(_ jitter: Jitter) {
    let correlation = Double(jitter.correlation.numerator) / Double(jitter.correlation.denominator)
    var (memory, count) = (correlation, 1)
    switch jitter.isNone ? .none : jitter.distribution {
    case .none: kind = .none
    case .fixed(let extra): (kind, memory) = (.fixed(extra.real), Portable.sine(Portable.pi * correlation / 2))
    case .uniform(let most) where jitter.correlation.numerator == 0: kind = .uniform(most.bounded)
    case .uniform(let most): (kind, memory) = (.even(most.real), 2 * Portable.sine(Portable.pi * correlation / 6))
    case .normal(let deviation): kind = .normal(deviation.real)
    case .gamma(let mean, let shape):
      // Half the square of a normal draw is gamma of shape 1/2, and shapes add.
      (kind, memory, count) = (.gamma(mean.real / Double(2 * max(1, shape))), correlation.squareRoot(), 2 * max(1, shape))
    }
    (self.memory, processCount) = (memory, count)
    novelty = max(0, 1 - memory * memory).squareRoot()
  }

  var isNone: Bool { if case .none = kind { true } else { false } }

  /// Nanoseconds to be added, which may be below 0.
  mutating func draw(_ generator: inout SeededGenerator) -> Int64 {
    switch kind {
    case .none: return 0
    case .uniform(let most): return Int64.random(in: 0...most, using: &generator)
    case .fixed, .even, .normal, .gamma: break
    }
    step(&generator)
    let first = processes[0]
    switch kind {
    case .none, .uniform: return 0
    case .fixed(let extra): return first < 0 ? 0 : Int64(extra)
    case .even(let most): return Int64((most * Portable.normalShare(first)).rounded())
    case .normal(let deviation): return Int64((deviation * first).rounded())
    case .gamma(let unit): return Int64((unit * processes.reduce(0) { $0 + $1 * $1 }).rounded())
    }
  }

  private mutating func step(_ generator: inout SeededGenerator) {
    guard !processes.isEmpty else {
      for _ in 0..<processCount { processes.append(Portable.normal(&generator)) }
      return
    }
    for index in processes.indices {
      processes[index] = memory * processes[index] + (novelty == 0 ? 0 : novelty * Portable.normal(&generator))
    }
  }
}

extension Duration {
  fileprivate var real: Double { Double(bounded) }
}
