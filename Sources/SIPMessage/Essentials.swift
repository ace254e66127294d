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

/// FNV-1a over bytes, for tables that compare the bytes behind it.
public enum ByteHash {
  @inlinable
  public static func of(_ bytes: Bytes) -> UInt64 {
    bytes.withUnsafeBytes { buffer in
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      for byte in buffer { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      return hash
    }
  }

  static func of(_ span: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in range { hash = (hash ^ UInt64(span[index])) &* 0x100_0000_01B3 }
    return hash
  }
}

extension SIPMessage {
  /// Reads the ``Essentials`` in one pass over the header; of a field that appears more than once the first counts.
  public func essentials() -> Essentials {
    bytes.withSpan { span in
      var result = Essentials()
      var (seen, hops) = (KnownHeaderSet(), 0)
      for slot in slots {
        let value = slot.value.range
        switch slot.known {
        case .via:
          var first: ByteRange?
          if !seen.contains(.via) {
            var (via, position, none) = (TopmostVia(), value.lowerBound, Parameters?.none)
            if via.read(span, &position, value.upperBound, into: &none) { (first, result.via) = (via.element, via) }
          }
          hops += Self.elementCount(span, value, from: first)
        case .from where !seen.contains(.from): result.fromTag = Self.tagRange(span, value)
        case .to where !seen.contains(.to): result.toTag = Self.tagRange(span, value)
        case .callID where !seen.contains(.callID): result.callID = Self.isCallID(span, value) ? slot.value : nil
        case .cseq where !seen.contains(.cseq): result.cseq = Self.readCSeq(span, value)
        default: continue
        }
        seen.insert(slot.known)
      }
      result.hasSeveralVias = hops > 1
      return result
    }
  }

  /// The elements of a list that are not empty.
  ///
  /// - Parameter first: the first of them, where it has been read.
  private static func elementCount(_ span: Span<UInt8>, _ value: Range<Int>, from first: ByteRange?) -> Int {
    var count = first == nil ? 0 : 1
    var start = first.map { $0.range.upperBound + 1 } ?? value.lowerBound
    while start < value.upperBound {
      let end = Grammar.elementEnd(span, start, value.upperBound)
      if !Grammar.trimmed(span, start..<end).isEmpty { count += 1 }
      start = end + 1
    }
    return count
  }

  /// One word (RFC 3261 §20.8).
  static func isCallID(_ span: Span<UInt8>, _ value: Range<Int>) -> Bool {
    for index in value where Grammar.isWhite(span[index]) { return false }
    return !value.isEmpty
  }

  /// A number below 2³¹ and a method (RFC 3261 §8.1.1.5, §20.16).
  static func readCSeq(_ span: Span<UInt8>, _ value: Range<Int>) -> CSeq? {
    var position = value.lowerBound
    let end = value.upperBound
    while position < end, span[position] &- 48 < 10 { position += 1 }
    guard let number = Grammar.number(span, value.lowerBound..<position), number < 1 << 31, position < end, Grammar.isWhite(span[position])
    else { return nil }
    Grammar.skipWhite(span, &position, end)
    let start = position
    while position < end, Grammar.isToken(span[position]) { position += 1 }
    guard position > start, position == end else { return nil }
    return CSeq(number: UInt32(number), method: SIPMethod(span, start..<position))
  }
}
