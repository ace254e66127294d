import SIPMessage
import SansIO

/// What both kinds of messages that wire members write by rule have in common.
struct WireStep: Sendable {
  private static let from = Key.required("from", .wireMember, "Who sends.")
  private static let to = Key.required("to", .member, "To whose signalling port.")
  private static let headers = Key.optional(
    "headers", .headerLines, "Header fields by name; they stand for those that the rule would write.")
  private static let body = Key.optional("body", .text, "The body; a session description unless Content-Type says otherwise.")
  static let fields: [any DescribedField] = [from, to, headers, body]

  let from: String
  /// Our sent-by in Via.
  let via: String
  let fields: [(String, String)]
  let body: String?
  private let to: String

  init(_ fields: FieldSet, _ scope: StepScope) throws(SourceProblem) {
    from = try fields[Self.from]
    to = try fields[Self.to]
    body = try fields[Self.body]
    self.fields = (try fields[Self.headers] ?? []).flatMap { entry in entry.value.map { (entry.name, $0) } }
    scope.useNames(in: ([body ?? ""] + self.fields.map(\.1)).joined(separator: "\n"))
    let member = scope.scenario.member(from)
    let address = member?.address ?? .anyV4
    via = "SIP/2.0/\((member?.transport ?? .udp).viaToken) \(address.isIPv6 ? "[\(address)]" : address.description)"
  }

  func command(_ bytes: Bytes) -> StageCommand { .send(from: from, to: to, bytes) }
}

extension ValueType where Value == [(name: String, value: [String])] {
  /// Each name with one value or several.
  static var headerLines: ValueType { .named(.oneOrMore(.text)) }
}
