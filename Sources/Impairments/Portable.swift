/// Functions of real numbers that give the same bits on every machine: only additions, multiplications, divisions and square roots are
/// used, which IEEE 754 §5.4.1 rounds in one way, and never the platform's mathematical library.
enum Portable {
  private static let ln2 = 0.693_147_180_559_945_3
  static let pi = 3.141_592_653_589_793

  /// The natural logarithm of a number above 0: that of its significand by the series of artanh.
  static func logarithm(_ value: Double) -> Double {
    var (exponent, significand) = (Double(value.exponent), value.significand)
    if significand > 1.414_213_562_373_095 { (exponent, significand) = (exponent + 1, significand / 2) }
    let ratio = (significand - 1) / (significand + 1)
    let square = ratio * ratio
    var (power, sum) = (ratio, 0.0)
    for odd in stride(from: 1.0, through: 21, by: 2) {
      sum += power / odd
      power *= square
    }
    return 2 * sum + exponent * ln2
  }

  /// e to the power of a number from −700 to 700.
  static func exponential(_ value: Double) -> Double {
    let whole = (value / ln2).rounded()
    let rest = value - whole * ln2
    var (term, sum) = (1.0, 1.0)
    for step in 1...16 {
      term *= rest / Double(step)
      sum += term
    }
    return Double(sign: .plus, exponent: Int(whole), significand: sum)
  }

  /// The sine of an angle from 0 to π/2.
  static func sine(_ angle: Double) -> Double {
    var (term, sum) = (angle, angle)
    for step in 1...10 {
      let even = Double(2 * step)
      term *= -angle * angle / (even * (even + 1))
      sum += term
    }
    return sum
  }

  /// The share of a standard normal distribution below a value: Φ by Marsaglia's series (Journal of Statistical Software 11(4), 2004).
  static func normalShare(_ value: Double) -> Double {
    guard abs(value) < 8 else { return value < 0 ? 0 : 1 }
    var (term, sum, odd) = (value, value, 1.0)
    while abs(term) > 1e-17 {
      odd += 2
      term *= value * value / odd
      sum += term
    }
    return 0.5 + sum * exponential(-value * value / 2 - 0.918_938_533_204_672_8)
  }

  /// A draw of the standard normal distribution: Marsaglia's polar method.
  static func normal(_ generator: inout some RandomNumberGenerator) -> Double {
    while true {
      let (first, second) = (2 * unit(&generator) - 1, 2 * unit(&generator) - 1)
      let square = first * first + second * second
      guard square > 0, square < 1 else { continue }
      return first * (-2 * logarithm(square) / square).squareRoot()
    }
  }

  /// An even draw from 0 up to, not including, 1: a multiple of 2⁻⁵³.
  static func unit(_ generator: inout some RandomNumberGenerator) -> Double {
    Double(generator.next() >> 11) / 9_007_199_254_740_992
  }
}
