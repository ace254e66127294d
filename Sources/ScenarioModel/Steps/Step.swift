import SansIO

/// One line of a scenario. Each kind has a file of its own with its keyword, its reading and what it does; ``StepRegistry`` lists them.
public protocol Step: Sendable {
  static var keyword: String { get }
  /// One sentence for documentation.
  static var summary: String { get }
  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem)
  /// The step as a line for the journal and for findings.
  var text: String { get }
  /// Does what the step does, through ``Script/commands``.
  func begin(_ script: inout Script, at now: Instant) -> StepProgress
  /// Looks again, after news or when the deadline came. Steps that wait for nothing leave it out.
  func look(_ script: inout Script, at now: Instant) -> StepProgress
}

extension Step {
  public func look(_ script: inout Script, at now: Instant) -> StepProgress { .done }
}

/// Where a step stands.
public enum StepProgress: Sendable {
  case done
  /// Looks again at this instant at the latest.
  case waiting(until: Instant)
  case failed(Finding)
}

/// What the steps before have named, while a file is read.
public struct StepScope {
  let scenario: Scenario
  var legs: [String] = []

  func member(_ place: NodeReader) throws(SourceProblem) -> String { try place.word(scenario.cast.map { ($0.name, $0.name) }) }
  /// A member and its number in the order of the cast.
  func numbered(_ place: NodeReader) throws(SourceProblem) -> (String, Int) {
    try place.word(scenario.cast.enumerated().map { ($1.name, ($1.name, $0)) })
  }
  func account(_ place: NodeReader) throws(SourceProblem) -> String { try place.word(scenario.accounts.map { ($0.name, $0.name) }) }
  func leg(_ place: NodeReader) throws(SourceProblem) -> String { try place.word(legs.map { ($0, $0) }) }
}

/// All kinds of steps.
public enum StepRegistry {
  public static let kinds: [any Step.Type] = [
    CallStep.self, ExpectStep.self, SpeakStep.self, HangUpStep.self, CancelStep.self, HoldStep.self, ResumeStep.self, ReinviteStep.self,
    RegisterStep.self, UnregisterStep.self, OptionsStep.self, FaultStep.self, WaitStep.self, RegeneratePasswordStep.self,
    ChangePolicyStep.self, DeactivateStep.self, EndSessionStep.self, InAnyOrderStep.self, NeverStep.self, SendStep.self,
    ReplyStep.self, RequestStep.self,
  ]

  static func read(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) -> any Step {
    let pairs = try place.pairs()
    guard pairs.count == 1, let (keyword, keyPlace, value) = pairs.first else { throw place.problem("a step is one keyword with its value") }
    guard let kind = kinds.first(where: { $0.keyword == keyword }) else {
      let words = kinds.map { $0.keyword }
      throw keyPlace.problem("unknown step '\(keyword)'\(Spelling.hint(for: keyword, among: words)) Known: \(words.joined(separator: ", "))")
    }
    return try kind.init(value, &scope)
  }
}
