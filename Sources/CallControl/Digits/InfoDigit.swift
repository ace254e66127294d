import Media
import RTP
import SIPMessage
import SIPUserAgent
import SansIO

/// A digit in the body of INFO, in the two forms that products have. No standard defines either.
public enum InfoDigit {
  public enum Form: String, Hashable, Sendable, CaseIterable {
    /// `application/dtmf-relay`: `Signal=5` and `Duration=160` on lines of their own.
    case relay = "dtmf-relay"
    /// `application/dtmf`: the digit alone.
    case plain = "dtmf"

    public var contentType: String { "application/\(rawValue)" }
  }

  /// What an INFO says.
  public enum Reading: Hashable, Sendable {
    /// It has no body (RFC 2976 §2.2).
    case empty
    case digit(HeardDigit)
    /// A body of one of the two forms that cannot be read, and why.
    case broken(Form, reason: String)
    case otherType
  }

  /// For Accept, where the type is another one.
  public static let accepted = Form.allCases.map(\.contentType).joined(separator: ", ")

  public static func read(_ message: SIPMessage) -> Reading {
    guard !message.body.isEmpty else { return .empty }
    guard message.first(.contentType) != nil else { return .otherType }
    for form in Form.allCases {
      guard let body = message.body(ofType: form.contentType) else { continue }
      return form == .relay ? relay(body) : plain(body)
    }
    return .otherType
  }

  static func relay(_ body: Bytes) -> Reading {
    var (signal, duration): (String?, String?)
    for line in body.text.split(whereSeparator: \.isNewline) {
      let pair = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { $0.filter { $0 != " " && $0 != "\t" } }
      guard pair.count == 2 else { continue }
      switch pair[0].lowercased() {
      case "signal": signal = signal ?? pair[1]
      case "duration": duration = duration ?? pair[1]
      default: break
      }
    }
    guard let signal else { return .broken(.relay, reason: "there is no line Signal=") }
    guard let digit = digit(signal) else { return .broken(.relay, reason: "Signal=\(signal.prefix(16)) is not a digit") }
    guard let duration else { return .digit(HeardDigit(digit, .info, milliseconds: nil)) }
    guard let milliseconds = Int(duration), (0...600_000).contains(milliseconds) else {
      return .broken(.relay, reason: "Duration=\(duration.prefix(16)) is not a number of milliseconds")
    }
    return .digit(HeardDigit(digit, .info, milliseconds: milliseconds))
  }

  static func plain(_ body: Bytes) -> Reading {
    let text = body.text.filter { !$0.isWhitespace }
    guard let digit = digit(text) else { return .broken(.plain, reason: "'\(text.prefix(16))' is not a digit") }
    return .digit(HeardDigit(digit, .info, milliseconds: nil))
  }

  /// A key, or the number of its event: some products write 10 and 11 for `*` and `#`.
  private static func digit(_ text: String) -> Digit? {
    if text.count == 1, let first = text.first { return Digit(first) }
    guard text.count == 2, let code = UInt8(text), code >= 10 else { return nil }
    return Digit(code: code)
  }

  static func body(_ digit: Digit, _ form: Form, milliseconds: Int) -> InfoBody {
    let text = form == .relay ? "Signal=\(digit)\r\nDuration=\(milliseconds)\r\n" : "\(digit)"
    return InfoBody(form.contentType, Bytes(text))
  }
}
