import SansIO

/// `close: { from: wire, to: kallglot, how: FIN }`
struct CloseStep: FieldStep {
  static let keyword = "close"
  static let summary = """
    A wire member ends its newest connection with a member: by close_notify alone (RFC 8446 §6.1), after which TCP is still there, by \
    TCP's FIN without it, or by RST. A member on UDP ends its DTLS association by close_notify.
    """
  static let examples = ["close: { from: tls, to: kallglot, how: close_notify }", "close: { from: stream, to: kallglot, how: RST }"]

  private static let from = Key.required("from", .wireMember, "Who ends it.")
  private static let to = Key.required("to", .member, "With whom.")
  private static let how = Key.standard("how", ValueType<ConnectionClose>.word, "FIN", "How.")
  static let mapping = MappingShape([from, to, how])

  private let from: String
  private let to: String
  private let how: ConnectionClose

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to, how) = (try fields[Self.from], try fields[Self.to], try fields[Self.how])
    let transport = scope.scenario.member(from)?.transport
    if transport == .udp, how == .closeNotify, scope.keyed.contains(from) { return }
    if transport == .udp { throw (fields.place(of: Self.from) ?? fields.place).problem("\(from) is on UDP, which has no connections") }
    if how == .closeNotify, transport != .tls {
      throw (fields.place(of: Self.how) ?? fields.place).problem("\(from) has no TLS, which alone has close_notify")
    }
  }

  var text: String { "\(from) ends its connection with \(to) by \(how.rawValue)" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetMessages(from)
    script.commands.append(.wire(from, .close(with: to, how)))
    return .done
  }
}
