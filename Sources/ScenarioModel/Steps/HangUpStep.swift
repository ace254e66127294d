import SansIO

/// `hangUp: pbx`, `hangUp: leg`, `hangUp: { leg: two, at: kallglot }`
struct HangUpStep: FieldStep {
  static let keyword = "hangUp"
  static let summary =
    "A member, the caller of a named leg, or a member's side of it ends the call: by BYE, CANCEL or a refusal, depending on its state."
  static let examples = ["hangUp: pbx", "hangUp: leg", "hangUp: { leg: leg, at: kallglot }"]

  private static let who = Key.optional("who", .memberOrLeg, "The member, whose newest call it is, or the leg.")
  private static let leg = Key.optional("leg", .leg, "The call.")
  private static let at = Key.optional("at", .party, "The member whose side ends it; the caller when missing.").with(.key("leg"))
  static let mapping = MappingShape([who, leg, at], exactlyOneOf: [["who", "leg"]], bare: "who")

  private let name: String
  private let isMember: Bool
  /// Whose side of the named call; nil = the caller's.
  private let side: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    let (who, leg) = (try fields[Self.who], try fields[Self.leg])
    side = try fields[Self.at]
    name = who ?? leg ?? ""
    isMember = leg == nil && scope.scenario.member(name) != nil
  }

  var text: String { side.map { "\($0) hangs up \(name)" } ?? "\(name) hangs up" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    let story = side.map { script.story(name, at: $0) } ?? (isMember ? script.live(name) : script.story(name))
    guard let story, story.state != .ended else {
      let observed = story?.end.map { "it is over: \($0)" } ?? "it has none"
      return .failed(
        Finding(
          rule: "the scenario", expected: "\(side ?? name) has a call to hang up", observed: observed,
          evidence: story?.evidence ?? script.lastEvidence[name],
          about: isMember ? .leg(of: name) : .call(name, at: side)))
    }
    script.commands.append(.hangUp(story.leg))
    return .done
  }
}
