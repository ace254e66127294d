import SansIO

/// `call: { from: pbx, to: session demo, as: leg }`
struct CallStep: Step {
  static let keyword = "call"
  static let summary = "A member places a call to a session, to another member or to a URI."

  private let from: String
  private let to: StageCommand.Destination
  private let name: String
  private let toText: String

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let fields = try place.fields(["from", "to", "as"])
    from = try scope.member(try fields.required("from"))
    let target = try fields.required("to")
    toText = try target.text()
    to = try Self.destination(target, toText, scope.scenario)
    name = try fields["as"]?.text() ?? "leg"
    scope.legs.append(name)
  }

  private static func destination(_ place: NodeReader, _ text: String, _ scenario: Scenario) throws(SourceProblem) -> StageCommand.Destination {
    let words = text.split(separator: " ").map(String.init)
    if words.count == 2, words[0] == "session" {
      // A session that is not given may be called as well: that is what 404 is for.
      return .session(id: scenario.sessions.first { $0.name == words[1] }?.id ?? "sess_\(words[1])")
    }
    if scenario.member(text) != nil { return .member(text) }
    if text.hasPrefix("sip:") || text.hasPrefix("sips:") { return .uri(text) }
    throw place.problem("'\(text)' is neither 'session NAME', a SIP URI nor a name of the cast\(Spelling.hint(for: text, among: scenario.cast.map(\.name)))")
  }

  var text: String { "call from \(from) to \(toText) as \(name)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.call(from: from, to: to, as: name))
    return .done
  }
}
