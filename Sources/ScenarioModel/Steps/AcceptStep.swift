import SansIO

/// `accept: { by: wire, flights: 0 }`
struct AcceptStep: FieldStep {
  static let keyword = "accept"
  static let summary = """
    How a wire member behaves on connections that are opened to it from now on: as a TLS server that says nothing, or stops in the middle, \
    or sends in small pieces.
    """
  static let examples = ["accept: { by: tls, flights: 0 }", "accept: { by: tls, pieces: 1, every: 10 ms }"]

  private static let by = Key.required("by", .wireMember, "Who accepts.")
  static let mapping = MappingShape([by] + HandshakeKeys.fields)

  private let by: String
  private let form: HandshakeForm

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    by = try fields[Self.by]
    form = try HandshakeKeys.form(fields)
    try HandshakeKeys.check(by, form, fields, scope)
  }

  var text: String { "\(by) accepts connections\(HandshakeKeys.text(form))" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.commands.append(.wire(by, .accept(form)))
    return .done
  }
}
