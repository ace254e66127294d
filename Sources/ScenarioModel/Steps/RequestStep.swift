import SIPMessage
import SansIO

/// `request: { from: wire, to: kallglot, method: BYE }`
struct RequestStep: FieldStep {
  static let keyword = "request"
  static let summary = """
    A wire member sends a request within the dialog of the INVITE that it last sent or received: tags, Call-ID, target and the next CSeq \
    are those of the run, the rest is given in the file.
    """
  static let examples = [
    "request: { from: wire, to: kallglot, method: BYE }", "request: { from: wire, to: kallglot, method: INFO, cseq: 1 }",
  ]

  private static let method = Key.required("method", .text, "The method.")
  private static let uri = Key.optional("uri", .template, "The Request-URI; the peer's Contact when missing.")
  private static let cseq = Key.optional("cseq", .integer(0...2_147_483_647), "The CSeq number; the next one when missing.")
  private static let credentials = Key.optional(
    "credentials", .credentials, "Adds Authorization or Proxy-Authorization over the method and the Request-URI.")
  static let mapping = MappingShape(WireStep.fields + [method, uri, cseq, credentials])

  private let wire: WireStep
  private let method: String
  private let uri: MessageTemplate?
  private let sequence: Int?
  private let credentials: WireCredentials?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    wire = try WireStep(fields, scope)
    (method, uri, sequence) = (try fields[Self.method], try fields[Self.uri], try fields[Self.cseq])
    credentials = try fields[Self.credentials]
  }

  var text: String { "\(wire.from) sends \(method) within its dialog" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let dialog = script.wireDialogs.dialogs[wire.from] else {
      let expected = "\(wire.from) has a dialog to send \(method) in"
      return .failed(
        Finding(
          rule: "the scenario", expected: expected, observed: "no INVITE and no answer to one came",
          evidence: script.lastEvidence[wire.from], about: .messages(to: wire.from)))
    }
    do { return try send(in: dialog, &script) } catch { return .failed(error.finding(of: wire.from, method, script)) }
  }

  private func send(in dialog: WireDialogs.Dialog, _ script: inout Script) throws(MessageTemplate.Missing) -> StepProgress {
    let content = try wire.content(&script)
    let target = try uri?.part(&script, sender: wire.from)
    let next = script.wireDialogs.nextSequence(of: wire.from, method: method)
    let branch = script.wireDialogs.nextBranch(of: wire.from, method: method)
    let request = WireMessage.request(
      method, uri: target, in: dialog, via: wire.via, branch: branch, sequence: sequence.map { UInt32($0) } ?? next, content)
    let bytes = try credentials?.added(to: request, script) ?? request
    script.forgetMessages(wire.from)
    script.commands.append(wire.command(bytes))
    return .done
  }
}
