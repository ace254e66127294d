import SansIO

/// ITU-T G.711 read from outside: what an octet stands for, by the formulas of the recommendation, and by no codec of the stack.
public enum CompandingLaw: String, Hashable, Sendable, CaseIterable {
  case mu = "mu-law"
  case a = "A-law"
  /// Mu-law without the inversion of its bits, as some have sent it.
  case muNotInverted = "mu-law without the inversion of its bits"

  /// The value in 16 bits: Table 2 (mu-law, 14 bits) and Table 1 (A-law, 13 bits), each scaled up.
  public func value(_ octet: UInt8) -> Int {
    switch self {
    case .mu: Self.mu(~octet)
    case .muNotInverted: Self.mu(octet)
    case .a: Self.a(octet ^ 0x55)
    }
  }

  private static func mu(_ code: UInt8) -> Int {
    let magnitude = (Int(code & 15) * 2 + 33) << Int(code >> 4 & 7) - 33
    return (code & 0x80 != 0 ? -magnitude : magnitude) * 4
  }

  private static func a(_ code: UInt8) -> Int {
    let (segment, step) = (Int(code >> 4 & 7), Int(code & 15) * 2)
    let magnitude = segment == 0 ? step + 1 : (step + 33) << (segment - 1)
    return (code & 0x80 != 0 ? magnitude : -magnitude) * 8
  }

  init?(encoding: String) {
    switch encoding.uppercased() {
    case "PCMU": self = .mu
    case "PCMA": self = .a
    default: return nil
    }
  }

  /// Of an octet each.
  static let tables: [[Float]] = allCases.map { law in (0...255).map { Float(law.value(UInt8($0))) } }
  /// In ``tables``, which are in the order of the cases.
  var place: Int {
    switch self {
    case .mu: 0
    case .a: 1
    case .muNotInverted: 2
    }
  }

  /// The level of a full sine is 3.17 dBm0 for mu-law and 3.14 for A-law (ITU-T G.711 §4).
  var overload: Double { self == .a ? 3.14 : 3.17 }
}

/// What a stream of G.711 sounds like, by a part of its packets: how loud, how much silence, which tone, and whether another law than the
/// one that was agreed makes a smoother sound of it.
///
/// Ten milliseconds are read of every fourth of the first 32 packets and then of every 64th, so that it costs next to nothing.
public struct AudioLevel {
  public let law: CompandingLaw
  /// Packets that were read, and those of them below -50 dBm0.
  public private(set) var packets = 0
  public private(set) var silent = 0
  /// Of the packets that are not silent.
  public private(set) var loud = StreamClock.Tally()
  private var power = 0.0
  private var crossings = 0
  /// Of each law: how much the sound bends from sample to sample, and how loud it is.
  private var bends = SIMD4<Double>.zero
  private var powers = SIMD4<Double>.zero
  private static let octets = 80

  init(_ law: CompandingLaw) { self.law = law }

  /// Whether the packet of this number is read.
  static func isRead(_ number: Int) -> Bool { number & 63 == 0 || number < 32 && number & 3 == 0 }

  /// A sine of full scale, squared.
  private static let full = 32_636.0 * 32_636 / 2

  /// Over the packets that are not silent; nil where none is.
  public var decibels: Double? { loud.count > 0 ? decibels(power / Double(loud.count * Self.octets)) : nil }
  /// Against the overload point (RFC 6464 §3).
  public var overloadDecibels: Double? { decibels.map { $0 - law.overload - 3.01 } }
  /// Hertz, by how often the sound changes its sign.
  public var tone: Int? {
    crossings > 0 ? Int((Double(crossings) * 4_000 / Double(loud.count * (Self.octets - 2))).rounded()) : nil
  }

  /// Packets below -50 dBm0, of a hundred.
  public var silence: Int { packets > 0 ? silent * 100 / packets : 0 }

  private func decibels(_ mean: Double) -> Double { 10 * Self.logarithm(max(mean / Self.full, 1e-12)) + law.overload }

  /// To base 10: of the exponent, and of what is left by the series of the inverse hyperbolic tangent.
  private static func logarithm(_ value: Double) -> Double {
    let ratio = (value.significand - 1) / (value.significand + 1)
    var (term, sum) = (ratio, 0.0)
    for power in stride(from: 1.0, through: 15, by: 2) {
      sum += term / power
      term *= ratio * ratio
    }
    return (Double(value.exponent) * 0.693147180559945 + 2 * sum) / 2.302585092994046
  }

  /// The law by which the same octets are a sound that bends far less than by the one agreed; nil where the one agreed is as good.
  public var fittingLaw: CompandingLaw? {
    guard loud.count >= 4 else { return nil }
    func roughness(_ law: CompandingLaw) -> Double { bends[law.place] / max(powers[law.place], 1) }
    let own = roughness(law)
    let other = CompandingLaw.allCases.filter { $0 != law }.min { roughness($0) < roughness($1) }
    guard let other, roughness(other) < 0.5, roughness(other) * 4 < own else { return nil }
    return other
  }

  mutating func take(_ payload: Bytes, _ stamp: FrameStamp) {
    guard payload.count >= Self.octets else { return }
    packets += 1
    payload.withUnsafeBytes { octets in
      let part = UnsafeRawBufferPointer(rebasing: octets.prefix(Self.octets))
      let own = Self.measure(part, CompandingLaw.tables[law.place])
      guard decibels(own.power / Double(Self.octets)) > -50 else { return silent += 1 }
      loud.add(stamp)
      power += own.power
      crossings += own.crossings
      // By then it is known whether another law fits.
      guard loud.count <= 16 else { return }
      for (place, table) in CompandingLaw.tables.enumerated() {
        let found = place == law.place ? own : Self.measure(part, table)
        bends[place] += found.bend
        powers[place] += found.power
      }
    }
  }

  /// Without what is constant.
  private static func measure(_ octets: UnsafeRawBufferPointer, _ table: [Float]) -> (bend: Double, power: Double, crossings: Int) {
    table.withUnsafeBufferPointer { table in
      var (sum, squares, bend): (Float, Float, Float) = (0, 0, 0)
      var (before, last) = (table[Int(octets[0])], table[Int(octets[1])])
      // What never changes is exactly silent.
      let base = before
      for octet in octets {
        let value = table[Int(octet)] - base
        sum += value
        squares += value * value
      }
      let mean = sum / Float(octets.count) + base
      var crossings = 0
      for octet in octets.dropFirst(2) {
        let value = table[Int(octet)]
        let change = value - 2 * last + before
        bend += change * change
        if (value > mean) != (last > mean) { crossings += 1 }
        (before, last) = (last, value)
      }
      return (Double(bend), Double(squares - sum * (mean - base)), crossings)
    }
  }
}
