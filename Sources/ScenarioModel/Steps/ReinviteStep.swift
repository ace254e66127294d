import SDP
import SansIO

/// `reinvite: { who: pbx, form: empty, answering: sendonly }`, `reinvite: { who: pbx, form: direct-media, to: 192.0.2.50, port: 4000 }`
struct ReinviteStep: FieldStep {
  static let keyword = "reinvite"
  static let summary =
    "A member sends a re-INVITE: the same session again, with other keys or at other ports, one without offer, or one that moves its media "
    + "to another address."
  static let examples = [
    "reinvite: { who: pbx }", "reinvite: { who: pbx, form: empty, answering: sendonly }",
    "reinvite: { who: pbx, form: direct-media, to: 192.0.2.50, port: 4000 }", "reinvite: { who: pbx, form: media-back }",
    "reinvite: { who: pbx, ports: new }",
  ]

  private enum Renewal: String, CaseIterable { case same, new }

  private enum Form: String, CaseIterable {
    case refresh, empty
    case directMedia = "direct-media"
    case mediaBack = "media-back"
  }

  private static let who = Key.required("who", .party, "Who sends it.").once("on")
  private static let form = Key.standard("form", ValueType<Form>.word, "refresh", "What it asks for.")
  private static let answering = Key.standard(
    "answering", ValueType<MediaDirection>.word, "sendrecv", "The direction of the answer in the ACK."
  ).with(.key("form", Form.empty.rawValue))
  private static let to = Key.required("to", .address, "Where the media goes.").with(moved)
  private static let port = Key.standard("port", .integer(1...65_535), "4000", "The RTP port there.").with(moved)
  private static let keys = Key.standard(
    "keys", ValueType<Renewal>.word, "same", "Whether it brings other keys of SDES (RFC 4568 §7.1.4)."
  ).with(.key("form", Form.refresh.rawValue))
  private static let ports = Key.standard(
    "ports", ValueType<Renewal>.word, "same", "Whether its media moves to other ports of its own."
  ).with(.key("form", Form.refresh.rawValue))
  private static let moved = FieldCondition.key("form", Form.directMedia.rawValue)
  static let mapping = MappingShape([who, form, answering, to, port, keys, ports], bare: "who")

  private let member: String
  private let form: Form
  private let change: ReinviteForm

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try fields[Self.who]
    form = try fields[Self.form]
    switch form {
    case .refresh:
      let (keys, ports) = (try fields[Self.keys] == .new, try fields[Self.ports] == .new)
      change = keys || ports ? .renew(keys: keys, ports: ports) : .refresh
      try Self.check(member, keys, fields, scope)
    case .empty: change = .empty(answering: try fields[Self.answering])
    case .directMedia:
      change = .directMedia(to: TransportAddress(try fields[Self.to], port: UInt16(try fields[Self.port])))
    case .mediaBack: change = .directMedia(to: nil)
    }
  }

  /// Who has no keys of SDES has none to renew.
  private static func check(_ member: String, _ renewsKeys: Bool, _ fields: FieldSet, _ scope: StepScope) throws(SourceProblem) {
    guard renewsKeys, let given = scope.scenario.member(member), case .persona = given.role, [.off, .dtls].contains(given.srtp) else {
      return
    }
    throw (fields.place(of: keys) ?? fields.place).problem(
      "\(member) has 'srtp: \(given.srtp.rawValue)', so it has no keys of SDES that could be others")
  }

  var text: String {
    switch change {
    case .renew(let keys, let ports):
      "\(member) sends a re-INVITE (\([keys ? "other keys" : nil, ports ? "other ports" : nil].compactMap(\.self).joined(separator: ", ")))"
    case .refresh, .empty, .directMedia: "\(member) sends a re-INVITE (\(form.rawValue))"
    }
  }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress { script.change(member, at: now) { .reinvite($0, change) } }
}
