import SansIO

/// `expect: { leg: leg, is: refused, status: 403, within: 2 s }`; the kinds stand in `Expectations`.
struct ExpectStep: Step {
  static let keyword = "expect"
  static let summary = "Waits until something is true; a finding if it is not true in time."
  static let examples = [
    "expect: { leg: leg, is: established, within: 2 s }", "expect: { leg: leg, is: ringing, within: 1 s, optional: true }",
    "expect: { message: wire, start: \"INVITE*\", times: 2, notBefore: 500 ms, within: 510 ms }",
  ]

  static let within = Key.standard("within", .duration, "5 s", "How long to wait at most.", inherits: true)
  static let notBefore = Key.standard(
    "notBefore", .duration, "0",
    "How long after the step began at the earliest: what is so before, as by a timer that is too fast, is a finding.")
  static let optional = Key.standard("optional", .flag, "false", "Continues without a finding when the time is over.")
  private static let context = ExpectationContext(others: MappingShape([within, notBefore, optional]))
  static let shape = Shape.expectation(context)

  private let wish: any Expectation
  private let within: Duration
  private let notBefore: Duration
  private let isOptional: Bool

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let (wish, fields) = try ExpectationRegistry.read(place, Self.context, &scope)
    self.wish = wish
    (within, isOptional) = (try fields[Self.within], try fields[Self.optional])
    notBefore = try fields[Self.notBefore]
    guard notBefore > .zero, let place = fields.place(of: Self.notBefore) else { return }
    guard notBefore <= within else { throw place.problem("\(notBefore) is later than 'within', \(within)") }
    try ExpectationRegistry.checkMoment(fields, at: place)
  }

  var text: String { "expect \(isOptional ? "perhaps " : "")\(wish.text) \(period)" }
  private var period: String { notBefore > .zero ? "not before \(notBefore), but within \(within)" : "within \(within)" }

  var ownWords: [OwnWord] { [OwnWord(wish)].compactMap(\.self) }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    let hasLowerBound = notBefore > .zero
    let deadline = script.stepBegan.advanced(by: hasLowerBound ? within + script.tolerance : within)
    let isEarly = hasLowerBound && now < script.stepBegan.advanced(by: notBefore - script.tolerance)
    switch wish.judge(script) {
    case .met where isEarly, .holds where isEarly: return failEarly(script, at: now)
    case .met: break
    case .holds: if now < deadline { return .waiting(until: deadline) }
    case .impossible(let sight): return fail(sight.text, sight.evidence)
    case .open(let sight): return now >= deadline ? fail("\(sight.text) after \(within)", sight.evidence) : .waiting(until: deadline)
    }
    wish.keep(in: &script)
    return .done
  }

  private func failEarly(_ script: Script, at now: Instant) -> StepProgress {
    let (observed, evidence) = wish.sighting(script)
    return .failed(finding("\(observed) already after \(script.stepBegan.duration(to: now))", evidence))
  }

  private func fail(_ observed: String, _ evidence: FrameCitation?) -> StepProgress {
    if isOptional { return .done }
    return .failed(finding(observed, evidence))
  }

  private func finding(_ observed: String, _ evidence: FrameCitation?) -> Finding {
    Finding(rule: wish.rule, expected: "\(wish.text) \(period)", observed: observed, evidence: evidence, about: wish.inquiry)
  }
}
