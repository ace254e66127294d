import SansIO

extension MessageParser {
  /// A parser that has seen every Content-Length of a header which breaks other rules; lines that are not header fields are passed over.
  static func salvagingLength(_ header: Bytes, limits: SIPLimits) -> MessageParser {
    // The count of fields is no reason to lose the end of the message.
    var limits = limits
    (limits.fields, limits.fieldBytes) = (.max, .max)
    var parser = MessageParser(limits: limits)
    header.withSpan { span in
      var position = lineEnd(span, from: 0).next
      while position < span.count {
        position = (try? parser.parseField(span, at: position)) ?? lineEnd(span, from: position).next
      }
    }
    return parser
  }

  /// Whether `SIP/` is part of a line, in any case: of one that is longer than any start line may be, near its beginning or at its end,
  /// where a Request-Line names the version behind a URI however long (RFC 3261 §7.1).
  static func mentionsVersion(_ span: Span<UInt8>, _ line: Range<Int>) -> Bool {
    let reach = 8_192
    func mentions(_ part: Range<Int>) -> Bool { Grammar.text(span, part).uppercased().contains("SIP/") }
    guard line.count > reach else { return mentions(line) }
    return mentions(line.upperBound - 64..<line.upperBound) || mentions(line.lowerBound..<line.lowerBound + reach)
  }

  /// Takes the header lines that can be read and passes over the others.
  static func salvage(_ bytes: Bytes, limits: SIPLimits) -> SIPMessage? {
    var parser = MessageParser(limits: limits)
    let method = bytes.withSpan { span -> SIPMethod? in
      var position = 0
      while position < span.count, span[position] == .carriageReturn || span[position] == .lineFeed { position += 1 }
      let line = lineEnd(span, from: position)
      guard let method = likelyMethod(span, position..<line.end) else { return nil }
      position = line.next
      while position < span.count, span[position] != .lineFeed, span[position] != .carriageReturn, parser.hasRoom {
        position = (try? parser.parseField(span, at: position)) ?? lineEnd(span, from: position).next
      }
      return method
    }
    guard let method else { return nil }
    return parser.message(bytes, salvaged: method)
  }

  /// The first token of a line that mentions a version and does not begin with one.
  private static func likelyMethod(_ span: Span<UInt8>, _ line: Range<Int>) -> SIPMethod? {
    let position = Grammar.tokenEnd(span, line.lowerBound, line.upperBound)
    guard position > line.lowerBound, position < line.upperBound, Grammar.isWhite(span[position]) else { return nil }
    return mentionsVersion(span, position..<line.upperBound) ? SIPMethod(span, line.lowerBound..<position) : nil
  }
}

extension SIPParseError {
  /// The status that a request with this error gets (RFC 3261 §21.4); nil where there is nothing to answer.
  public var status: Int? {
    switch self {
    case .empty: nil
    case .version: 505
    case .startLineTooLong: 414
    case .fieldTooLong, .tooManyFields, .messageTooLong: 513
    case .startLine, .requestLineSpacing, .statusCode, .fieldWithoutColon, .fieldName, .noEndOfHeader, .contentLength, .contentLengths,
      .contentLengthMissing, .bodyShort:
      400
    }
  }
}
