/// Where a part of a message is in its bytes: offsets, so that nothing is copied until somebody wants the text.
public struct ByteRange: Hashable, Sendable {
  public let lower: UInt32
  public let upper: UInt32

  @inlinable
  public init(_ lower: Int, _ upper: Int) {
    self.lower = UInt32(truncatingIfNeeded: lower)
    self.upper = UInt32(truncatingIfNeeded: upper)
  }

  @inlinable
  public init(_ range: Range<Int>) { self.init(range.lowerBound, range.upperBound) }

  @inlinable public var range: Range<Int> { Int(lower)..<Int(upper) }
  @inlinable public var count: Int { Int(upper - lower) }
}

/// A set of known header fields, a bit each.
struct KnownHeaderSet: Hashable, Sendable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  @inline(__always)
  mutating func insert(_ known: KnownHeader) {
    if known.rawValue < 64 { low |= 1 << UInt64(known.rawValue) } else { high |= 1 << UInt64(known.rawValue - 64) }
  }

  @inline(__always)
  func contains(_ known: KnownHeader) -> Bool {
    (known.rawValue < 64 ? low >> UInt64(known.rawValue) : high >> UInt64(known.rawValue - 64)) & 1 == 1
  }
}
