import SansIO

/// `never: { decision: capacity, is: refused, during: 5 s }`, `never: { hears: pbx, tone: 440 Hz, until: { leg: leg, is: ended } }`
struct NeverStep: Step {
  static let keyword = "never"
  static let summary = """
    Something must not become true while time passes, or until something else is so. What was seen before the step does not count. \
    At the top of a file: during the whole run.
    """
  static let examples = [
    "never: { decision: concurrency, is: refused, during: 5 s }",
    "never: { hears: pbx, tone: 440 Hz, until: { leg: leg, is: ended }, within: 10 s }",
  ]

  private static let during = Key.optional("during", .duration, "How long.")
  private static let until = Key.optional("until", .place(.expectation([])), "Until this is so.")
  private static let within = Key.standard("within", .duration, "30 s", "With `until`: how long to wait for it at most.")
  private static let others = [during.description, until.description, within.description]
  static let shape = Shape.expectation(others)

  private let wish: Prohibition
  private let until: (any Expectation)?
  private let limit: Duration

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let (expectation, fields) = try ExpectationRegistry.read(place, others: Self.others, &scope)
    wish = Prohibition(expectation)
    let during = try fields[Self.during]
    if let place = try fields[Self.until] {
      guard during == nil else { throw place.problem("only one of during and until may stand here") }
      until = try ExpectationRegistry.read(place, others: [], &scope).0
      limit = try fields[Self.within]
    } else {
      guard let during else { throw place.problem("how long? The key 'during' or 'until' is missing") }
      if fields.has("within") { throw place.problem("'within' belongs to 'until'; how long it must not be so is 'during'") }
      (until, limit) = (nil, during)
    }
  }

  var text: String { "never: \(wish.text), \(until.map { "until \($0.text), within" } ?? "during") \(limit)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.markNews()
    return look(&script, at: now)
  }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    if let finding = wish.finding(script.sinceMark) { return .failed(finding) }
    let end = script.stepBegan.advanced(by: limit)
    guard let until else { return now >= end ? .done : .waiting(until: end) }
    switch until.judge(script) {
    case .met:
      until.keep(in: &script)
      return .done
    case .holds: return now >= end ? .done : .waiting(until: end)
    case .impossible(let observed, let evidence): return fail(until, observed, evidence)
    case .open(let observed, let evidence): return now >= end ? fail(until, "\(observed) after \(limit)", evidence) : .waiting(until: end)
    }
  }

  private func fail(_ wish: any Expectation, _ observed: String, _ evidence: FrameCitation?) -> StepProgress {
    .failed(Finding(rule: wish.rule, expected: "\(wish.text) within \(limit)", observed: observed, evidence: evidence))
  }
}

/// Something that must not become true.
public struct Prohibition: Sendable {
  private let wish: any Expectation

  init(_ wish: any Expectation) { self.wish = wish }

  public var text: String { wish.text }

  /// A finding once it has become true.
  public func finding(_ script: Script) -> Finding? {
    guard case .met = wish.judge(script) else { return nil }
    let (observed, evidence) = wish.sighting(script)
    return Finding(rule: wish.rule, expected: "never: \(wish.text)", observed: observed, evidence: evidence)
  }
}
