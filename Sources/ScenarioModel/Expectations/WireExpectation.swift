import SansIO
import SecureTransport

/// `wire: probe, is: closed`, `wire: probe, is: hello, serverName: sip.example.com`: what became of a wire member's connection.
struct WireExpectation: Expectation {
  static let summary = """
    The peer closed, reset or refused a wire member's connection, or sent it bytes that are not a SIP message, or a ClientHello, or \
    close_notify. What else becomes of its TLS the expectation `tls` sees.
    """
  static let examples = [
    "{ wire: stream, is: closed, within: 2 s }", "{ wire: stream, is: hello, serverName: sip.example.com, within: 1 s }",
    "{ wire: tls, is: close_notify, within: 1 s }",
  ]

  private enum Kind: String, CaseIterable, Sendable {
    case closed, reset, refused, unreadable, hello, keyed, failed
    case closeNotify = "close_notify"

    /// Whether it can happen without a connection.
    var isOfDatagrams: Bool { self == .unreadable || self == .keyed || self == .failed || self == .closeNotify }
  }

  private static let wire = Key.required("wire", .wireMember, "The wire member.")
  private static let part = Key.required(
    "is", ValueType<Kind>.word,
    "What happened to it; `unreadable`: bytes arrived that are not a SIP message; `hello`: a TLS ClientHello; "
      + "`close_notify`: the peer ends TLS or DTLS (RFC 8446 §6.1); `keyed`: its DTLS association gave keys for SRTP; `failed`: it came to "
      + "nothing.")
  private static let serverName = Key.optional("serverName", .text, "The server that the ClientHello names (RFC 6066 §3).")
    .with(.key("is", "hello"))
  private static let profile = Key.optional(
    "profile", ValueType<DTLSProtectionProfile>.profile, "The protection profile that was agreed (RFC 5764 §4.1.2)."
  ).with(.key("is", "keyed"))
  private static let saying = Key.optional("saying", .text, "A part of the reason.").with(.key("is", "failed"))
  static let fields: [any DescribedField] = [wire, part, serverName, profile, saying]

  private let member: String
  private let kind: Kind
  private let serverName: String?
  private let profile: String?
  private let saying: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, kind) = (try fields[Self.wire], try fields[Self.part])
    serverName = try fields[Self.serverName]
    (profile, saying) = (try fields[Self.profile].map { "\($0)" }, try fields[Self.saying])
    let transport = scope.scenario.member(member)?.transport
    let place = fields.place(of: Self.part) ?? fields.place
    if transport == .udp, !kind.isOfDatagrams {
      throw place.problem("\(member) is on UDP, which has no connection that could be \(kind.rawValue)")
    }
    if kind == .closeNotify, transport == .tcp { throw place.problem("\(member) is on TCP, and speaks no TLS that could end") }
  }

  var text: String {
    switch kind {
    case .closed, .reset, .refused, .unreadable: return "the connection of \(member) is \(kind.rawValue)"
    case .hello: return "\(member) receives a TLS ClientHello\(serverName.map { " that names \($0)" } ?? "")"
    case .closeNotify: return "\(member) receives close_notify"
    case .keyed: return "\(member) is keyed by DTLS\(profile.map { " for \($0)" } ?? "")"
    case .failed: return "the DTLS association of \(member) fails\(saying.map { ", saying '\($0)'" } ?? "")"
    }
  }

  var rule: String {
    switch kind {
    case .closed, .reset, .refused, .unreadable: "RFC 3261 §18"
    case .hello: "RFC 6066 §3, RFC 5922 §4"
    case .closeNotify: "RFC 8446 §6.1, RFC 5246 §7.2.1"
    case .keyed, .failed: "RFC 5763 §5, RFC 5764 §4.1"
    }
  }
  var inquiry: Inquiry { .messages(to: member) }

  func judge(_ script: Script) -> Judgement {
    let news = script.wireNews[member] ?? []
    return news.contains(where: matches) ? .met : .open(news.last?.text ?? "nothing happened to it", script.lastEvidence[member])
  }

  private func matches(_ news: WireNews) -> Bool {
    switch (news, kind) {
    case (.ended(let how), .closed), (.ended(let how), .reset), (.ended(let how), .refused): how.contains(kind.rawValue)
    case (.unreadable, .unreadable), (.closeNotify, .closeNotify): true
    case (.hello(let name), .hello): serverName == nil || name == serverName
    case (.keyed(let agreed), .keyed): profile == nil || profile == agreed
    case (.failed(let reason), .failed): saying.map { reason.contains($0) } ?? true
    default: false
    }
  }
}
