import SansIO

/// `include: ../common/_trunk.yaml`: replaced by the steps of the other file before anything is read (``Composer``).
struct IncludeStep: Step {
  static let keyword = "include"
  static let summary = "The steps of another file are inserted here; its path is relative to this file."
  static let examples = ["include: _answered.yaml"]

  static let shape = Shape.oneOrMore(.text)

  /// Only what is no path is still here when steps are read.
  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    throw place.problem("expected the path of a file, found \(place.kind)")
  }

  var text: String { "include" }
  func begin(_ script: inout Script, at now: Instant) -> StepProgress { .done }
}
