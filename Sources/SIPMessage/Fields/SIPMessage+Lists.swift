import SansIO

// Header fields that are lists of tokens or plain text (RFC 3261 §20).
extension SIPMessage {
  /// The tokens of Supported, Require, Proxy-Require, Unsupported, Allow-Events, Content-Encoding, Content-Language, In-Reply-To or
  /// Privacy, over commas and lines.
  public func tokens(_ name: HeaderName) -> [String] { commaValues(name).map(\.text) }

  /// The methods of Allow; nil when there is none, empty when it allows nothing (RFC 3261 §20.5).
  public func allow() -> [SIPMethod]? { firstValue(.allow) == nil ? nil : tokens(.allow).map { SIPMethod($0) } }

  /// The text of Subject, Organization, Server, User-Agent, Priority, MIME-Version or any other field that is text; nil when there is none.
  public func text(_ name: HeaderName) -> String? { first(name)?.text }

  /// Seconds or a count below 2³²: Min-Expires, Min-SE, RSeq, Max-Forwards, Expires; nil when there is none.
  public func number(_ name: HeaderName) throws(SIPHeaderError) -> UInt32? {
    guard let value = first(name) else { return nil }
    guard let number = value.withSpan({ Grammar.number($0, 0..<$0.count) }), let result = UInt32(exactly: number) else {
      throw .malformed(name, value: value.prefix(64).text, expected: "a number below 2³² (RFC 3261 §25.1)")
    }
    return result
  }
}
