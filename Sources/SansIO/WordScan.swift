/// Looks at eight bytes at a time.
///
/// A word is loaded only where all of it lies in the span; what is left at its end is looked at byte by byte. Where several bytes of a word
/// are marked, the mark of the first is exact, and the others need not be.
public enum WordScan {
  @inlinable static var ones: UInt64 { 0x0101_0101_0101_0101 }
  @inlinable static var highs: UInt64 { 0x8080_8080_8080_8080 }

  /// The eight bytes from `position` on, the first in the lowest bits.
  @inlinable @inline(__always)
  public static func load(_ span: Span<UInt8>, _ position: Int) -> UInt64 {
    UInt64(littleEndian: span.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
  }

  /// Which bytes are this one, by their highest bits: taking 1 from a byte that is zero borrows into its highest bit.
  @inlinable @inline(__always)
  static func marks(of byte: UInt8, in word: UInt64) -> UInt64 {
    let different = word ^ (ones &* UInt64(byte))
    return (different &- ones) & ~different & highs
  }

  /// Which bytes are no letter, digit, `-` or `.`: no sum of seven bits each carries into the next byte.
  @inlinable @inline(__always)
  static func marksOfOthers(in word: UInt64) -> UInt64 {
    let low = word & ~highs
    let small = low | ones &* 0x20
    let letters = (small &+ ones &* (128 - 0x61)) & ~(small &+ ones &* (128 - 0x7B))
    let digits = (low &+ ones &* (128 - 0x30)) & ~(low &+ ones &* (128 - 0x3A))
    let dashes = (low &+ ones &* (128 - 0x2D)) & ~(low &+ ones &* (128 - 0x2F))
    return (~(letters | digits | dashes) | word) & highs
  }

  /// How many bytes of a word come before the first `byte`; 8 where it has none.
  @inlinable @inline(__always)
  public static func count(before byte: UInt8, in word: UInt64) -> Int { marks(of: byte, in: word).trailingZeroBitCount / 8 }

  /// Letters in lower case: what has bit 6 gets bit 5. That changes `@[\]^_` as well, and no letter into anything but a letter.
  @inlinable @inline(__always)
  public static func small(_ word: UInt64) -> UInt64 { word | (word & (ones &* 0x40)) >> 1 }

  /// The first bytes of a word, from one to eight, with zeros behind them.
  @inlinable @inline(__always)
  public static func first(_ count: Int, of word: UInt64) -> UInt64 { word & UInt64.max &>> UInt64(64 &- 8 &* count) }

  /// The place of the first `byte` from `position` on; `end` where there is none before it.
  @inlinable @inline(__always)
  public static func first(_ byte: UInt8, _ span: Span<UInt8>, _ position: Int, _ end: Int) -> Int {
    var position = position
    while position < end, position &+ 8 <= span.count {
      let marks = marks(of: byte, in: load(span, position))
      if marks != 0 { return min(position &+ marks.trailingZeroBitCount / 8, end) }
      position &+= 8
    }
    while position < end, span[position] != byte { position &+= 1 }
    return min(position, end)
  }

  /// The place of the first byte from `position` on that is one of three; `end` where there is none before it.
  @inlinable @inline(__always)
  public static func first(_ one: UInt8, _ two: UInt8, _ three: UInt8, _ span: Span<UInt8>, _ position: Int, _ end: Int) -> Int {
    var position = position
    while position < end, position &+ 8 <= span.count {
      let word = load(span, position)
      let marks = marks(of: one, in: word) | marks(of: two, in: word) | marks(of: three, in: word)
      if marks != 0 { return min(position &+ marks.trailingZeroBitCount / 8, end) }
      position &+= 8
    }
    while position < end, span[position] != one, span[position] != two, span[position] != three { position &+= 1 }
    return min(position, end)
  }

  /// The place of the first byte from `position` on that is below 32; `end` where there is none before it.
  @inlinable @inline(__always)
  public static func firstControl(_ span: Span<UInt8>, _ position: Int, _ end: Int) -> Int {
    var position = position
    while position < end, position &+ 8 <= span.count {
      let word = load(span, position)
      let marks = (word &- ones &* 0x20) & ~word & highs
      if marks != 0 { return min(position &+ marks.trailingZeroBitCount / 8, end) }
      position &+= 8
    }
    while position < end, span[position] >= 0x20 { position &+= 1 }
    return min(position, end)
  }

  /// The first place from `position` on that is no letter, digit, `-` or `.`: most of what names, hosts, tags and branches are made of.
  @inlinable @inline(__always)
  static func plainEnd(_ span: Span<UInt8>, _ position: Int, _ end: Int) -> Int {
    var position = position
    while position < end, position &+ 8 <= span.count {
      let marks = marksOfOthers(in: load(span, position))
      if marks != 0 { return min(position &+ marks.trailingZeroBitCount / 8, end) }
      position &+= 8
    }
    return min(position, end)
  }

  /// Where the bytes of a kind end that begin at `position`.
  ///
  /// - Parameter isOfKind: has to be true for letters, digits, `-` and `.`, about which it is hardly ever asked.
  @inlinable @inline(__always)
  public static func run(_ span: Span<UInt8>, _ position: Int, _ end: Int, while isOfKind: (UInt8) -> Bool) -> Int {
    var position = plainEnd(span, position, end)
    while position < end, isOfKind(span[position]) { position = plainEnd(span, position &+ 1, end) }
    return position
  }
}
