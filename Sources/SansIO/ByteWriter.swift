/// Writes bytes one after another into memory that was taken once: what ``Bytes/init(capacity:_:)`` gives to whoever writes.
///
/// What turns out longer than was thought moves to memory twice as large. A writer is passed on by `inout`, and ends with the call that
/// gave it.
public struct ByteWriter {
  @usableFromInline var base: UnsafeMutablePointer<UInt8>
  @usableFromInline var capacity: Int
  @usableFromInline var written = 0
  /// The memory is of this writer's own making.
  @usableFromInline var hasMoved = false

  /// Bytes that were written.
  @inlinable public var count: Int { written }

  @usableFromInline
  init(_ memory: UnsafeMutableBufferPointer<UInt8>) {
    // Only memory without a byte has no address.
    base = memory.baseAddress ?? .allocate(capacity: 1)
    capacity = memory.count
    hasMoved = memory.baseAddress == nil
  }

  @usableFromInline
  mutating func grow(by more: Int) {
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: max(2 * capacity, count + more))
    larger.update(from: base, count: count)
    if hasMoved { base.deallocate() }
    (base, capacity, hasMoved) = (larger, max(2 * capacity, count + more), true)
  }

  /// What was written in memory of the writer's own, which ends here; nil where it is still in that which it was given.
  @usableFromInline
  func takeMoved() -> [UInt8]? {
    guard hasMoved else { return nil }
    defer { base.deallocate() }
    return Array(UnsafeBufferPointer(start: base, count: count))
  }

  @inlinable @inline(__always)
  public mutating func append(_ byte: UInt8) {
    if count == capacity { grow(by: 1) }
    base[count] = byte
    written &+= 1
  }

  @inlinable @inline(__always)
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    if bytes.count > capacity &- count { grow(by: bytes.count) }
    UnsafeMutableRawPointer(base + count).copyMemory(from: source, byteCount: bytes.count)
    written &+= bytes.count
  }

  /// What was written from a place on, to be changed.
  @inlinable @inline(__always)
  public func withUnsafeMutableBytes(from start: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    precondition(start >= 0 && start <= count, "ByteWriter place out of range")
    body(UnsafeMutableRawBufferPointer(start: base + start, count: count &- start))
  }
}

extension Bytes {
  /// Bytes that are written one after another.
  ///
  /// - Parameter capacity: how many they will be, or a few more.
  @inlinable
  public init(capacity: Int, _ write: (inout ByteWriter) -> Void) {
    var moved: [UInt8]?
    let array = [UInt8](unsafeUninitializedCapacity: capacity) { memory, count in
      var writer = ByteWriter(memory)
      write(&writer)
      moved = writer.takeMoved()
      count = moved == nil ? writer.count : 0
    }
    self.init(moved ?? array)
  }
}

/// What takes bytes one after another: a message that is being written, or parts of one that are kept.
public protocol ByteSink {
  mutating func append(_ byte: UInt8)
  mutating func append(_ bytes: UnsafeRawBufferPointer)
}

extension ByteWriter: ByteSink {}

extension [UInt8]: ByteSink {
  @inlinable @inline(__always)
  public mutating func append(_ bytes: UnsafeRawBufferPointer) { append(contentsOf: bytes) }
}

extension ByteSink {
  @inlinable @inline(__always)
  public mutating func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inlinable @inline(__always)
  public mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  @inlinable @inline(__always)
  public mutating func append(_ bytes: Bytes) { bytes.withUnsafeBytes { append($0) } }

  @inlinable @inline(__always)
  public mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  @inlinable @inline(__always)
  public mutating func append(_ span: Span<UInt8>, _ range: Range<Int>) {
    span.extracting(range).withUnsafeBytes { append($0) }
  }

  /// A number in decimal digits.
  @inlinable
  public mutating func append(decimal number: UInt64) {
    guard number >= 10 else { return append(UInt8(truncatingIfNeeded: 48 &+ number)) }
    var place: UInt64 = 10
    while number / place >= 10 { place *= 10 }
    while place > 0 {
      append(UInt8(truncatingIfNeeded: 48 &+ number / place % 10))
      place /= 10
    }
  }

  /// An address as it is written in a URI and in session descriptions, without brackets.
  @inlinable
  public mutating func append(_ address: IPAddress) {
    guard !address.isIPv6 else { return append(address.description) }
    for shift: UInt64 in [24, 16, 8, 0] {
      if shift < 24 { append(UInt8(ascii: ".")) }
      append(decimal: address.low >> shift & 255)
    }
  }
}
