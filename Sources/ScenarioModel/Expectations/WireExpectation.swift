import SansIO

/// `wire: probe, is: closed`: what became of a wire member's connection.
struct WireExpectation: Expectation {
  static let summary = "The peer closed, reset or refused a wire member's connection, or sent it bytes that are not a SIP message."
  static let examples = ["{ wire: stream, is: closed, within: 2 s }"]

  private static let wire = Key.required("wire", .wireMember, "The wire member.")
  private static let part = Key.required(
    "is", .words(["closed", "reset", "refused", "unreadable"].map { ($0, $0) }),
    "What happened to it; `unreadable`: bytes arrived that are not a SIP message.")
  static let fields: [any DescribedField] = [wire, part]

  private let member: String
  private let part: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, part) = (try fields[Self.wire], try fields[Self.part])
    if part != "unreadable", scope.scenario.member(member)?.transport == .udp {
      throw (fields.place(of: Self.part) ?? fields.place).problem("\(member) is on UDP, which has no connection that could be \(part)")
    }
  }

  var text: String { "the connection of \(member) is \(part)" }
  var rule: String { "RFC 3261 §18" }
  var inquiry: Inquiry { .messages(to: member) }

  func judge(_ script: Script) -> Judgement {
    let news = script.wireNews[member] ?? []
    return news.contains { $0.contains(part) } ? .met : .open(news.last ?? "nothing happened to it", script.lastEvidence[member])
  }
}
