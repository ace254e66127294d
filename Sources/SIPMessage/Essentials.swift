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

  static func of(_ span: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
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

extension SIPMessage {
  /// Reads the ``Essentials``; of a field that appears more than once the first counts.
  public func essentials() -> Essentials {
    let landmarks = landmarks
    return bytes.withSpan { span in
      var result = Essentials()
      if let slot = slot(at: landmarks.from) { result.fromTag = Self.tagRange(span, slot.value.range) }
      if let slot = slot(at: landmarks.to) { result.toTag = Self.tagRange(span, slot.value.range) }
      if let slot = slot(at: landmarks.callID), Self.isCallID(span, slot.value.range) { result.callID = slot.value }
      if let slot = slot(at: landmarks.cseq) { result.cseq = Self.readCSeq(span, slot.value.range) }
      guard let slot = slot(at: landmarks.via) else { return result }
      let value = slot.value.range
      var (via, position, none) = (TopmostVia(), value.lowerBound, Parameters?.none)
      if via.read(span, &position, value.upperBound, into: &none) { result.via = via }
      var hops = Self.elementCount(span, value, from: result.via?.element)
      if landmarks.viaCount > 1 {
        for other in slots[(landmarks.via + 1)...] where other.known == .via {
          hops += Self.elementCount(span, other.value.range, from: nil)
        }
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
    !value.isEmpty && WordScan.run(span, value.lowerBound, value.upperBound) { !Grammar.isWhite($0) } == value.upperBound
  }

  /// A number below 2³¹ and a method (RFC 3261 §8.1.1.5, §20.16).
  static func readCSeq(_ span: Span<UInt8>, _ value: Range<Int>) -> CSeq? {
    let end = value.upperBound
    var (number, position) = (UInt32(0), value.lowerBound)
    while position < end, position - value.lowerBound < 10, span[position] &- 48 < 10 {
      let (product, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = product.addingReportingOverflow(UInt32(span[position] &- 48))
      guard !isTooLarge, !overflows else { return nil }
      number = sum
      position += 1
    }
    guard position > value.lowerBound, number < 1 << 31, position < end, Grammar.isWhite(span[position]) else { return nil }
    Grammar.skipWhite(span, &position, end)
    let method = position
    position = Grammar.tokenEnd(span, method, end)
    guard position > method, position == end else { return nil }
    return CSeq(number: number, method: SIPMethod(span, method..<position))
  }
}
