import Legs
import SDP
import SansIO

/// `reinvite: { on: pbx, form: empty, answering: sendonly }`, `reinvite: { on: pbx, form: direct-media, to: 192.0.2.50, port: 4000 }`
struct ReinviteStep: FieldStep {
  static let keyword = "reinvite"
  static let summary =
    "A member sends a re-INVITE: the same session again, one without offer, or one that moves its media to another address."
  static let examples = [
    "reinvite: { on: pbx }", "reinvite: { on: pbx, form: empty, answering: sendonly }",
    "reinvite: { on: pbx, form: direct-media, to: 192.0.2.50, port: 4000 }", "reinvite: { on: pbx, form: media-back }",
  ]

  private enum Form: String, CaseIterable {
    case refresh, empty
    case directMedia = "direct-media"
    case mediaBack = "media-back"
  }

  private static let on = Key.required("on", .member, "Who sends it.")
  private static let form = Key.standard("form", ValueType<Form>.word, "refresh", "What it asks for.")
  private static let answering = Key.standard(
    "answering", ValueType<MediaDirection>.word, "sendrecv", "With `empty`: the direction of the answer in the ACK.")
  private static let to = Key.optional("to", .address, "With `direct-media`: where the media goes.")
  private static let port = Key.standard("port", .integer(1...65_535), "4000", "With `direct-media`: the RTP port there.")
  static let mapping = MappingShape([on, form, answering, to, port], bare: "on")

  private let member: String
  private let form: Form
  private let change: SessionChange

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try fields[Self.on]
    form = try fields[Self.form]
    switch form {
    case .refresh: change = .refresh
    case .empty: change = .askForOffer(answering: try fields[Self.answering])
    case .directMedia:
      guard let address = try fields[Self.to] else { throw fields.place.problem("direct-media needs 'to', the address the media goes to") }
      change = .moveMedia(to: TransportAddress(address, port: UInt16(try fields[Self.port])))
    case .mediaBack: change = .moveMedia(to: nil)
    }
  }

  var text: String { "\(member) sends a re-INVITE (\(form.rawValue))" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress { script.modify(member, change, at: now) }
}
