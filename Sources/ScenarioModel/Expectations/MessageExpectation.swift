import SIPMessage
import SansIO

/// `message: wire, start: "SIP/2.0 401*", headers: { WWW-Authenticate: "*SHA-256*" }, without: [Contact], as: challenge`
///
/// Counts the messages that a wire member received since its last `send`.
struct MessageExpectation: Expectation {
  static let summary = """
    A wire member has received, since it last sent something, a message whose parts match; `*` matches any text. \
    `times: none` and `never` require that it does not arrive.
    """
  static let examples = [
    "{ message: wire, start: \"SIP/2.0 401*\", headers: { WWW-Authenticate: \"*SHA-256*\" }, without: [Contact] }",
    "{ message: wire, headers: { Record-Route: [\"<sip:near;lr>\", \"<sip:far;lr>\"], Via: { first: \"*198.51.100.10*\" } } }",
    "{ message: wire, start: \"SIP/2.0 200*\", as: ok, within: 1 s }", "{ message: wire, start: \"BYE*\", times: none, within: 2 s }",
  ]

  private static let message = Key.required("message", .wireMember, "Who received it.")
  private static let port = Key.optional("port", .integer(1...65_535), "The port that it came to; any when missing.")
  private static let start = Key.standard("start", .text, "*", "The request or status line.")
  private static let headers = Key.optional("headers", .headerPatterns, "Header fields by name, with what their values are; see below.")
  private static let without = Key.optional("without", .oneOrMore(.text), "Header fields that it must not have.")
  private static let body = Key.optional("body", .text, "The body.")
  private static let containing = Key.optional("containing", .oneOrMore(.text), "Texts that it contains anywhere.")
  private static let times = Key.standard("times", .count, "1", "How many such messages.")
  private static let name = Key.optional(
    "as", .text, "What later `send`, `reply` and `request` steps call it, to take values from it: `${ok.To.tag}`."
  ).forWishes
  static let fields: [any DescribedField] = [message, port, start, headers, without, body, containing, times, Requirement.key, name]

  private let member: String
  private let port: UInt16?
  private let pattern: MessagePattern
  private let times: Count
  private let name: String?
  let rule: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try fields[Self.message]
    port = try fields[Self.port].map(UInt16.init)
    pattern = MessagePattern(
      start: try fields[Self.start], headers: try fields[Self.headers] ?? [], without: try fields[Self.without] ?? [],
      body: try fields[Self.body],
      containing: try fields[Self.containing] ?? [])
    (times, name) = (try fields[Self.times], try fields[Self.name])
    rule = try fields[Requirement.key] ?? "the scenario's raw expectation"
    if let name, let place = fields.place(of: Self.name) {
      guard MessageTemplate.isName(name) else {
        throw place.problem(
          "'\(name)' is not a name for a message: expected letters and digits, and none of \(MessageTemplate.reservedText)")
      }
      if times == .exactly(0) || times == .atMost(0) { throw place.problem("no message can arrive to be named '\(name)'") }
      scope.messages.append(name)
      scope.notes.give(.message, name, at: place)
    }
  }

  var text: String {
    "\(member) receives \(port.map { "at port \($0) " } ?? "")"
      + "'\(pattern.start)'\(pattern.text.isEmpty ? "" : " with \(pattern.text)")\(times == .atLeast(1) ? "" : " \(times.text)")"
  }
  var inquiry: Inquiry { .messages(to: member) }

  func judge(_ script: Script) -> Judgement {
    let seen = script.received[member] ?? []
    let differences = seen.map { difference($0, script) }
    let count = differences.count { $0 == nil }
    // The message that came nearest says what to look at.
    guard count == 0, let nearest = differences.indices.max(by: { (differences[$0]?.score ?? 0, $0) < (differences[$1]?.score ?? 0, $1) })
    else {
      let last = differences.lastIndex { $0 == nil }.map { seen[$0] }
      let observed = last.map { "\(count) came, the last one '\($0.message.startLineText)'" } ?? "no message came"
      return times.judge(count, observed, last?.evidence ?? script.lastEvidence[member])
    }
    return times.judge(0, "the nearest message: \(differences[nearest]?.text ?? "")", seen[nearest].evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    guard let found = match(script) else { return ("it became true", script.newestEvidence) }
    return ("\(member) received '\(found.message.startLineText)'", found.evidence)
  }

  func keep(in script: inout Script) { if let name, let found = match(script) { script.capture(found.message, as: name) } }

  private typealias Received = (message: SIPMessage, port: UInt16?, evidence: FrameCitation?)

  private func match(_ script: Script) -> Received? { script.received[member]?.last { difference($0, script) == nil } }

  private func difference(_ received: Received, _ script: Script) -> (score: Int, text: String)? {
    if let difference = pattern.difference(received.message, script.captured) { return difference }
    guard let port, let actual = received.port, actual != port else { return nil }
    return (.max, "'\(received.message.startLineText)', which came to port \(actual)")
  }
}
