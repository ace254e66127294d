import SansIO

/// `never: { decision: capacity, is: refused, during: 5 s }`, `never: { hears: pbx, tone: 440 Hz, until: { leg: leg, is: ended } }`
struct NeverStep: Step {
  static let keyword = "never"
  static let summary = """
    Something must not become true for a time, or until something else is true. What was seen before the step does not count. \
    At the top of a file: during the whole run.
    """
  static let examples = [
    "never: { decision: concurrency, is: refused, during: 5 s }",
    "never: { hears: pbx, tone: 440 Hz, until: { leg: leg, is: ended }, within: 10 s }",
  ]

  private static let during = Key.optional("during", .duration, "How long.")
  private static let until = Key.optional("until", .place(.expectation(.alone)), "Until this is true.")
  private static let within = Key.standard("within", .duration, "30 s", "How long to wait for it at most.").with(.key("until"))
  private static let context = ExpectationContext(
    others: MappingShape([during, until, within], exactlyOneOf: [["during", "until"]]), isProhibition: true)
  static let shape = Shape.expectation(context)

  private let wish: Prohibition
  private let until: (any Expectation)?
  private let limit: Duration

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let (expectation, fields) = try ExpectationRegistry.read(place, Self.context, &scope)
    wish = Prohibition(expectation, at: place.source)
    if let place = try fields[Self.until] {
      until = try ExpectationRegistry.read(place, .alone, &scope).0
      limit = try fields[Self.within]
    } else {
      (until, limit) = (nil, try fields[Self.during] ?? .zero)
    }
  }

  var text: String { "never: \(wish.text), \(until.map { "until \($0.text), within" } ?? "during") \(limit)" }

  var ownWords: [OwnWord] { [wish.ownWord, OwnWord(until)].compactMap(\.self) }

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
    case .impossible(let sight): return fail(until, sight.text, sight.evidence)
    case .open(let sight): return now >= end ? fail(until, "\(sight.text) after \(limit)", sight.evidence) : .waiting(until: end)
    }
  }

  private func fail(_ wish: any Expectation, _ observed: String, _ evidence: FrameCitation?) -> StepProgress {
    .failed(Finding(rule: wish.rule, expected: "\(wish.text) within \(limit)", observed: observed, evidence: evidence, about: wish.inquiry))
  }
}

/// Something that must not become true.
public struct Prohibition: Sendable {
  private let wish: any Expectation
  public let place: SourcePlace

  init(_ wish: any Expectation, at place: SourcePlace) {
    self.wish = wish
    self.place = place
  }

  public var text: String { wish.text }

  var ownWord: OwnWord? { OwnWord(wish) }

  /// It is forbidden also while the calls are cleared at the end of a run.
  public var holdsToTheEnd: Bool { wish.holdsToTheEnd }

  /// A finding once it has become true.
  public func finding(_ script: Script) -> Finding? {
    guard case .met = wish.judge(script) else { return nil }
    let (observed, evidence) = wish.sighting(script)
    return Finding(rule: wish.rule, expected: "never: \(wish.text)", observed: observed, evidence: evidence, about: wish.inquiry)
  }
}
