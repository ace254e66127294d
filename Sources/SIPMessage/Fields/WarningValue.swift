import SansIO

/// An element of Warning: `370 192.0.2.1 "Not enough bandwidth"` (RFC 3261 §20.43).
public struct WarningValue: Hashable, Sendable {
  /// Three digits.
  public var code: Int
  /// Host, port or pseudonym of who warns.
  public var agent: String
  /// Without quotes.
  public var text: String

  public init(_ code: Int, agent: String, _ text: String) { (self.code, self.agent, self.text) = (code, agent, text) }

  /// Warning 399, "miscellaneous": why a request is refused, for whoever reads its trace. The Reason-Phrase has no room for what a peer
  /// wrote.
  public init(refusing rule: String, by agent: IPAddress) {
    self.init(399, agent: agent.isIPv6 ? "[\(agent)]" : agent.description, rule)
  }

  /// Code, agent and the text as a quoted string: `"` and `\` escaped, control characters as `%HH`, since no reader wants them raw
  /// (RFC 3261 §25.1).
  public var fieldValue: String {
    var quoted = ""
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" {
        quoted += "\\"
        quoted.unicodeScalars.append(scalar)
      } else {
        PlainText.append(scalar, to: &quoted)
      }
    }
    return "\(code) \(agent) \"\(quoted)\""
  }

  static func parse(_ bytes: Bytes) throws(SIPHeaderError) -> WarningValue {
    let result = bytes.withSpan { span in
      WarningSlot.read(span, 0..<span.count).map {
        WarningValue($0.code, agent: Grammar.text(span, $0.agent), Grammar.unquoted(Grammar.text(span, $0.text)))
      }
    }
    guard let result else {
      throw .malformed(.warning, value: bytes.prefix(128).text, expected: "three digits, an agent and a quoted text (RFC 3261 §20.43)")
    }
    return result
  }
}

/// Where the parts of a Warning are written.
struct WarningSlot {
  var code: Int
  var agent: Range<Int>
  /// With its quotes.
  var text: Range<Int>

  static func read(_ span: Span<UInt8>, _ range: Range<Int>) -> WarningSlot? {
    var position = range.lowerBound
    let end = range.upperBound
    while position < end, !Grammar.isWhite(span[position]) { position += 1 }
    guard position - range.lowerBound == 3, let code = Grammar.number(span, range.lowerBound..<position) else { return nil }
    Grammar.skipWhite(span, &position, end)
    let agent = position
    while position < end, !Grammar.isWhite(span[position]) { position += 1 }
    let agentEnd = position
    Grammar.skipWhite(span, &position, end)
    guard agentEnd > agent, position < end, span[position] == .quote, Grammar.quotedEnd(span, position, end) == end else { return nil }
    return WarningSlot(code: code, agent: agent..<agentEnd, text: position..<end)
  }
}
