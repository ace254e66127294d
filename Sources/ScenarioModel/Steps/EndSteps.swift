import SansIO

/// `hangUp: pbx`, `hangUp: leg`, `hangUp: { leg: two, at: kallglot }`
struct HangUpStep: Step {
  static let keyword = "hangUp"
  static let summary = "A member, the caller of a named leg, or a member's side of it ends the call: BYE, CANCEL or a refusal, as its state asks."

  private let name: String
  private let isMember: Bool
  /// Whose side of the named call; nil = the caller's.
  private let side: String?

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    if place.isMapping {
      let fields = try place.fields(["leg", "at"])
      (name, isMember) = (try scope.leg(try fields.required("leg")), false)
      side = try scope.member(try fields.required("at"))
      return
    }
    side = nil
    let members = scope.scenario.cast.map(\.name)
    name = try place.word((members + scope.legs).map { ($0, $0) })
    isMember = members.contains(name)
  }

  var text: String { side.map { "\($0) hangs up \(name)" } ?? "\(name) hangs up" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    let story = side.map { script.story(name, at: $0) } ?? (isMember ? script.live(name) : script.story(name))
    guard let story, story.state != .ended else {
      let observed = story?.end.map { "it is over: \($0)" } ?? "it has none"
      return .failed(
        Finding(rule: "the scenario", expected: "\(side ?? name) has a call to hang up", observed: observed, evidence: story?.evidence ?? script.lastEvidence[name]))
    }
    script.commands.append(.party(story.member, .hangUp(story.id)))
    return .done
  }
}

/// `cancel: leg`
struct CancelStep: Step {
  static let keyword = "cancel"
  static let summary = "The caller gives up a call that is not answered yet."

  private let leg: String

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) { leg = try scope.leg(place) }

  var text: String { "cancel \(leg)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = script.story(leg) else {
      return .failed(Finding(rule: "the scenario", expected: "\(leg) has been placed", observed: "it has not", evidence: nil))
    }
    script.commands.append(.party(story.member, .cancel(story.id)))
    return .done
  }
}

/// `wait: 5 s`
struct WaitStep: Step {
  static let keyword = "wait"
  static let summary = "Time passes; what happens meanwhile is kept for later expectations."

  private let duration: Duration

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) { duration = try place.duration() }

  var text: String { "wait \(duration)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    let end = script.stepBegan.advanced(by: duration)
    return now >= end ? .done : .waiting(until: end)
  }
}
