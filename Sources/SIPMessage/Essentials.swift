import SansIO

/// What every floor above the parser needs of a message, read once when it arrives: offsets and numbers, no text (RFC 3261 §8.1.1, §17).
///
/// A field that is missing or cannot be read is nil; ``SIPMessage/facts(_:)`` says what is wrong with it.
public struct Essentials: Sendable {
  public internal(set) var callID: ByteRange?
  /// The tag of From; nil when there is none (RFC 2543 peers).
  public internal(set) var fromTag: ByteRange?
  /// The tag of To; nil when there is none, as in a request outside a dialog.
  public internal(set) var toTag: ByteRange?
  public internal(set) var cseq: CSeq?
  public internal(set) var via: TopmostVia?
  /// More than one hop: wrong in a response that arrived (RFC 3261 §8.1.3.3).
  public internal(set) var hasSeveralVias = false
}

/// A number for bytes, eight at a time, for tables that compare the bytes behind it.
public enum ByteHash {
  public static func of(_ bytes: Bytes) -> UInt64 { bytes.withSpan { of($0, 0..<$0.count) } }

  public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 { of(Span(_unsafeBytes: bytes), 0..<bytes.count) }

  public static func of(_ span: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
    var hash = 0xCBF2_9CE4_8422_2325 ^ UInt64(range.count)
    var position = range.lowerBound
    while position + 8 <= range.upperBound {
      hash = mixed(hash ^ WordScan.load(span, position))
      position += 8
    }
    var rest: UInt64 = 0
    while position < range.upperBound {
      rest = rest << 8 | UInt64(span[position])
      position += 1
    }
    return mixed(hash ^ rest)
  }

  @inline(__always)
  private static func mixed(_ number: UInt64) -> UInt64 {
    let product = number.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }
}
