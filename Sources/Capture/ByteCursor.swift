/// Writes at a pointer whose room the caller has reserved: the packet path's way to make bytes without a check and a copy each.
///
/// Only ``ByteOutput`` makes one, and checks afterwards that the reservation was enough.
struct ByteCursor {
  var position: UnsafeMutableRawPointer

  init(_ position: UnsafeMutableRawPointer) { self.position = position }

  @inline(__always)
  mutating func byte(_ value: UInt8) {
    position.storeBytes(of: value, as: UInt8.self)
    position += 1
  }

  /// An integer in network byte order.
  @inline(__always)
  mutating func network<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
    position.storeBytes(of: value.bigEndian, as: Integer.self)
    position += MemoryLayout<Integer>.size
  }

  /// An integer in little endian, the byte order of every file we write.
  @inline(__always)
  mutating func little<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
    position.storeBytes(of: value.littleEndian, as: Integer.self)
    position += MemoryLayout<Integer>.size
  }

  @inline(__always)
  mutating func bytes(_ source: UnsafeRawBufferPointer) {
    guard let base = source.baseAddress else { return }
    position.copyMemory(from: base, byteCount: source.count)
    position += source.count
  }

  @inline(__always)
  mutating func bytes(_ source: [UInt8]) { source.withUnsafeBytes { bytes($0) } }

  @inline(__always)
  mutating func text(_ literal: StaticString) {
    position.copyMemory(from: literal.utf8Start, byteCount: literal.utf8CodeUnitCount)
    position += literal.utf8CodeUnitCount
  }

  /// Zeros up to the next multiple of four, counted from `start`.
  @inline(__always)
  mutating func pad(from start: UnsafeMutableRawPointer) {
    let rest = -(position - start) & 3
    position.storeBytes(of: 0, as: UInt32.self)
    position += rest
  }
}

extension ByteCursor {
  /// How many bytes past its digits ``decimal(_:)-(UInt64)`` may touch.
  static let decimalRoom = 48

  private static let pairs: StaticString = """
    0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
    5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
    """

  @inline(__always)
  private static func pair(_ value: UInt64) -> UInt16 {
    UnsafeRawPointer(pairs.utf8Start).loadUnaligned(fromByteOffset: Int(value) * 2, as: UInt16.self)
  }

  /// Decimal digits: written backwards, two at a time, into the reserved room behind, then moved to the front in three words.
  @inline(__always)
  mutating func decimal(_ value: UInt64) {
    if value < 10 { return byte(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)) }
    let end = position + 44
    var digits = end
    var rest = value
    while rest >= 100 {
      let quotient = rest / 100
      digits -= 2
      digits.storeBytes(of: Self.pair(rest &- quotient &* 100), as: UInt16.self)
      rest = quotient
    }
    if rest >= 10 {
      digits -= 2
      digits.storeBytes(of: Self.pair(rest), as: UInt16.self)
    } else {
      digits -= 1
      digits.storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest), as: UInt8.self)
    }
    let words = (
      digits.loadUnaligned(as: UInt64.self), digits.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
      digits.loadUnaligned(fromByteOffset: 16, as: UInt32.self)
    )
    let count = end - digits
    position.storeBytes(of: words.0, as: UInt64.self)
    position.storeBytes(of: words.1, toByteOffset: 8, as: UInt64.self)
    position.storeBytes(of: words.2, toByteOffset: 16, as: UInt32.self)
    position += count
  }

  @inline(__always)
  mutating func decimal(_ value: some FixedWidthInteger & UnsignedInteger) { decimal(UInt64(value)) }

  @inline(__always)
  mutating func decimal(_ value: Int64) {
    if value < 0 { byte(UInt8(ascii: "-")) }
    decimal(value.magnitude)
  }

  /// Dotted decimal.
  @inline(__always)
  mutating func dottedDecimal(_ address: UInt32) {
    octet(address >> 24)
    byte(UInt8(ascii: "."))
    octet(address >> 16 & 255)
    byte(UInt8(ascii: "."))
    octet(address >> 8 & 255)
    byte(UInt8(ascii: "."))
    octet(address & 255)
  }

  @inline(__always)
  private mutating func octet(_ value: UInt32) {
    if value >= 100 {
      let hundreds = value / 100
      byte(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: hundreds))
      position.storeBytes(of: Self.pair(UInt64(value - hundreds * 100)), as: UInt16.self)
      position += 2
    } else if value >= 10 {
      position.storeBytes(of: Self.pair(UInt64(value)), as: UInt16.self)
      position += 2
    } else {
      byte(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value))
    }
  }
}
