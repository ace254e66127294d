import SansIO

/// `renegotiate: { from: wire, to: kallglot }`
struct RenegotiateStep: FieldStep {
  static let keyword = "renegotiate"
  static let summary = """
    A wire member begins a new handshake within its newest TLS connection with a member (RFC 5246 §7.4.1), which has to be one of TLS 1.2: \
    as the client by a ClientHello, as the server by a HelloRequest.
    """
  static let examples = ["renegotiate: { from: tls, to: kallglot }"]

  private static let from = Key.required("from", .wireMember, "Who begins it.")
  private static let to = Key.required("to", .member, "With whom.")
  static let mapping = MappingShape([from, to])

  private let from: String
  private let to: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to) = (try fields[Self.from], try fields[Self.to])
    guard scope.scenario.member(from)?.transport != .tls else { return }
    throw (fields.place(of: Self.from) ?? fields.place).problem("\(from) has no TLS, whose handshake could begin anew")
  }

  var text: String { "\(from) begins a new handshake within its TLS connection with \(to)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetMessages(from)
    script.commands.append(.wire(from, .renegotiate(with: to)))
    return .done
  }
}
