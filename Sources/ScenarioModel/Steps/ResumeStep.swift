import SansIO

/// `resume: pbx`
struct ResumeStep: FieldStep {
  static let keyword = "resume"
  static let summary = "A member takes its newest call off hold: a re-INVITE with sendrecv."
  static let examples = ["resume: pbx"]

  private static let who = Key.required("who", .party, "Who resumes.").once("on")
  static let mapping = MappingShape([who], bare: "who")

  private let member: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) { member = try fields[Self.who] }

  var text: String { "\(member) resumes" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress { script.change(member, at: now) { .resume($0) } }
}
