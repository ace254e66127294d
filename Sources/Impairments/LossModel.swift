import SansIO

/// Which packets a link loses.
public enum LossModel: Hashable, Sendable {
  /// Each with the same chance, whatever happened to the others.
  case random(Ratio)
  /// Two states, of which one loses more.
  case gilbertElliott(GilbertElliott)
  /// Four states.
  case markov(FourStates)

  public static let none = LossModel.random(.never)
  public static let always = LossModel.random(.always)

  var isNone: Bool { self == .none }
}

/// Loss in bursts by two states (E. N. Gilbert, BSTJ 39, 1960; E. O. Elliott, BSTJ 42, 1963):
///
/// ```
///            toBad
///   ┌────┐ ────────► ┌─────┐
///   │good│           │ bad │     each packet moves, then is lost with the chance of the state
///   └────┘ ◄──────── └─────┘
///            toGood
/// ```
public struct GilbertElliott: Hashable, Sendable {
  /// Chances for each packet, 0…1.
  public var toBad: Double
  public var toGood: Double
  public var lossInGood: Double
  public var lossInBad: Double

  public init(toBad: Double, toGood: Double, lossInGood: Double = 0, lossInBad: Double = 1) {
    self.toBad = toBad
    self.toGood = toGood
    self.lossInGood = lossInGood
    self.lossInBad = lossInBad
  }

  /// A burst loses all its packets (Gilbert's simple model), so that the stationary rate is `toBad / (toBad + toGood)` and the mean
  /// length of a burst 1 / `toGood`.
  ///
  /// - Parameters:
  ///   - rate: of all packets.
  ///   - length: the mean number of packets lost in a row, from 1.
  /// - Returns: nil where bursts of this length cannot reach the rate: `rate / (1 − rate)` is the most, with one packet between them.
  public init?(rate: Ratio, length: Double) {
    let share = Double(rate.numerator) / Double(rate.denominator)
    guard length >= 1, share < 1, share <= length * (1 - share) else { return nil }
    self.init(toBad: share / (length * (1 - share)), toGood: 1 / length)
  }
}

/// Loss by four states, the model of netem's `loss state` (S. Salsano, F. Ludovici, A. Ordine, D. Giannuzzi, "Definition of a general and
/// intuitive loss model for packet networks and its implementation in the Netem module", 2012), with the same numbers:
///
/// ```
///   1 received in a gap ──p13──► 3 lost in a burst ──p32──► 2 received in a burst
///     │      ▲    ▲                │    ▲                      │
///    p14     │    └──────p31───────┘    └─────────p23──────────┘
///     ▼      │ always
///   4 lost alone
/// ```
/// The stationary rate is (p13/p31 + p14) / (1 + p13/p31·(1 + p32/p23) + p14).
public struct FourStates: Hashable, Sendable {
  /// Chances for each packet, 0…1.
  public var p13: Double
  public var p31: Double
  public var p32: Double
  public var p23: Double
  public var p14: Double

  public init(p13: Double, p31: Double, p32: Double = 0, p23: Double = 1, p14: Double = 0) {
    self.p13 = p13
    self.p31 = p31
    self.p32 = p32
    self.p23 = p23
    self.p14 = p14
  }
}

/// A chance in steps of 2⁻⁵³.
struct Chance {
  private let threshold: UInt64

  init(_ value: Double) { threshold = UInt64(min(max(value, 0), 1) * 9_007_199_254_740_992) }

  /// Whether a draw, of 53 bits, is below it, and where it is above, by how much.
  func rest(of draw: UInt64) -> UInt64? { draw < threshold ? nil : draw - threshold }
}

/// The loss of one link and where its states are.
struct LossState {
  private enum Kind {
    case random(Ratio)
    case twoStates(toBad: Chance, toGood: Chance, inGood: Chance, inBad: Chance)
    case fourStates(Chances)
  }

  private struct Chances {
    let (p13, p31, p32, p23, p14): (Chance, Chance, Chance, Chance, Chance)

    init(_ states: FourStates) {
      (p13, p31, p32) = (Chance(states.p13), Chance(states.p31), Chance(states.p32))
      (p23, p14) = (Chance(states.p23), Chance(states.p14))
    }
  }

  private enum State { case gap, receivedInBurst, burst, alone }

  private let kind: Kind
  private var state = State.gap

  init(_ model: LossModel) {
    switch model {
    case .random(let share): kind = .random(share)
    case .gilbertElliott(let model):
      kind = .twoStates(
        toBad: Chance(model.toBad), toGood: Chance(model.toGood), inGood: Chance(model.lossInGood), inBad: Chance(model.lossInBad))
    case .markov(let states): kind = .fourStates(Chances(states))
    }
  }

  /// Why the next packet is lost; nil = it is not.
  mutating func draw(_ generator: inout SeededGenerator) -> LossCause? {
    switch kind {
    case .random(let share): return share.hits(&generator) ? .random : nil
    case .twoStates(let toBad, let toGood, let inGood, let inBad):
      let move = (state == .gap ? toBad : toGood).rest(of: generator.next() >> 11) == nil
      if move { state = state == .gap ? .burst : .gap }
      let isBad = state == .burst
      guard (isBad ? inBad : inGood).rest(of: generator.next() >> 11) == nil else { return nil }
      return isBad ? .burst : .random
    case .fourStates(let chances):
      state = next(chances, generator.next() >> 11)
      switch state {
      case .gap, .receivedInBurst: return nil
      case .burst: return .burst
      case .alone: return .random
      }
    }
  }

  private func next(_ chances: Chances, _ draw: UInt64) -> State {
    switch state {
    case .gap:
      guard let rest = chances.p14.rest(of: draw) else { return .alone }
      return chances.p13.rest(of: rest) == nil ? .burst : .gap
    case .receivedInBurst: return chances.p23.rest(of: draw) == nil ? .burst : .receivedInBurst
    case .burst:
      guard let rest = chances.p32.rest(of: draw) else { return .receivedInBurst }
      return chances.p31.rest(of: rest) == nil ? .gap : .burst
    case .alone: return .gap
    }
  }
}
