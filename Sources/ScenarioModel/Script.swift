import Kallglot
import Legs
import Media
import SDP
import SIPMessage
import SIPUserAgent
import SansIO

/// What a step asks of the stage. Names are those of the cast.
public enum StageCommand: Sendable {
  /// Where a call goes.
  public enum Destination: Hashable, Sendable {
    /// A session of the endpoint: `sip:sess_…@domain`.
    case session(id: String)
    /// Another member, by its address.
    case member(String)
    /// A URI as written, sent to the endpoint.
    case uri(String)
  }

  case call(from: String, to: Destination, as: String)
  case cancel(String, LegID)
  case hangUp(String, LegID)
  case speak(String, LegID, Tone, for: Duration?)
  case register(String)
  /// Something that shall happen to a message.
  case fault(FaultPlan)
  /// A line for the journal.
  case note(String)
  /// A finding to be written into the captures it cites.
  case finding(Finding)
  case hangUpAll
}

/// A fault in the words of a scenario.
public struct FaultPlan: Hashable, Sendable {
  public enum Action: Hashable, Sendable {
    case drop
    case delay(Duration)
    case reset
  }

  public var text: String
  public var sender: String?
  public var subject: Label.Subject
  public var occurrences: ClosedRange<Int>
  public var action: Action
}

/// What the stage tells the engine.
public enum StageEvent: Sendable {
  case began
  /// A member's news, with the frame that it rests on.
  case party(String, PartyEvent, FrameCitation?)
  case decision(String, LegID?, PolicyDecision, FrameCitation?)
  /// The engine's deadline has come.
  case deadline
}

/// One leg's story as far as it is known, at one member.
public struct LegStory: Sendable {
  public enum State: String, Sendable, CaseIterable { case placed, ringing, established, ended }

  public var member: String
  public var id: LegID
  public var callID: String
  /// What the step that placed the call named it; nil at the called side.
  public var name: String?
  public var state: State = .placed
  public var refusal: (status: Int, phrase: String, explanation: String?)?
  public var end: LegEnd?
  public var agreement: AudioAgreement?
  /// What is heard now, and what was heard, in hertz.
  public var hears: Int?
  public var heard: [Int] = []
  public var report: MediaReport?
  /// The frame that brought the last news.
  public var evidence: FrameCitation?
}

/// The state of a run that steps read and write.
public struct Script: Sendable {
  public private(set) var stories: [LegStory] = []
  private var indexes: [Key: Int] = [:]
  public private(set) var decisions: [(member: String, leg: LegID?, decision: PolicyDecision, evidence: FrameCitation?)] = []
  public private(set) var registered: [String: (expires: Int?, failure: String?)] = [:]
  public private(set) var violations: [(member: String, rule: String, evidence: FrameCitation?)] = []
  public private(set) var lastEvidence: [String: FrameCitation] = [:]
  /// What the running step asks for.
  public var commands: [StageCommand] = []
  /// When the running step began.
  public var stepBegan: Instant = .zero

  private struct Key: Hashable {
    var member: String
    var leg: LegID
  }

  public init() {}

  /// The caller's side of a call that a step named.
  public func story(_ name: String) -> LegStory? { stories.last { $0.name == name } }

  /// The newest leg of a member that is up.
  public func established(_ member: String) -> LegStory? { stories.last { $0.member == member && $0.state == .established } }

  /// The newest leg of a member, whatever its state.
  public func newest(_ member: String) -> LegStory? { stories.last { $0.member == member } }

  // MARK: - News

  public mutating func take(_ member: String, _ event: PartyEvent, _ evidence: FrameCitation?) {
    if let evidence { lastEvidence[member] = evidence }
    switch event {
    case .started(let id, let facts):
      indexes[Key(member: member, leg: id)] = stories.count
      stories.append(LegStory(member: member, id: id, callID: facts.callID, name: facts.name, evidence: evidence))
    case .registered(_, let expires): registered[member] = (expires, nil)
    case .registrationFailed(_, let reason): registered[member] = (nil, reason)
    case .violation(_, let rule): violations.append((member, rule, evidence))
    case .malformed(let source, let rule): violations.append((member, "\(source) sent what is no SIP message: \(rule)", evidence))
    case .ringing(let id, _): change(member, id, evidence) { if $0.state == .placed { $0.state = .ringing } }
    case .established(let id, let agreement):
      change(member, id, evidence) {
        $0.state = .established
        $0.agreement = agreement
      }
    case .refused(let id, let status, let phrase, let explanation): change(member, id, evidence) { $0.refusal = (status, phrase, explanation) }
    case .toneHeard(let id, let frequency):
      change(member, id, evidence) {
        $0.hears = frequency
        $0.heard.append(frequency)
      }
    case .toneEnded(let id): change(member, id, evidence) { $0.hears = nil }
    case .ended(let id, let end, let report):
      change(member, id, evidence) {
        $0.state = .ended
        $0.end = end
        $0.report = report
      }
    case .mediaStarted(let id): change(member, id, evidence) { _ in }
    case .listening, .listenFailed, .connectionFailed, .optionsAnswered, .optionsFailed: break
    }
  }

  public mutating func take(_ member: String, _ leg: LegID?, _ decision: PolicyDecision, _ evidence: FrameCitation?) {
    if let evidence { lastEvidence[member] = evidence }
    decisions.append((member, leg, decision, evidence))
  }

  private mutating func change(_ member: String, _ id: LegID, _ evidence: FrameCitation?, _ body: (inout LegStory) -> Void) {
    guard let index = indexes[Key(member: member, leg: id)] else { return }
    if let evidence { stories[index].evidence = evidence }
    body(&stories[index])
  }
}
