import SDP
import SansIO

/// `reinvite: { who: pbx, form: empty, answering: sendonly }`, `reinvite: { who: pbx, form: direct-media, to: 192.0.2.50, port: 4000 }`
struct ReinviteStep: FieldStep {
  static let keyword = "reinvite"
  static let summary =
    "A member sends a re-INVITE: the same session again, one without offer, or one that moves its media to another address."
  static let examples = [
    "reinvite: { who: pbx }", "reinvite: { who: pbx, form: empty, answering: sendonly }",
    "reinvite: { who: pbx, form: direct-media, to: 192.0.2.50, port: 4000 }", "reinvite: { who: pbx, form: media-back }",
  ]

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
  private static let moved = FieldCondition.key("form", Form.directMedia.rawValue)
  static let mapping = MappingShape([who, form, answering, to, port], bare: "who")

  private let member: String
  private let form: Form
  private let change: ReinviteForm

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try fields[Self.who]
    form = try fields[Self.form]
    switch form {
    case .refresh: change = .refresh
    case .empty: change = .empty(answering: try fields[Self.answering])
    case .directMedia:
      change = .directMedia(to: TransportAddress(try fields[Self.to], port: UInt16(try fields[Self.port])))
    case .mediaBack: change = .directMedia(to: nil)
    }
  }

  var text: String { "\(member) sends a re-INVITE (\(form.rawValue))" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress { script.change(member, at: now) { .reinvite($0, change) } }
}
