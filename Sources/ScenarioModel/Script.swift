import KallglotPolicy
import CallControl
import Media
import SDP
import SIPMessage
import SIPUserAgent
import SansIO

/// The state of a run that steps read and write.
public struct Script: Sendable {
  public private(set) var stories: [LegStory] = []
  private var indexes: [LegKey: Int] = [:]
  public private(set) var decisions: [(member: String, leg: LegID?, decision: PolicyDecision, evidence: FrameCitation?, at: Instant)] = []
  public private(set) var registered: [String: (expires: Int?, failure: String?)] = [:]
  /// What wire members received since their last `send`.
  public private(set) var received: [String: [(message: SIPMessage, evidence: FrameCitation?)]] = [:]
  /// What became of a wire member's connection, and what it could not read.
  public private(set) var wireNews: [String: [String]] = [:]
  /// The frame that the last news of all rest on.
  public private(set) var newestEvidence: FrameCitation?
  /// The answer to each member's last OPTIONS.
  public private(set) var pinged: [String: (status: Int?, failure: String?)] = [:]
  public private(set) var violations: [SeenViolation] = []
  public private(set) var lastEvidence: [String: FrameCitation] = [:]
  /// Connections that could not be opened or did not last.
  private(set) var connectionFailures: [(member: String, remote: TransportAddress, reason: String, at: Instant)] = []
  private var traffic: [MemberTraffic] = []
  /// What wire members remember of what they received.
  var wireDialogs = WireDialogs()
  /// What the NATs have done.
  public var nats = NATStory()
  /// What the running step asks for.
  public var commands: [StageCommand] = []
  /// When the running step began.
  public var stepBegan: Instant = .zero
  /// When the last step that did something began: what its findings look at.
  public internal(set) var acted: Instant = .zero

  /// Messages that expectations have named, for places in later messages.
  public private(set) var captured: [String: SIPMessage] = [:]
  private var made: [String: String] = [:]
  private var entropy: Entropy
  /// What there was when the running step began to look.
  private var mark = Mark()

  private struct LegKey: Hashable {
    var member: String
    var leg: LegID
  }

  private struct Mark {
    var decisions = 0
    var violations = 0
    var received: [String: Int] = [:]
    var wireNews: [String: Int] = [:]
    /// Tones and re-INVITEs by the number of the story.
    var stories: [(tones: Int, reinvites: Int)] = []
  }

  /// - Parameter entropy: where identifiers of raw messages come from.
  public init(entropy: Entropy = Entropy(seed: 1)) { self.entropy = entropy.fork("script") }

  /// The caller's side of a call that a step named.
  public func story(_ name: String) -> LegStory? { stories.last { $0.name == name } }

  /// The newest leg of a member that is up.
  public func established(_ member: String) -> LegStory? { stories.last { $0.member == member && $0.state == .established } }

  /// The newest leg of a member, whatever its state.
  public func newest(_ member: String) -> LegStory? { stories.last { $0.member == member } }

  /// The newest leg of a member that is not over; when all are, the newest.
  public func live(_ member: String) -> LegStory? { stories.last { $0.member == member && $0.state != .ended } ?? newest(member) }

  /// A member's side of a call that a step named: both sides have the Call-ID.
  public func story(_ name: String, at member: String) -> LegStory? {
    guard let callID = story(name)?.callID else { return nil }
    return stories.last { $0.member == member && $0.callID == callID }
  }

  /// A member's leg by the number that it has there.
  func story(of leg: LegID, at member: String) -> LegStory? { indexes[LegKey(member: member, leg: leg)].map { stories[$0] } }

  /// The other side of a call.
  func peer(of story: LegStory) -> LegStory? { stories.last { $0.callID == story.callID && $0.member != story.member } }

  /// A new REGISTER or OPTIONS makes the last answer old.
  mutating func forgetRegistration(_ member: String) { registered[member] = nil }
  mutating func forgetMessages(_ member: String) {
    received[member] = nil
    wireNews[member] = nil
  }
  mutating func forgetPing(_ member: String) { pinged[member] = nil }

  /// The traffic of a member, by its number in the cast.
  func traffic(_ index: Int) -> MemberTraffic { traffic.indices.contains(index) ? traffic[index] : MemberTraffic() }

  /// A step is about to do something.
  public mutating func act(at now: Instant) { acted = now }

  // MARK: - Raw messages

