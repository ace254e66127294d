/// The ones' complement sum of RFC 1071, in wide words and the machine's own byte order (RFC 1071 §2 B: the order does not matter
/// as long as the result is stored the same way).
struct InternetChecksum {
  private var sum: UInt64 = 0

  /// Adds memory that starts at an even offset of what is summed; an odd last byte counts as followed by zero.
  @inline(__always)
  mutating func add(_ start: UnsafeRawPointer, count: Int) {
    var offset = 0
    while offset + 32 <= count {
      add(word: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      add(word: start.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
      add(word: start.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self))
      add(word: start.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self))
      offset += 32
    }
    while offset + 8 <= count {
      add(word: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    while offset + 2 <= count {
      add(word: UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
      offset += 2
    }
    if offset < count { add(UInt16(start.load(fromByteOffset: offset, as: UInt8.self)) << 8) }
  }

  /// Adds a field given as a number.
  @inline(__always)
  mutating func add(_ field: UInt16) { add(word: UInt64(field.bigEndian)) }

  /// 2^64 leaves the remainder 1 modulo 65,535, so a carry out of the word comes in again at its low end.
  @inline(__always)
  private mutating func add(word: UInt64) {
    let (partial, carry) = sum.addingReportingOverflow(word)
    sum = partial &+ (carry ? 1 : 0)
  }

  /// The checksum, ready to be stored without a swap.
  @inline(__always)
  var stored: UInt16 {
    var folded = (sum & 0xFFFF_FFFF) + (sum >> 32)
    folded = (folded & 0xFFFF_FFFF) + (folded >> 32)
    folded = (folded & 0xFFFF) + (folded >> 16)
    folded = (folded & 0xFFFF) + (folded >> 16)
    return ~UInt16(truncatingIfNeeded: folded)
  }
}
