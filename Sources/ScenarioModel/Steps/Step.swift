import SansIO

/// One line of a scenario. Each kind has a file of its own with its keyword, its fields, its reading and what it does;
/// ``StepRegistry`` lists them, and schema and documentation are made from what they say of themselves.
public protocol Step: Sendable {
  static var keyword: String { get }
  /// One or two sentences for documentation and schema.
  static var summary: String { get }
  /// What stands after the keyword.
  static var shape: Shape { get }
  /// Lines as they stand in a file; a test reads each of them.
  static var examples: [String] { get }
  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem)
  /// The step as a line for the journal and for findings.
  var text: String { get }
  /// What the step waits for that one member alone knows.
  var ownWords: [OwnWord] { get }
  /// Does what the step does, through ``Script/commands``.
  func begin(_ script: inout Script, at now: Instant) -> StepProgress
  /// Looks again, after news or when the deadline came. Steps that wait for nothing leave it out.
  func look(_ script: inout Script, at now: Instant) -> StepProgress
}

/// Something that packets do not show: one member alone knows it.
public struct OwnWord: Hashable, Sendable {
  public var member: String
  /// `pbx hears 440 Hz`.
  public var text: String

  init?(_ wish: (any Expectation)?) {
    guard let wish, let member = wish.knownTo else { return nil }
    (self.member, text) = (member, wish.text)
  }
}

extension Step {
  public var ownWords: [OwnWord] { [] }
  public func look(_ script: inout Script, at now: Instant) -> StepProgress { .done }
}

/// A step and the line it stands on.
public struct PlacedStep: Sendable {
  public let step: any Step
  public let place: SourcePlace

  public var text: String { step.text }
}

/// A step whose value is a mapping of fields, or one value that stands for one of them.
protocol FieldStep: Step {
  static var mapping: MappingShape { get }
  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem)
}

extension FieldStep {
  static var shape: Shape { .mapping(mapping) }

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) { try self.init(try place.fields(Self.mapping, scope), &scope) }
}

/// Where a step stands.
public enum StepProgress: Sendable {
  case done
  /// Looks again at this instant at the latest.
  case waiting(until: Instant)
  case failed(Finding)
}
