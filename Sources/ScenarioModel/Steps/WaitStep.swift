import SansIO

/// `wait: 5 s`
struct WaitStep: FieldStep {
  static let keyword = "wait"
  static let summary = "Waits; what happens meanwhile is kept for later expectations."
  static let examples = ["wait: 5 s", "wait: 31 min"]

  private static let duration = Key.required("for", .duration, "How long.")
  static let mapping = MappingShape([duration], bare: "for")

  private let duration: Duration

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) { duration = try fields[Self.duration] }

  var text: String { "wait \(duration)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress {
    let end = script.stepBegan.advanced(by: duration)
    return now >= end ? .done : .waiting(until: end)
  }
}
