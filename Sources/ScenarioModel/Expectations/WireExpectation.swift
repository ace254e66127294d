import SansIO

/// `wire: probe, is: closed`, `wire: probe, is: hello, serverName: sip.example.com`: what became of a wire member's connection.
struct WireExpectation: Expectation {
  static let summary = "The peer closed, reset or refused a wire member's connection, or sent it bytes that are not a SIP message."
  static let examples = [
    "{ wire: stream, is: closed, within: 2 s }", "{ wire: stream, is: hello, serverName: sip.example.com, within: 1 s }",
  ]

  private static let wire = Key.required("wire", .wireMember, "The wire member.")
  private static let part = Key.required(
    "is", .words(["closed", "reset", "refused", "unreadable", "hello"].map { ($0, $0) }),
    "What happened to it; `unreadable`: bytes arrived that are not a SIP message; `hello`: a TLS ClientHello.")
  private static let serverName = Key.optional("serverName", .text, "The server that the ClientHello names (RFC 6066 §3).")
    .with(.key("is", "hello"))
  static let fields: [any DescribedField] = [wire, part, serverName]

  private let member: String
  private let part: String
  private let serverName: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, part) = (try fields[Self.wire], try fields[Self.part])
    serverName = try fields[Self.serverName]
    if part != "unreadable", scope.scenario.member(member)?.transport == .udp {
      throw (fields.place(of: Self.part) ?? fields.place).problem("\(member) is on UDP, which has no connection that could be \(part)")
    }
  }

  var text: String {
    guard part == "hello" else { return "the connection of \(member) is \(part)" }
    return "\(member) receives a TLS ClientHello\(serverName.map { " that names \($0)" } ?? "")"
  }
  var rule: String { part == "hello" ? "RFC 6066 §3, RFC 5922 §4" : "RFC 3261 §18" }
  var inquiry: Inquiry { .messages(to: member) }

  func judge(_ script: Script) -> Judgement {
    let news = script.wireNews[member] ?? []
    if let serverName { return news.contains("hello for \(serverName)") ? .met : open(news, script) }
    return news.contains { $0.contains(part) } ? .met : open(news, script)
  }

  private func open(_ news: [String], _ script: Script) -> Judgement {
    .open(news.last ?? "nothing happened to it", script.lastEvidence[member])
  }
}
