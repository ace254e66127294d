import SansIO

/// What the parser takes before it names a rule and stops reading; a peer can make us keep no more than this.
public struct SIPLimits: Hashable, Sendable {
  /// Bytes from the start line to the end of the body. 65,535 is what a UDP datagram can carry.
  public var messageBytes: Int
  public var startLineBytes: Int
  /// Bytes of one header field with its continuation lines.
  public var fieldBytes: Int
  public var fields: Int

  public static let standard = SIPLimits(messageBytes: 65_535, startLineBytes: 8_192, fieldBytes: 16_384, fields: 256)

  public init(messageBytes: Int, startLineBytes: Int, fieldBytes: Int, fields: Int) {
    self.messageBytes = messageBytes
    self.startLineBytes = startLineBytes
    self.fieldBytes = fieldBytes
    self.fields = fields
  }
}

/// Why bytes are no SIP message. Offsets count from the first byte of the message.
public enum SIPParseError: Error, Hashable, Sendable {
  case empty
  case startLine
  /// White space in the Request-URI, several spaces, or spaces at the end.
  case requestLineSpacing
  case version(String)
  case statusCode(String)
  case fieldWithoutColon(offset: Int)
  case fieldName(offset: Int)
  case noEndOfHeader
  case contentLength(String)
  /// Two lengths that are not the same.
  case contentLengths(Int, String)
  case contentLengthMissing
  case bodyShort(declared: Int, present: Int)
  case startLineTooLong(limit: Int)
  case fieldTooLong(offset: Int, limit: Int)
  case tooManyFields(limit: Int)
  case messageTooLong(limit: Int)
}

extension SIPParseError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .empty: "empty lines only"
    case .startLine: "the first line is neither a Request-Line nor a Status-Line (RFC 3261 §7.1, §7.2)"
    case .requestLineSpacing: "the Request-Line has white space beyond its two single spaces (RFC 3261 §7.1)"
    case .version(let text): "SIP version '\(text)' is not SIP/2.0 (RFC 3261 §7.1)"
    case .statusCode(let text): "'\(text)' is not a status code from 100 to 699 (RFC 3261 §7.2)"
    case .fieldWithoutColon(let offset): "the header field line at byte \(offset) has no colon (RFC 3261 §7.3.1)"
    case .fieldName(let offset): "the header field name at byte \(offset) is not a token (RFC 3261 §7.3.1)"
    case .noEndOfHeader: "no empty line ends the header (RFC 3261 §7)"
    case .contentLength(let text): "Content-Length '\(text)' is not a length (RFC 3261 §20.14)"
    case .contentLengths(let first, let second):
      "Content-Length is both \(first) and '\(second)': the end of the message is unknown (RFC 3261 §20.14)"
    case .contentLengthMissing: "Content-Length is missing on a stream transport (RFC 3261 §18.3)"
    case .bodyShort(let declared, let present):
      "Content-Length says \(declared), \(CountText.of(present, "byte")) \(present == 1 ? "is" : "are") there (RFC 3261 §18.3)"
    case .startLineTooLong(let limit): "the first line is longer than \(CountText.of(limit, "byte")) (a limit of the Lab)"
    case .fieldTooLong(let offset, let limit):
      "the header field at byte \(offset) is longer than \(CountText.of(limit, "byte")) (a limit of the Lab)"
    case .tooManyFields(let limit): "more than \(limit) header fields (a limit of the Lab)"
    case .messageTooLong(let limit): "longer than \(CountText.of(limit, "byte")) (a limit of the Lab)"
    }
  }
}

/// Why a header field cannot be understood.
public enum SIPHeaderError: Error, Hashable, Sendable {
  case missing(HeaderName)
  /// A field that may stand once stands several times.
  case repeated(HeaderName)
  case malformed(HeaderName, value: String, expected: String)
  /// The Request-URI, or a URI in a place of its own.
  case uri(value: String, expected: String)
  case methodMismatch(line: SIPMethod, cseq: SIPMethod)
  /// From has no tag, as in RFC 2543.
  case noTag
  /// The topmost Via has no branch that begins with the magic cookie and goes on.
  case noBranch(String?)
}

extension SIPHeaderError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missing(let name): "\(name) is missing (RFC 3261 §8.1.1)"
    case .repeated(let name): "\(name) appears more than once (RFC 3261 §7.3.1)"
    case .malformed(let name, let value, let expected): "\(name) '\(value)' is not \(expected)"
    case .uri(let value, let expected): "URI '\(value)' is not \(expected)"
    case .methodMismatch(let line, let cseq): "the method in CSeq is \(cseq), in the Request-Line \(line) (RFC 3261 §8.1.1.5)"
    case .noTag: "From has no tag (RFC 3261 §8.1.1.3)"
    case .noBranch(let branch): "Via branch '\(branch ?? "")' does not begin with z9hG4bK and an identifier (RFC 3261 §8.1.1.7)"
    }
  }
}
