import SDP
import SansIO

/// `switchCodec: { who: pbx, to: PCMA }`
struct SwitchCodecStep: FieldStep {
  static let keyword = "switchCodec"
  static let summary = """
    A member sends another codec of what was agreed from its next packet on, without a re-INVITE (RFC 3264 §5.1): on its newest leg that \
    is not over, or on its side of a named call. Only codecs that the answer named can be sent.
    """
  static let examples = ["switchCodec: { who: pbx, to: PCMA }"]

  private static let who = Key.required("who", .party, "Who changes.")
  private static let codec = Key.required("to", ValueType<AudioCodec>.word, "What it sends.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  static let mapping = MappingShape([who, codec, leg])

  private let member: String
  private let codec: AudioCodec
  private let leg: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, codec, leg) = (try fields[Self.who], try fields[Self.codec], try fields[Self.leg])
  }

  var text: String { "\(member) sends \(codec.rawValue) from now on\(leg.map { " on \($0)" } ?? "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = leg.map({ script.story($0, at: member) }) ?? script.live(member), story.state != .ended,
      let agreement = story.agreement
    else { return fail("\(member) has a leg that is established", "it has none", script) }
    guard agreement.sends(codec) else {
      return fail("\(codec.rawValue) is among what \(member) may send", "it is not: \(agreement.sendableText)", script)
    }
    script.commands.append(.sendCodec(story.leg, codec))
    return .done
  }

  private func fail(_ expected: String, _ observed: String, _ script: Script) -> StepProgress {
    .failed(
      Finding(
        rule: "the scenario", expected: expected, observed: observed, evidence: script.lastEvidence[member], about: .leg(of: member)))
  }
}
