import SDP
import SIPUserAgent
import SansIO

/// `leg: leg, is: refused, status: 403`: the caller's side of a call that a step named; with `at: kallglot` that member's side of it.
struct LegExpectation: Expectation {
  static let key = "leg"
  static let summary = "The caller's side of a named call (or the side of the member 'at') is ringing, established, refused, ended, modified, or has early media."
  static let fields = LegCondition.fields + ["at"]

  private let name: String
  private let member: String?
  private let condition: LegCondition

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    name = try scope.leg(try fields.required(Self.key))
    if let place = fields["at"] { member = try scope.member(place) } else { member = nil }
    condition = try LegCondition(fields)
  }

  var text: String { "\(name) is \(condition.text)\(member.map { " at \($0)" } ?? "")" }
  var rule: String { condition.rule }

  func judge(_ script: Script) -> Judgement {
    guard let caller = script.story(name) else { return .open("\(name) has not begun", nil) }
    guard let member else { return condition.judge(caller) }
    guard let story = script.story(name, at: member) else { return .open("nothing of \(name) has come to \(member)", caller.evidence) }
    return condition.judge(story)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) {
    LegCondition.sighting(member.map { script.story(name, at: $0) } ?? script.story(name))
  }
}

/// `at: kallglot, is: established, direction: recvonly`: the newest leg of a member.
struct MemberLegExpectation: Expectation {
  static let key = "at"
  static let summary = "The newest leg of a member is ringing, established, refused, ended, modified, or has early media."
  static let fields = LegCondition.fields

  private let member: String
  private let condition: LegCondition

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    member = try scope.member(try fields.required(Self.key))
    condition = try LegCondition(fields)
  }

  var text: String { "the leg of \(member) is \(condition.text)" }
  var rule: String { condition.rule }

  func judge(_ script: Script) -> Judgement {
    guard let story = script.newest(member) else { return .open("\(member) has no leg", script.lastEvidence[member]) }
    return condition.judge(story)
  }

  func sighting(_ script: Script) -> (String, FrameCitation?) { LegCondition.sighting(script.newest(member)) }
}

/// `modification: leg, is: refused, status: 488`: what came of the last re-INVITE that this side sent.
struct ModificationExpectation: Expectation {
  static let key = "modification"
  static let summary = "The last re-INVITE on a named call was refused, with this status."
  static let fields = ["is", "status"]

  private let name: String
  private let status: Int?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    name = try scope.leg(try fields.required(Self.key))
    _ = try fields["is"]?.word([("refused", true)])
    status = try fields["status"]?.integer(300...699)
  }

  var text: String { "the re-INVITE on \(name) is refused\(status.map { " with \($0)" } ?? "")" }
  var rule: String { "RFC 3261 §14" }

  func judge(_ script: Script) -> Judgement {
    guard let story = script.story(name) else { return .open("\(name) has not begun", nil) }
    guard let failure = story.modificationFailure else { return .open("no re-INVITE was refused, \(story.modifications) went through", story.evidence) }
    return status == nil || status == failure.status ? .met : .impossible("refused: \(failure.reason)", story.evidence)
  }
}

/// What a leg is expected to be.
struct LegCondition: Sendable {
  static let fields = ["is", "status", "because", "direction", "codec", "times", "saying"]

  private enum Kind: String, CaseIterable {
    case ringing, established, refused, ended, modified
    case earlyMedia = "early-media"
  }

  private let kind: Kind
  private let status: Int?
  private let because: EndWord?
  private let direction: MediaDirection?
  private let codec: AudioCodec?
  private let times: Int
  private let saying: String?

  init(_ fields: FieldSet) throws(SourceProblem) {
    kind = try fields.required("is").word(Kind.allCases.map { ($0.rawValue, $0) })
    status = try fields["status"]?.integer(300...699)
    because = try fields["because"]?.word(EndWord.allCases.map { ($0.rawValue, $0) })
    direction = try fields["direction"]?.word(MediaDirection.allCases.map { ($0.rawValue, $0) })
    codec = try fields["codec"]?.word(AudioCodec.allCases.map { ($0.rawValue, $0) })
    times = try fields["times"]?.integer(1...1_000) ?? 1
    saying = try fields["saying"]?.text()
  }