  mutating func capture(_ message: SIPMessage, as name: String) { captured[name] = message }

  /// An identifier of a raw message; the same name is the same value in the whole run.
  mutating func madeIdentifier(_ kind: String, _ name: String) -> String {
    let key = "\(kind).\(name)"
    if let value = made[key] { return value }
    var source = entropy.fork(key)
    // A branch begins with the cookie of RFC 3261 §8.1.1.7.
    let value = kind == "branch" ? "z9hG4bK\(source.hex(12))" : source.hex(kind == "tag" ? 8 : 16)
    made[key] = value
    return value
  }

  // MARK: - What is new

  /// From now on ``sinceMark`` shows what comes.
  mutating func markNews() {
    mark = Mark(
      decisions: decisions.count, violations: violations.count, received: received.mapValues(\.count),
      wireNews: wireNews.mapValues(\.count),
      stories: stories.map { ($0.tones.count, $0.reinvites) })
  }

  /// The script without what there was at the mark. States stay what they are.
  var sinceMark: Script {
    var new = self
    new.decisions.removeFirst(min(mark.decisions, decisions.count))
    new.violations.removeFirst(min(mark.violations, violations.count))
    for (member, count) in mark.received { new.received[member]?.removeFirst(min(count, received[member]?.count ?? 0)) }
    for (member, count) in mark.wireNews { new.wireNews[member]?.removeFirst(min(count, wireNews[member]?.count ?? 0)) }
    for (index, old) in mark.stories.enumerated() {
      new.stories[index].tones.removeFirst(old.tones)
      new.stories[index].reinvites -= old.reinvites
    }
    return new
  }

  // MARK: - News

  /// What the members have sent and opened until now, in the order of the cast.
  public mutating func take(_ traffic: [MemberTraffic]) { self.traffic = traffic }

  private mutating func note(_ member: String, _ evidence: FrameCitation?) {
    guard let evidence else { return }
    lastEvidence[member] = evidence
    newestEvidence = evidence
  }

  public mutating func take(_ member: String, _ message: SIPMessage, _ evidence: FrameCitation?) {
    note(member, evidence)
    received[member, default: []].append((message, evidence))
    wireDialogs.take(member, message)
  }

  public mutating func take(_ member: String, wire news: String, _ evidence: FrameCitation?) {
    note(member, evidence)
    wireNews[member, default: []].append(news)
  }

  public mutating func take(_ member: String, _ event: CallAgentEvent, _ evidence: FrameCitation?, at now: Instant) {
    note(member, evidence)
    switch event {
    case .started(let id, let facts):
      indexes[LegKey(member: member, leg: id)] = stories.count
      stories.append(LegStory(member: member, id: id, callID: facts.callID, name: facts.name, peer: facts.peer, evidence: evidence))
    case .registered(_, let expires): registered[member] = (expires, nil)
    case .registrationFailed(_, let reason): registered[member] = (nil, reason)
    case .violation(let leg, let violation):
      violations.append(SeenViolation(member: member, leg: leg, what: .rule(violation), evidence: evidence, at: now))
    case .portsMissing(let leg, let reason):
      violations.append(SeenViolation(member: member, leg: leg, what: .noMediaPort(reason), evidence: evidence, at: now))
    case .malformed(let source, let rule):
      violations.append(SeenViolation(member: member, leg: nil, what: .malformed(from: source, rule), evidence: evidence, at: now))
    case .requestRefused, .redirected: break  // The message itself is seen.
    case .ringing, .established, .earlyMedia, .renegotiated, .reinviteFailed, .refused, .toneHeard, .toneEnded, .reason, .ended,
      .mediaStarted,
      .mediaLatched:
      guard let leg = event.leg, let index = indexes[LegKey(member: member, leg: leg)] else { return }
      stories[index].take(event, evidence, at: now)
    case .optionsAnswered(let status): pinged[member] = (status, nil)
    case .optionsFailed(let reason): pinged[member] = (nil, reason)
    case .connectionFailed(let remote, let reason): connectionFailures.append((member, remote, reason, now))
    case .note, .listening, .listenFailed, .acceptsAgain, .socketFailed, .mediaPorts: break
    }
  }

  public mutating func take(_ member: String, _ leg: LegID?, _ decision: PolicyDecision, _ evidence: FrameCitation?, at now: Instant) {
    note(member, evidence)
    decisions.append((member, leg, decision, evidence, now))
  }
}
