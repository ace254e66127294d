import Legs
import SDP
import SansIO

/// `hold: pbx` (as the product does it) or `hold: { on: pbx, by: inactive }`
struct HoldStep: Step {
  static let keyword = "hold"
  static let summary = "A member puts its newest call on hold: as its product does it, or by sendonly, inactive, 0.0.0.0 or inactive-then-music."

  private let member: String
  /// nil = as the product does it.
  private let form: SessionChange.HoldForm?

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    guard place.isMapping else {
      (member, form) = (try scope.member(place), nil)
      return
    }
    let fields = try place.fields(["on", "by"])
    member = try scope.member(try fields.required("on"))
    form = try fields["by"]?.word(SessionChange.HoldForm.allCases.map { ($0.rawValue, $0) })
  }

  var text: String { "\(member) holds\(form.map { " by \($0.rawValue)" } ?? "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress { script.modify(member, .hold(form), at: now) }
}

/// `resume: pbx`
struct ResumeStep: Step {
  static let keyword = "resume"
  static let summary = "A member takes its newest call off hold: a re-INVITE with sendrecv, or as its product does it."

  private let member: String

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) { member = try scope.member(place) }

  var text: String { "\(member) resumes" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress { script.modify(member, .resume, at: now) }
}

/// `reinvite: { on: pbx, form: empty, answering: sendonly }`, `reinvite: { on: pbx, form: direct-media, to: 192.0.2.50, port: 4000 }`
struct ReinviteStep: Step {
  static let keyword = "reinvite"
  static let summary = "A member sends a re-INVITE: the same session again, one without offer, or one that moves its media to another address."

  private enum Form: String, CaseIterable {
    case refresh, empty
    case directMedia = "direct-media"
    case mediaBack = "media-back"
  }

  private let member: String
  private let form: Form
  private let change: SessionChange

  init(_ place: NodeReader, _ scope: inout StepScope) throws(SourceProblem) {
    let fields = try place.fields(["on", "form", "answering", "to", "port"])
    member = try scope.member(try fields.required("on"))
    form = try fields["form"]?.word(Form.allCases.map { ($0.rawValue, $0) }) ?? .refresh
    switch form {
    case .refresh: change = .refresh
    case .empty:
      change = .askForOffer(answering: try fields["answering"]?.word(MediaDirection.allCases.map { ($0.rawValue, $0) }) ?? .sendrecv)
    case .directMedia:
      let address = try fields.required("to").address()
      change = .moveMedia(to: TransportAddress(address, port: UInt16(try fields["port"]?.integer(1...65_535) ?? 4_000)))
    case .mediaBack: change = .moveMedia(to: nil)
    }
  }

  var text: String { "\(member) sends a re-INVITE (\(form.rawValue))" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress { look(&script, at: now) }

  func look(_ script: inout Script, at now: Instant) -> StepProgress { script.modify(member, change, at: now) }
}

extension Script {
  /// Asks for a change of a member's newest leg, which may still be on its way up: the ACK comes after the 200.
  mutating func modify(_ member: String, _ change: SessionChange, at now: Instant) -> StepProgress {
    if let story = live(member), story.state == .established {
      commands.append(.party(member, .modify(story.id, change)))
      return .done
    }
    let deadline = stepBegan.advanced(by: .seconds(2))
    if now < deadline, let story = live(member), story.state != .ended { return .waiting(until: deadline) }
    return .failed(Finding(rule: "the scenario", expected: "\(member) has a call that is up", observed: "it has none", evidence: lastEvidence[member]))
  }
}