  var text: String {
    var parts = [kind.rawValue]
    if let status { parts.append("with \(status)") }
    if let because { parts.append("because of \(because.rawValue)") }
    if let codec { parts.append("in \(codec.rawValue)") }
    if let direction { parts.append(direction.rawValue) }
    if kind == .modified, times > 1 { parts.append("\(times) times") }
    if let saying { parts.append("saying '\(saying)'") }
    return parts.joined(separator: " ")
  }

  var rule: String {
    switch kind {
    case .ringing, .established: codec == nil && direction == nil ? "RFC 3261 §13" : "RFC 3264 §6"
    case .refused: "RFC 3261 §13.2.2, contract 8.1"
    case .ended: because?.rule ?? "RFC 3261 §15"
    case .modified: "RFC 3261 §14, RFC 3264 §8"
    case .earlyMedia: "RFC 3960 §3"
    }
  }

  func judge(_ story: LegStory) -> Judgement {
    let seen = Self.observed(story)
    let isOver = story.state == .ended
    func unmet() -> Judgement { isOver ? .impossible(seen, story.evidence) : .open(seen, story.evidence) }
    switch kind {
    case .ringing: return story.state != .placed && !isOver ? .met : unmet()
    case .established: return story.state == .established && agrees(story) ? .met : unmet()
    case .modified: return story.state == .established && story.modifications >= times && agrees(story) ? .met : unmet()
    case .earlyMedia: return story.hasEarlyMedia && agrees(story) ? .met : unmet()
    case .refused:
      guard isOver else { return story.state == .established ? .impossible(seen, story.evidence) : .open(seen, story.evidence) }
      guard case .refused(let actual)? = story.end, status == nil || status == actual else { return unmet() }
      return saying.map { story.refusal?.explanation?.contains($0) == true } ?? true ? .met : unmet()
    case .ended:
      guard isOver, let end = story.end else { return .open(seen, story.evidence) }
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
      let media = story.agreement.map { ", \($0.codec.rawValue) \($0.direction.rawValue)" } ?? ""
      let changes = story.modifications > 0 ? ", \(story.modifications) re-INVITEs" : ""
      return "the leg is \(story.state.rawValue)\(media)\(changes)"
    }
    guard let refusal = story.refusal else { return "the leg ended: \(end)" }
    return "refused with \(refusal.status) \(refusal.phrase)\(refusal.explanation.map { " (\($0))" } ?? "")"
  }
}

/// Why a leg ended, as a scenario says it.
enum EndWord: String, CaseIterable, Sendable {
  case hangUp = "hang-up"
  case cancel
  case refusal
  case timerB = "timer-b"
  case missingACK = "missing-ack"
  case transport
  case silence
  case lostDialog = "lost-dialog"
  case violation

  func matches(_ end: LegEnd) -> Bool {
    switch (self, end) {
    case (.hangUp, .hungUpHere), (.hangUp, .hungUpByPeer), (.cancel, .cancelledHere), (.cancel, .cancelledByPeer), (.refusal, .refused),
      (.timerB, .timerB), (.missingACK, .ackMissing), (.transport, .transportFailed), (.silence, .mediaSilence),
      (.lostDialog, .dialogLost), (.violation, .violation):
      true
    default: false
    }
  }

  var rule: String {
    switch self {
    case .hangUp: "RFC 3261 §15.1"
    case .cancel: "RFC 3261 §9"
    case .refusal: "RFC 3261 §13.2.2"
    case .timerB: "RFC 3261 §17.1.1.2, Timer B"
    case .missingACK: "RFC 3261 §13.3.1.4"
    case .transport: "RFC 3261 §18.4"
    case .silence: "contract 8.3: no RTP on a leg"
    case .lostDialog: "RFC 3261 §12.2.1.2"
    case .violation: "RFC 3264 §6"
    }
  }
}
