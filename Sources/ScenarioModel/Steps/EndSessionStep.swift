import KallglotPolicy
import SansIO

/// `endSession: demo`
struct EndSessionStep: FieldStep {
  static let keyword = "endSession"
  static let summary = "The API ends a session: BYE with Reason on all its legs."
  static let examples = ["endSession: demo"]

  private static let session = Key.required("session", .session, "The session.")
  static let mapping = MappingShape([session], bare: "session")

  private let session: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    try scope.needEndpoint(Self.keyword, at: fields.place)
    session = try fields[Self.session]
  }

  var text: String { "\(session) is ended by the API" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.administer(.endSession(session)))
    return .done
  }
}
