import SansIO

/// `connect: { from: wire, to: kallglot, flights: 1 }`
struct ConnectStep: FieldStep {
  static let keyword = "connect"
  static let summary = """
    A wire member opens a new connection, over TLS with a handshake at once: as it should be, to another name, in small pieces, or not to \
    the end. What it sends later goes on this connection.
    """
  static let examples = [
    "connect: { from: tls, to: kallglot, serverName: sip.example.com }", "connect: { from: tls, to: kallglot, flights: 1 }",
    "connect: { from: tls, to: kallglot, pieces: 1, every: 20 ms }", "connect: { from: tls, to: kallglot, resume: true }",
    "connect: { from: tls, to: kallglot, flights: 0, times: 513 }",
  ]

  private static let from = Key.required("from", .wireMember, "Who connects.")
  private static let to = Key.required("to", .member, "To whose signalling port.")
  private static let serverName = Key.optional(
    "serverName", .text, "The server that the ClientHello names (RFC 6066 §3), if not the endpoint's domain.")
  private static let resume = Key.standard(
    "resume", .flag, "false", "It offers to go on from its last TLS session, by the ticket of that (RFC 8446 §2.2, RFC 5077).")
  private static let times = Key.standard("times", .integer(1...1_000), "1", "How many connections it opens, all at once.")
  static let mapping = MappingShape([from, to, serverName, resume, times] + HandshakeKeys.fields)

  private let from: String
  private let to: String
  private let serverName: String?
  private let resumes: Bool
  private let times: Int
  private let form: HandshakeForm

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (from, to, serverName) = (try fields[Self.from], try fields[Self.to], try fields[Self.serverName])
    resumes = try fields[Self.resume]
    times = try fields[Self.times]
    form = try HandshakeKeys.form(fields)
    try HandshakeKeys.check(from, form, fields, scope)
    if resumes, scope.scenario.member(from)?.transport != .tls {
      throw (fields.place(of: Self.resume) ?? fields.place).problem("\(from) has no TLS, whose session it could resume")
    }
    if serverName != nil, scope.scenario.member(from)?.transport != .tls {
      throw (fields.place(of: Self.serverName) ?? fields.place).problem("\(from) has no TLS, in which it could name a server")
    }
  }

  var text: String {
    let count = times > 1 ? " by \(CountText.of(times, "connection"))" : ""
    let name = serverName.map { " for \($0)" } ?? ""
    return "\(from) connects to \(to)\(count)\(name)\(resumes ? ", resuming its session" : "")\(HandshakeKeys.text(form))"
  }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    script.forgetMessages(from)
    for _ in 0..<times { script.commands.append(.wire(from, .connect(to: to, serverName: serverName, resumes: resumes, form))) }
    return .done
  }
}
