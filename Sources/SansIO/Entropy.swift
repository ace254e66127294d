/// Random numbers that a driver draws from the system, for hosts that need some with every message. Any thread.
public protocol RandomSource: AnyObject, Sendable {
  /// A number that nobody else is given.
  func next() -> UInt64
}

/// Where a host's randomness comes from: a seed in virtual runs, the system in live ones.
///
/// A host is handed one of these and forks it for each use, so that adding a draw in one place does not move the values of another.
public enum Entropy: RandomNumberGenerator, Sendable {
  case seeded(SeededGenerator)
  /// A call of the system for each number.
  case system
  /// The same by way of a driver.
  case source(any RandomSource)

  public init(seed: UInt64) { self = .seeded(SeededGenerator(seed: seed)) }

  @inlinable
  public mutating func next() -> UInt64 {
    switch self {
    case .seeded(var generator):
      let value = generator.next()
      self = .seeded(generator)
      return value
    case .system:
      var generator = SystemRandomNumberGenerator()
      return generator.next()
    case .source(let source): return source.next()
    }
  }

  public var isSeeded: Bool {
    if case .seeded = self { true } else { false }
  }

  /// An independent source for `path`, such as `"alice/branch"`. Forking does not advance this one.
  public func fork(_ path: String) -> Entropy {
    switch self {
    case .seeded(let generator): .seeded(generator.fork(path))
    case .system, .source: self
    }
  }

  /// `count` random bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    while result.count < count {
      var word = next()
      for _ in 0..<min(8, count - result.count) {
        result.append(UInt8(truncatingIfNeeded: word))
        word >>= 8
      }
    }
    return result
  }

  /// `count` characters out of `0-9a-f`.
  public mutating func hex(_ count: Int) -> String {
    String(unsafeUninitializedCapacity: count) { buffer in
      var writer = ByteWriter(buffer)
      writeHex(count, to: &writer)
      return writer.count
    }
  }

  /// Writes the same.
  public mutating func writeHex(_ count: Int, to sink: inout some ByteSink) {
    var word: UInt64 = 0
    for index in 0..<count {
      if index % 16 == 0 { word = next() }
      sink.append(Self.digit(UInt8(truncatingIfNeeded: word)))
      word >>= 4
    }
  }

  /// The hexadecimal digit of the low four bits, in lower case.
  public static func digit(_ bits: UInt8) -> UInt8 {
    let value = bits & 15
    return value < 10 ? 48 + value : 87 + value
  }
}

/// xoshiro256++ (Blackman and Vigna), seeded through SplitMix64: the same numbers on every machine and in every process.
///
/// It is fit for simulation and identifiers, not for keys: TLS in virtual runs expands a draw of this with a stream cipher.
public struct SeededGenerator: RandomNumberGenerator, Hashable, Sendable {
  @usableFromInline var s0, s1, s2, s3: UInt64
  private let origin: UInt64

  public init(seed: UInt64) {
    origin = seed
    var state = seed
    s0 = Self.splitMix(&state)
    s1 = Self.splitMix(&state)
    s2 = Self.splitMix(&state)
    s3 = Self.splitMix(&state)
  }

  @inlinable
  public mutating func next() -> UInt64 {
    let sum = s0 &+ s3
    let result = (sum << 23 | sum >> 41) &+ s0
    let shifted = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = s3 << 45 | s3 >> 19
    return result
  }

  /// The generator that belongs to `path` below this one's seed, whatever was drawn before.
  public func fork(_ path: String) -> SeededGenerator {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a, 64 bits
    for byte in path.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var state = origin ^ hash
    return SeededGenerator(seed: Self.splitMix(&state))
  }

  private static func splitMix(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

/// A probability as a fraction of integers: exact in files, the same on every machine.
public struct Ratio: Hashable, Sendable, Codable {
  public var numerator: UInt32
  public var denominator: UInt32

  /// Precondition: `0 ≤ numerator ≤ denominator`, `denominator > 0`.
  public init(_ numerator: UInt32, of denominator: UInt32) {
    precondition(denominator > 0 && numerator <= denominator, "a ratio lies between 0 and 1")
    self.numerator = numerator
    self.denominator = denominator
  }

  public static let never = Ratio(0, of: 1)
  public static let always = Ratio(1, of: 1)
  public static func percent(_ value: UInt32) -> Ratio { Ratio(value, of: 100) }

  /// Draws once. `never` and `always` draw nothing.
  @inlinable
  public func hits(_ generator: inout some RandomNumberGenerator) -> Bool {
    if numerator == 0 { return false }
    if numerator == denominator { return true }
    return UInt32.random(in: 0..<denominator, using: &generator) < numerator
  }
}
