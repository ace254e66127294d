import SansIO
import WireReader

/// `tls: pbx, is: refused, alert: unknown_ca, by: pbx, reason: "…"`, `tls: pbx, is: established, version: 1.3, certificate: new`
struct TLSExpectation: Expectation {
  static let summary = """
    Packets of a member show that one of its TLS handshakes came to its end, or that an alert ended it: read from the bytes with the \
    connection's secrets, apart from the stacks on stage.
    """
  static let examples = [
    "{ tls: pbx, is: established, version: 1.3, within: 1 s }",
    "{ tls: wire, is: established, resumed: true, within: 1 s }",
    "{ tls: kallglot, is: refused, alert: certificate_required, by: kallglot, reason: no certificate, within: 1 s }",
  ]

  private enum State: String, CaseIterable { case established, refused }

  private static let tls = Key.required("tls", .member, "Whose packets.")
  private static let state = Key.required("is", ValueType<State>.word, "`refused`: by an alert other than close_notify.")
  private static let version = Key.optional(
    "version", .words(["1.0", "1.1", "1.2", "1.3"].map { ($0, "TLS \($0)") }), "The version that was agreed on."
  ).with(.key("is", "established"))
  private static let serverName = Key.optional("serverName", .text, "The server that the ClientHello names (RFC 6066 §3).")
    .with(.key("is", "established"))
  private static let certificate = Key.optional("certificate", .text, "The common name of the certificate that the server showed.")
    .with(.key("is", "established"))
  private static let clientCertificate = Key.optional(
    "clientCertificate", .text, "The common name of the certificate that the client showed; `none` when it showed none."
  ).with(.key("is", "established"))
  private static let resumed = Key.optional(
    "resumed", .flag, "Whether it went on from an earlier session, for which the server shows no certificate (RFC 8446 §2.2)."
  ).with(.key("is", "established"))
  private static let alert = Key.optional(
    "alert", .words(TLSAlertName.all.map { ($0, $0) }), "The alert, by its name in RFC 8446 §6."
  ).with(.key("is", "refused"))
  private static let by = Key.optional("by", .member, "Who sent the alert.").with(.key("is", "refused"))
  private static let reason = Key.optional("reason", .text, "A part of the reason that this member states of itself.").with(.key("by"))
  private static let times = Key.standard("times", .count, "1", "How often, since the run began.")
  static let fields: [any DescribedField] = [
    tls, state, version, serverName, certificate, clientCertificate, resumed, alert, by, reason, times, Requirement.key,
  ]

  private let member: String
  private let isWire: Bool
  private let state: State
  private let version: String?
  private let serverName: String?
  private let certificate: String?
  private let clientCertificate: String?
  private let resumed: Bool?
  private let alert: String?
  private let by: String?
  private let reason: String?
  private let times: Count
  let rule: String

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, state) = (try fields[Self.tls], try fields[Self.state])
    isWire = if case .wire? = scope.scenario.member(member)?.role { true } else { false }
    (version, serverName) = (try fields[Self.version], try fields[Self.serverName])
    (certificate, clientCertificate) = (try fields[Self.certificate], try fields[Self.clientCertificate])
    resumed = try fields[Self.resumed]
    (alert, by, reason) = (try fields[Self.alert], try fields[Self.by], try fields[Self.reason])
    times = try fields[Self.times]
    rule = try fields[Requirement.key] ?? (state == .refused ? "RFC 8446 §6.2, RFC 5246 §7.2.2" : "RFC 8446 §4, RFC 5246 §7.3")
  }

  var text: String {
    let parts = [
      version, serverName.map { "for \($0)" }, certificate.map { "with the certificate \($0)" },
      clientCertificate.map { "with the client certificate \($0)" },
      resumed.map { $0 ? "by an earlier session" : "without an earlier session" },
      alert.map { "by the alert \($0)" }, by.map { "of \($0)" },
      reason.map { "because of '\($0)'" }, times == .atLeast(1) ? nil : times.text,
    ]
    return (["a TLS handshake of \(member) is \(state.rawValue)"] + parts.compactMap(\.self)).joined(separator: " ")
  }
  /// A wire member has no leg, only messages.
  var inquiry: Inquiry { isWire ? .messages(to: member) : .leg(of: member) }

  func judge(_ script: Script) -> Judgement {
    let all = script.tls.filter { $0.member == member }
    let met = all.filter { matches($0.seen) }
    let last = all.last?.seen
    if state == .refused, let reason, !met.isEmpty, !isStated(reason, script) {
      let stated = script.connectionFailures.last { $0.member == by }?.reason
      return .open("\(by ?? "nobody") says: \(stated ?? "nothing")", met.last?.seen.evidence)
    }
    return times.judge(met.count, last.map(Self.describe) ?? "no handshake of \(member) came to an end", last?.evidence)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    guard let seen = script.tls.last(where: { $0.member == member && matches($0.seen) })?.seen else { return ("it became true", nil) }
    return (Self.describe(seen), seen.evidence)
  }

  private func isStated(_ reason: String, _ script: Script) -> Bool {
    script.connectionFailures.contains { $0.member == by && $0.reason.contains(reason) }
  }

  private func matches(_ seen: SeenTLS) -> Bool {
    switch (state, seen.what) {
    case (.established, .established(let facts)):
      return version.map { $0 == facts.versionName } ?? true && serverName.map { $0 == facts.serverName } ?? true
        && certificate.map { $0 == facts.certificates.server?.commonName } ?? true
        && clientCertificate.map { $0 == facts.certificates.client?.commonName ?? "none" } ?? true
        && resumed.map { $0 == facts.isResumed } ?? true
    case (.refused, .alert(let name)):
      return alert.map { $0 == TLSAlertName.bare(name) } ?? true && by.map { ($0 == member) == seen.isOwn } ?? true
    case (.established, .alert), (.refused, .established): return false
    }
  }

  private static func describe(_ seen: SeenTLS) -> String {
    switch seen.what {
    case .established(let facts):
      let shown =
        facts.certificates.server?.commonName.map { ", with the certificate \($0)" } ?? (facts.isResumed ? ", by an earlier session" : "")
      return "\(facts.versionName) was agreed on with \(seen.remote)\(shown)"
    case .alert(let name): return seen.isOwn ? "it sent \(seen.remote) the alert \(name)" : "\(seen.remote) sent it the alert \(name)"
    }
  }
}
