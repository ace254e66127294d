import SIPMessage
import SansIO

/// What both kinds of messages that wire members write by rule have in common.
struct WireStep: Sendable {
  private static let from = Key.required("from", .wireMember, "Who sends.")
  private static let to = Key.required("to", .member, "To whose signalling port.")
  private static let headers = Key.optional(
    "headers", .headerLines, "Header fields by name; they replace those that are generated.")
  private static let body = Key.optional("body", .template, "The body; a session description unless Content-Type says otherwise.")
  static let fields: [any DescribedField] = [from, to, headers, body]

  let from: String
  /// Our sent-by in Via.
  let via: String
  private let headers: [(String, MessageTemplate)]
  private let body: MessageTemplate?
  private let to: String

  init(_ fields: FieldSet, _ scope: StepScope) throws(SourceProblem) {
    from = try fields[Self.from]
    to = try fields[Self.to]
    body = try fields[Self.body]
    headers = (try fields[Self.headers] ?? []).flatMap { entry in entry.value.map { (entry.name, $0) } }
    if body?.hasBodyLength == true, let place = fields.place(of: Self.body) {
      throw place.problem("a body cannot contain its own length: '${body.length}' is for header fields")
    }
    let member = scope.scenario.member(from)
    let address = member?.address ?? .anyV4
    let (host, port) = (address.isIPv6 ? "[\(address)]" : address.description, member?.port.map { ":\($0)" } ?? "")
    via = "SIP/2.0/\((member?.transport ?? .udp).viaToken) \(host)\(port)"
  }

  /// Header fields and body with their places filled.
  func content(_ script: inout Script) throws(MessageTemplate.Missing) -> WireContent {
    var content = WireContent(body: try body?.part(&script, sender: from))
    for (name, value) in headers {
      content.fields.append((name, try value.part(&script, sender: from, bodyLength: content.bodyBytes.utf8.count)))
    }
    return content
  }

  func command(_ bytes: Bytes) -> StageCommand { .send(from: from, to: to, bytes) }
}

/// What a scenario writes of a message besides its first line.
struct WireContent: Sendable {
  var fields: [(String, String)] = []
  var body: String?

  init(body: String?) { self.body = body }

  /// The body as it is sent, with CRLF.
  var bodyBytes: String { body?.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n") ?? "" }
}

extension ValueType where Value == [(name: String, value: [MessageTemplate])] {
  /// Each name with one value or several.
  static var headerLines: ValueType { .named(.oneOrMore(.template)) }
}
