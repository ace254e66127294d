import SIPMessage
import SansIO

/// `message: wire, start: "SIP/2.0 401*", headers: { WWW-Authenticate: "*SHA-256*" }, without: [Contact]`
///
/// Counts the messages that a wire member received since its last `send`. Values match as a whole; `*` stands for any text.
struct MessageExpectation: Expectation {
  static let key = "message"
  static let summary = "A wire member received a message whose start line and header fields match; '*' stands for any text."
  static let fields = ["start", "headers", "without", "body"]

  private let member: String
  private let start: String
  private let headers: [(name: HeaderName, pattern: String)]
  private let without: [HeaderName]
  private let body: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    let place = try fields.required(Self.key)
    member = try scope.member(place)
    guard case .wire? = scope.scenario.member(member)?.role else { throw place.problem("\(member) is no wire member: only those show messages") }
    start = try fields["start"]?.text() ?? "*"
    var headers: [(HeaderName, String)] = []
    if let place = fields["headers"] { for (name, _, value) in try place.pairs() { headers.append((HeaderName(name), try value.text())) } }
    self.headers = headers
    var without: [HeaderName] = []
    if let place = fields["without"] { for element in try place.elementsOrOne() { without.append(HeaderName(try element.text())) } }
    self.without = without
    body = try fields["body"]?.text()
  }

  var text: String { "\(member) receives '\(start)'\(headers.map { " with \($0.name): \($0.pattern)" }.joined())" }
  var rule: String { "the scenario's raw expectation" }

  func judge(_ script: Script) -> Judgement {
    let seen = script.received[member] ?? []
    let differences = seen.map { difference($0.message) }
    if differences.contains(where: { $0 == nil }) { return .met }
    // The message that came nearest says what to look at.
    guard let nearest = differences.indices.max(by: { (differences[$0]?.score ?? 0, $0) < (differences[$1]?.score ?? 0, $1) }) else {
      return .open("no message came", script.lastEvidence[member])
    }
    return .open("the nearest message: \(differences[nearest]?.text ?? "")", seen[nearest].evidence)
  }

  /// nil when the message matches; else how much of it did, and what did not.
  private func difference(_ message: SIPMessage) -> (score: Int, text: String)? {
    let line = message.startLineText
    guard Wildcard.matches(start, line) else { return (0, "'\(line)'") }
    var score = 1
    for (name, pattern) in headers {
      let values = message.all(name).map(\.text)
      guard values.contains(where: { Wildcard.matches(pattern, $0) }) else {
        let actual = values.isEmpty ? "is missing" : "is '\(values.joined(separator: "', '"))'"
        return (score, "'\(line)', whose \(name) \(actual) instead of '\(pattern)'")
      }
      score += 1
    }
    for name in without where message.first(name) != nil { return (score, "'\(line)', which has \(name)") }
    if let body, !Wildcard.matches(body, message.body.text) { return (score, "'\(line)', whose body differs") }
    return nil
  }
}

/// `*` stands for any text, everything else for itself without regard to case.
enum Wildcard {
  static func matches(_ pattern: String, _ text: String) -> Bool {
    let parts = pattern.lowercased().split(separator: "*", omittingEmptySubsequences: false)
    var rest = Substring(text.lowercased())
    for (index, part) in parts.enumerated() {
      if index == 0 {
        guard rest.hasPrefix(part) else { return false }
        rest = rest.dropFirst(part.count)
      } else if index == parts.count - 1 {
        return rest.hasSuffix(part)
      } else if let range = rest.firstRange(of: part) {
        rest = rest[range.upperBound...]
      } else if !part.isEmpty {
        return false
      }
    }
    return rest.isEmpty
  }
}

/// `wire: probe, is: closed`: what became of a wire member's connection.
struct WireExpectation: Expectation {
  static let key = "wire"
  static let summary = "The peer closed or reset a wire member's connection, or sent it what is no message."
  static let fields = ["is"]

  private let member: String
  private let part: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try scope.member(try fields.required(Self.key))
    part = try fields.required("is").word([("closed", "closed"), ("reset", "reset"), ("refused", "refused")])
  }

  var text: String { "the connection of \(member) is \(part)" }
  var rule: String { "RFC 3261 §18" }

  func judge(_ script: Script) -> Judgement {
    let news = script.wireNews[member] ?? []
    return news.contains { $0.contains(part) } ? .met : .open(news.last ?? "nothing became of it", script.lastEvidence[member])
  }
}

extension SIPMessage {
  /// The first line as it came.
  var startLineText: String { bytes[0..<(bytes.firstIndex { $0 == 13 || $0 == 10 } ?? bytes.count)].text }
}
