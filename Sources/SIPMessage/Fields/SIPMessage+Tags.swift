import SansIO

// The tags alone, read without the addresses that they stand behind: what tells dialogs apart is asked for many times a message.
extension SIPMessage {
  /// The tag of From; nil when there is none (RFC 2543 peers).
  public var fromTag: String? { firstValue(.from).flatMap(Self.tag) }

  /// The tag of To; nil when there is none, as in a request outside a dialog.
  public var toTag: String? { firstValue(.to).flatMap(Self.tag) }

  /// Whether there is one Via field with one value.
  public var hasOneVia: Bool {
    guard landmarks.viaCount == 1, let range = slot(at: landmarks.via)?.value.range else { return false }
    return bytes.withSpan { WordScan.first(.comma, $0, range.lowerBound, range.upperBound) == range.upperBound }
  }

  /// The first `tag` behind an address, in angle brackets or without (RFC 3261 §20.10, §20.39).
  private static func tag(_ value: Bytes) -> String? {
    value.withSpan { span in tagRange(span, 0..<span.count).map { Grammar.text(span, $0.range) } }
  }

  /// Where it is; a quoted one without its quotes.
  static func tagRange(_ span: Span<UInt8>, _ value: Range<Int>) -> ByteRange? {
    let end = value.upperBound
    var position = value.lowerBound
    while true {
      position = WordScan.run(span, position, end) { $0 != .quote && $0 != .less && $0 != .semicolon }
      guard position < end else { return nil }
      switch span[position] {
      case .quote:
        guard let behind = Grammar.quotedEnd(span, position, end) else { return nil }
        position = behind
      case .less: position = WordScan.first(.greater, span, position, end)
      default:
        position += 1
        guard let value = tagValue(span, position, end) else { continue }
        let isQuoted = !value.isEmpty && span[value.lowerBound] == .quote
        return isQuoted ? ByteRange(value.lowerBound + 1, value.upperBound - 1) : ByteRange(value)
      }
    }
  }

  /// Where the value of a `tag` parameter is, when it begins here.
  private static func tagValue(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Range<Int>? {
    var position = start
    Grammar.skipWhite(span, &position, end)
    guard position + 3 < end, span[position] | 0x20 == UInt8(ascii: "t"), span[position + 1] | 0x20 == UInt8(ascii: "a"),
      span[position + 2] | 0x20 == UInt8(ascii: "g")
    else { return nil }
    position += 3
    Grammar.skipWhite(span, &position, end)
    guard position < end, span[position] == .equals else { return nil }
    position += 1
    Grammar.skipWhite(span, &position, end)
    let value = position
    if position < end, span[position] == .quote {
      return Grammar.quotedEnd(span, position, end).map { value..<$0 }
    }
    return value..<ParameterCursor.valueEnd(span, value, end)
  }
}
