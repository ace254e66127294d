import SDP
import SansIO

/// What a leg is expected to be.
struct LegCondition: Sendable {
  private enum Kind: String, CaseIterable {
    case ringing, established, refused, ended, modified
    case earlyMedia = "early-media"
  }

  private static let isKey = Key.required("is", ValueType<Kind>.word, "The state of the leg.")
  private static let statusKey = Key.optional("status", .integer(300...699), "The final response's status.").with(when(.refused))
  private static let becauseKey = Key.optional("because", ValueType<EndWord>.word, "Why it ended.").with(when(.ended))
  private static let directionKey = Key.optional(
    "direction", ValueType<MediaDirection>.word, "The negotiated direction, seen from this side."
  ).with(agreed)
  private static let codecKey = Key.optional("codec", ValueType<AudioCodec>.word, "The negotiated codec.").with(agreed)
  private static let timesKey = Key.standard("times", .count, "1", "The number of re-INVITEs that were accepted.").with(when(.modified))
  private static let sayingKey = Key.optional("saying", .text, "A part of the Warning or Reason.").with(when(.refused))
  /// The states in which something has been agreed.
  private static let agreed = FieldCondition(key: "is", values: [Kind.established, .modified, .earlyMedia].map(\.rawValue))
  private static func when(_ kind: Kind) -> FieldCondition { .key("is", kind.rawValue) }
  static let fields: [any DescribedField] = [isKey, statusKey, becauseKey, directionKey, codecKey, timesKey, sayingKey, Requirement.key]

  private let kind: Kind
  private let status: Int?
  private let because: EndWord?
  private let direction: MediaDirection?
  private let codec: AudioCodec?
  private let times: Count
  private let saying: String?
  private let requirement: String?

  init(_ fields: FieldSet) throws(SourceProblem) {
    kind = try fields[Self.isKey]
    (status, because) = (try fields[Self.statusKey], try fields[Self.becauseKey])
    (direction, codec) = (try fields[Self.directionKey], try fields[Self.codecKey])
    (times, saying) = (try fields[Self.timesKey], try fields[Self.sayingKey])
    requirement = try fields[Requirement.key]
  }

  var text: String {
    var parts = [kind.rawValue]
    if let status { parts.append("with \(status)") }
    if let because { parts.append("because of \(because.rawValue)") }
    if let codec { parts.append("in \(codec.rawValue)") }
    if let direction { parts.append(direction.rawValue) }
    if kind == .modified, times != .atLeast(1) { parts.append(times.text) }
    if let saying { parts.append("saying '\(saying)'") }
    return parts.joined(separator: " ")
  }

  var rule: String { requirement ?? ownRule }

  private var ownRule: String {
    switch kind {
    case .ringing, .established: codec == nil && direction == nil ? "RFC 3261 §13" : "RFC 3264 §6"
    case .refused: "RFC 3261 §13.2.2, contract 8.1"
    case .ended: because?.rule ?? "RFC 3261 §15"
    case .modified: "RFC 3261 §14, RFC 3264 §8"
    case .earlyMedia: "RFC 3960 §3"
    }
  }

  func judge(_ story: LegStory) -> Judgement {
    let isOver = story.state == .ended
    func unmet() -> Judgement { isOver ? .impossible(Self.observed(story), story.evidence) : .open(Self.observed(story), story.evidence) }
    switch kind {
    case .ringing: return story.state != .placed && !isOver ? .met : unmet()
    case .established: return story.state == .established && agrees(story) ? .met : unmet()
    case .modified:
      guard story.state == .established, agrees(story) else { return unmet() }
      return times.judge(story.reinvites, Self.observed(story), story.evidence)
    case .earlyMedia: return story.hasEarlyMedia && agrees(story) ? .met : unmet()
    case .refused:
      guard isOver else {
        return story.state == .established ? .impossible(Self.observed(story), story.evidence) : .open(Self.observed(story), story.evidence)
      }
      guard case .refused(let actual)? = story.end, status == nil || status == actual else { return unmet() }
      return saying.map { story.refusal?.explanation?.contains($0) == true } ?? true ? .met : unmet()
    case .ended:
      guard isOver, let end = story.end else { return .open(Self.observed(story), story.evidence) }
      return because == nil || because?.matches(end) == true ? .met : unmet()
    }
  }

  private func agrees(_ story: LegStory) -> Bool {
    (direction == nil || direction == story.agreement?.direction) && (codec == nil || codec == story.agreement?.codec)
  }

  static func sighting(_ story: LegStory?) -> (String, FrameCitation?) {
    story.map { (observed($0), $0.evidence) } ?? ("it became true", nil)
  }

  private static func observed(_ story: LegStory) -> String {
    guard let end = story.end else {
      let media = story.agreement.map { ", \($0.codecName) \($0.direction.rawValue)" } ?? ""
      let changes = story.reinvites > 0 ? ", \(CountText.of(story.reinvites, "re-INVITE"))" : ""
      return "the leg is \(story.state.rawValue)\(media)\(changes)"
    }
    guard case .refused = end, let refusal = story.refusal else { return "the leg ended: \(end)" }
    return "refused with \(refusal.status) \(refusal.phrase)\(refusal.explanation.map { " (\($0))" } ?? "")"
  }
}
