import SIPMessage
import SansIO

/// `send: { from: wire, to: kallglot, message: | … }`: bytes as they stand, for what no stack would send.
struct SendStep: FieldStep {
  static let keyword = "send"
  static let summary = """
    A wire member sends these bytes unchanged: a message with LF lines (sent as CRLF), or hexadecimal digits. Places such as \
    `${branch.one}`, `${received.To}`, `${ok.Contact.uri}` and `${body.length}` are filled when it is sent.
    """
  static let examples = ["send: { from: wire, to: kallglot, hex: \"0d 0a 0d 0a\" }"]

  private static let from = Key.required("from", .wireMember, "Who sends.")
  private static let to = Key.required("to", .member, "To whose signalling port.")
  private static let message = Key.optional("message", .template, "A message as text.")
  private static let hex = Key.optional("hex", .hexadecimal, "Bytes as pairs of hexadecimal digits.")
  private static let inClear = Key.standard(
    "inClear", .flag, "false", "In the TCP connection as they stand, though the member speaks TLS: to the port of TLS, without TLS.")
  private static let credentials = Key.optional(
    "credentials", .credentials, "Adds Authorization or Proxy-Authorization over the message's method and Request-URI."
  ).with(.key("message"))
  static let mapping = MappingShape([from, to, message, hex, credentials, inClear], exactlyOneOf: [["message", "hex"]])

  private enum Content: Sendable {
    case bytes(Bytes)
    case template(MessageTemplate)
  }

  private let from: String
  private let to: String
  private let content: Content
  private let first: String
  private let credentials: WireCredentials?
  private let isInClear: Bool

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to) = (try fields[Self.from], try fields[Self.to])
    credentials = try fields[Self.credentials]
    isInClear = try fields[Self.inClear]
    if isInClear, scope.scenario.member(from)?.transport != .tls {
      throw (fields.place(of: Self.inClear) ?? fields.place).problem("\(from) has no TLS: what it sends is in the clear anyway")
    }
    if let bytes = try fields[Self.hex] {
      (content, first) = (.bytes(bytes), CountText.of(bytes.count, "byte"))
    } else {
      guard let template = try fields[Self.message] else { throw fields.place.problem("the key 'message' is missing") }
      (content, first) = (.template(template), String(template.text.prefix { $0 != "\n" }))
    }
  }

  var text: String { "\(from) sends to \(to)\(isInClear ? ", without TLS" : ""): \(first)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    let bytes: Bytes
    switch content {
    case .bytes(let written): bytes = written
    case .template(let template):
      do {
        let message = try template.message(&script, sender: from)
        bytes = try credentials?.added(to: message, script) ?? message
      } catch { return .failed(error.finding(of: from, first, script)) }
    }
    script.forgetMessages(from)
    script.commands.append(isInClear ? .wire(from, .sendInClear(bytes, to: to)) : .send(from: from, to: to, bytes))
    return .done
  }
}
