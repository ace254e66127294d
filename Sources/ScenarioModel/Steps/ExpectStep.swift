import SansIO

/// `expect: { leg: leg, is: refused, status: 403, within: 2 s }`; the kinds stand in `Expectations`.
struct ExpectStep: Step {
  static let keyword = "expect"
  static let summary = "Waits until something is so; a finding when it is not so in time. 'optional: true' goes on without one."

  private let wish: any Expectation
  private let within: Duration
  private let isOptional: Bool

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let (wish, fields) = try ExpectationRegistry.read(place, others: ["within", "optional"], &scope)
    self.wish = wish
    within = try fields["within"]?.duration() ?? .seconds(5)
    isOptional = try fields["optional"]?.flag() ?? false
  }

  var text: String { "expect \(isOptional ? "perhaps " : "")\(wish.text) within \(within)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    let deadline = script.stepBegan.advanced(by: within)
    switch wish.judge(script) {
    case .met: return .done
    case .impossible(let observed, let evidence): return fail(observed, evidence)
    case .open(let observed, let evidence):
      return now >= deadline ? fail("\(observed) after \(within)", evidence) : .waiting(until: deadline)
    }
  }

  private func fail(_ observed: String, _ evidence: FrameCitation?) -> StepProgress {
    if isOptional { return .done }
    return .failed(Finding(rule: wish.rule, expected: "\(wish.text) within \(within)", observed: observed, evidence: evidence))
  }
}

/// `inAnyOrder: [ { leg: a, is: established }, { leg: b, is: established } ]`, or with `all:` and `within:`
struct InAnyOrderStep: Step {
  static let keyword = "inAnyOrder"
  static let summary = "Waits until all of several expectations are met, in whatever order."

  private let wishes: [any Expectation]
  private let within: Duration

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let list: NodeReader
    if place.isMapping {
      let fields = try place.fields(["all", "within"])
      list = try fields.required("all")
      within = try fields["within"]?.duration() ?? .seconds(5)
    } else {
      (list, within) = (place, .seconds(5))
    }
    var wishes: [any Expectation] = []
    for element in try list.elements() { wishes.append(try ExpectationRegistry.read(element, others: [], &scope).0) }
    guard !wishes.isEmpty else { throw list.problem("there is nothing to expect") }
    self.wishes = wishes
  }

  var text: String { "expect in any order, within \(within): \(wishes.map(\.text).joined(separator: "; "))" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    let deadline = script.stepBegan.advanced(by: within)
    for wish in wishes {
      switch wish.judge(script) {
      case .met: continue
      case .impossible(let observed, let evidence): return fail(wish, observed, evidence)
      case .open(let observed, let evidence):
        if now >= deadline { return fail(wish, "\(observed) after \(within)", evidence) }
        return .waiting(until: deadline)
      }
    }
    return .done
  }

  private func fail(_ wish: any Expectation, _ observed: String, _ evidence: FrameCitation?) -> StepProgress {
    .failed(Finding(rule: wish.rule, expected: "\(wish.text) within \(within)", observed: observed, evidence: evidence))
  }
}

/// `never: { decision: capacity, is: refused, during: 5 s }`: must not become true while time passes.
struct NeverStep: Step {
  static let keyword = "never"
  static let summary = "Time passes, and something must not become true meanwhile. At the top of a file: during the whole run."

  private let wish: Prohibition
  private let during: Duration

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let (expectation, fields) = try ExpectationRegistry.read(place, others: ["during"], &scope)
    wish = Prohibition(expectation)
    during = try fields.required("during").duration()
  }

  var text: String { "never: \(wish.text), during \(during)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    if let finding = wish.finding(script) { return .failed(finding) }
    let end = script.stepBegan.advanced(by: during)
    return now >= end ? .done : .waiting(until: end)
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
