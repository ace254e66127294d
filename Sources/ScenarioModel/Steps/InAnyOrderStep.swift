import SansIO

/// `inAnyOrder: [ { leg: a, is: established }, { leg: b, is: established } ]`, or with `all:` and `within:`
struct InAnyOrderStep: FieldStep {
  static let keyword = "inAnyOrder"
  static let summary = "Waits until all of several expectations are met, in any order, at the same moment."
  static let examples = [
    "inAnyOrder: [{ leg: leg, is: established }, { at: kallglot, is: established }]",
    "inAnyOrder: { all: [{ leg: leg, is: established }, { hears: pbx, tone: 440 Hz, optional: true }], within: 2 s }",
  ]

  private static let optional = Key.standard("optional", .flag, "false", "It is not waited for.")
  private static let all = Key.required(
    "all", .place(.list(.expectation(context))), "The expectations.")
  private static let context = ExpectationContext(others: MappingShape([optional]))
  static let mapping = MappingShape([all, ExpectStep.within], bare: "all")

  private let wishes: [(wish: any Expectation, place: SourcePlace)]
  private let optionals: [any Expectation]
  private let within: Duration

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    let list = try fields[Self.all]
    within = try fields[ExpectStep.within]
    var wishes: [(any Expectation, SourcePlace)] = []
    var optionals: [any Expectation] = []
    for element in try list.elements() {
      let (wish, fields) = try ExpectationRegistry.read(element, Self.context, &scope)
      if try fields[Self.optional] { optionals.append(wish) } else { wishes.append((wish, element.source)) }
    }
    guard !wishes.isEmpty else { throw list.problem("no expectations") }
    (self.wishes, self.optionals) = (wishes, optionals)
  }

  var text: String { "expect in any order, within \(within): \(wishes.map(\.wish.text).joined(separator: "; "))" }

  var ownWords: [OwnWord] { (wishes.map(\.wish) + optionals).compactMap { OwnWord($0) } }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    let deadline = script.stepBegan.advanced(by: within)
    var open: (wish: any Expectation, place: SourcePlace, sight: Sight)?
    var isWaiting = false
    for (wish, place) in wishes {
      switch wish.judge(script) {
      case .met: wish.keep(in: &script)
      case .holds: isWaiting = true
      case .impossible(let sight): return fail(wish, place, sight.text, sight.evidence)
      case .open(let sight): open = open ?? (wish, place, sight)
      }
    }
    for wish in optionals { if case .met = wish.judge(script) { wish.keep(in: &script) } }
    if let open, now >= deadline { return fail(open.wish, open.place, "\(open.sight.text) after \(within)", open.sight.evidence) }
    return open == nil && !(isWaiting && now < deadline) ? .done : .waiting(until: deadline)
  }

  private func fail(_ wish: any Expectation, _ place: SourcePlace, _ observed: String, _ evidence: FrameCitation?) -> StepProgress {
    var finding = Finding(
      rule: wish.rule, expected: "\(wish.text) within \(within)", observed: observed, evidence: evidence, about: wish.inquiry)
    finding.place = place
    return .failed(finding)
  }
}
