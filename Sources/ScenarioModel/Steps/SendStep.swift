import SIPMessage
import SansIO

/// `send: { from: wire, to: kallglot, message: | … }`: bytes as they stand, for what no stack would send.
struct SendStep: Step {
  static let keyword = "send"
  static let summary = "A wire member sends these bytes as they stand: a message with LF lines (sent as CRLF), or hexadecimal digits."

  private let from: String
  private let to: String
  private let bytes: Bytes
  private let first: String

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let fields = try place.fields(["from", "to", "message", "hex"])
    let sender = try fields.required("from")
    from = try scope.member(sender)
    guard case .wire? = scope.scenario.member(from)?.role else { throw sender.problem("\(from) is no wire member: only those send bytes") }
    to = try scope.member(try fields.required("to"))
    if let hex = fields["hex"] {
      bytes = try hex.value("pairs of hexadecimal digits") { Self.bytes(hex: $0) }
      first = "\(bytes.count) bytes"
    } else {
      let text = try fields.required("message").text()
      bytes = Bytes(text.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n"))
      first = String(text.prefix { $0 != "\n" })
    }
  }

  private static func bytes(hex: String) -> Bytes? {
    let digits = hex.filter { !$0.isWhitespace }
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    var rest = digits[...]
    while !rest.isEmpty {
      guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    return Bytes(bytes)
  }

  var text: String { "\(from) sends to \(to): \(first)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetMessages(from)
    script.commands.append(.send(from: from, to: to, bytes))
    return .done
  }
}
