/// Bytes that can be passed on and cut without copying: an array and a range of it.
///
/// A slice shares its array; whoever keeps a few bytes of a large read for long calls ``compacted()``.
public struct Bytes: Sendable {
  @usableFromInline var storage: [UInt8]
  @usableFromInline var lower: Int
  @usableFromInline var upper: Int

  @inlinable
  public init(_ array: [UInt8]) {
    storage = array
    lower = 0
    upper = array.count
  }

  @inlinable
  public init() { self.init([]) }

  public init(_ text: String) { self.init(Array(text.utf8)) }

  public init(_ span: Span<UInt8>) {
    self.init(
      [UInt8](unsafeUninitializedCapacity: span.count) { buffer, count in
        span.withUnsafeBufferPointer { source in
          if let base = source.baseAddress { buffer.baseAddress?.initialize(from: base, count: source.count) }
        }
        count = span.count
      })
  }

  @usableFromInline
  init(storage: [UInt8], lower: Int, upper: Int) {
    self.storage = storage
    self.lower = lower
    self.upper = upper
  }

  /// The bytes as an array; no copy where these bytes are a whole array already.
  public var array: [UInt8] {
    lower == 0 && upper == storage.count ? storage : Array(storage[lower..<upper])
  }

  /// The same bytes in an array of their own, so that a large read is not kept alive by a small part of it.
  public func compacted() -> Bytes { Bytes(array) }

  @inlinable
  public func withSpan<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let span = storage.span.extracting(lower..<upper)
    return try body(span)
  }

  @inlinable
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try storage.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[lower..<upper])) }
  }
}

extension Bytes: RandomAccessCollection {
  public typealias SubSequence = Bytes

  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { upper - lower }
  @inlinable public var count: Int { upper - lower }

  @inlinable
  public subscript(position: Int) -> UInt8 {
    precondition(position >= 0 && position < upper - lower, "Bytes index out of range")
    return storage[lower + position]
  }

  /// The bytes of `range`, which counts from 0 and is counted from 0 again in the result.
  @inlinable
  public subscript(range: Range<Int>) -> Bytes {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "Bytes range out of range")
    return Bytes(storage: storage, lower: lower + range.lowerBound, upper: lower + range.upperBound)
  }

  @inlinable
  public func withContiguousStorageIfAvailable<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result? {
    try storage.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[lower..<upper])) }
  }
}

extension Bytes: Hashable {
  public static func == (left: Bytes, right: Bytes) -> Bool {
    left.count == right.count && left.withUnsafeBytes { one in right.withUnsafeBytes { isEqual(one, $0) } }
  }

  /// Eight bytes at a time: identifiers are compared with every message. Both are of one length.
  public static func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    var offset = 0
    while offset + 8 <= left.count {
      guard left.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      else { return false }
      offset += 8
    }
    while offset < left.count {
      guard left[offset] == right[offset] else { return false }
      offset += 1
    }
    return true
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}

extension Bytes: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, CustomStringConvertible {
  public init(stringLiteral value: String) { self.init(value) }
  public init(arrayLiteral elements: UInt8...) { self.init(elements) }

  /// The bytes read as UTF-8, with replacement characters for what is not.
  public var text: String {
    storage.withUnsafeBufferPointer { String(decoding: UnsafeBufferPointer(rebasing: $0[lower..<upper]), as: UTF8.self) }
  }
  public var description: String { text }
}
