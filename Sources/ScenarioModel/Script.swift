import KallglotPolicy
import SIPMessage
import SansIO
import SecureTransport
import WireReader

/// The state of a run that steps read and write.
public struct Script: Sendable {
  public private(set) var stories: [LegStory] = []
  public private(set) var decisions: [SeenDecision] = []
  /// What became of each member's last REGISTER, and of its last OPTIONS.
  public private(set) var registered: [String: RequestAnswer] = [:]
  public private(set) var pinged: [String: RequestAnswer] = [:]
  /// What wire members received since their last `send`.
  public private(set) var received: [String: [(message: SIPMessage, port: UInt16?, evidence: FrameCitation?)]] = [:]
  /// What became of a wire member's connection, and what it could not read.
  public private(set) var wireNews: [String: [WireNews]] = [:]
  /// The frame that the last news of all rest on.
  public private(set) var newestEvidence: FrameCitation?
  /// Rules that somebody broke so far, as packets show.
  public private(set) var breaches: [SeenBreach] = []
  /// The first things that were sent in clear, each of one kind and sender once since the last step that looks for news began.
  private(set) var plaintexts: [SeenPlaintext] = []
  /// Media ports that members did not get.
  private(set) var missingPorts: [MissingPorts] = []
  public private(set) var lastEvidence: [String: FrameCitation] = [:]
  /// Connections that could not be opened or did not last.
  /// Requests that no server took.
  private(set) var serverFailures: [(member: String, reason: String, at: Instant)] = []
  private(set) var connectionFailures: [(member: String, remote: TransportAddress, reason: String, at: Instant)] = []
  /// What packets show of the members' TLS connections, oldest first.
  private(set) var tls: [(member: String, seen: SeenTLS)] = []
  private var traffic: [MemberTraffic] = []
  /// What wire members remember of what they received.
  var wireDialogs = WireDialogs()
  /// What came to the media ports of wire members.
  var wireMedia: [String: WireMedia] = [:]
  /// What NATs and firewalls have done.
  public var nats = NATStory()
  /// Members that have another address by now, and since when.
  var moved: [(member: String, at: Instant)] = []
  /// What the running step asks for.
  public var commands: [StageCommand] = []
  /// When the running step began.
  public internal(set) var stepBegan: Instant = .zero
  /// The marks that the scenario's steps speak.
  public var marks: [SpokenMark] = []
  /// How far from its time something may be seen because of the stage alone.
  public var tolerance: Duration = .zero
  /// When the last step that did something began: what its findings look at.
  public internal(set) var acted: Instant = .zero

  /// Messages that expectations have named, for places in later messages.
  public private(set) var captured: [String: SIPMessage] = [:]
  private var made: [String: String] = [:]
  /// Certificates for DTLS that the scenario has named.
  var certificates: [String: DTLSCertificate] = [:]
  private var entropy: Entropy
  /// What there was when the running step began to look.
  private var mark = Mark()

  /// Members without a stack, whose messages later steps answer.
  private let wires: Set<String>
  /// How many packets the running step has sent so far.
  var packetsOfStep = 0
  /// Calls that steps have asked for and whose INVITE has not left, by member.
  private var asked: [String: [String]] = [:]

  private struct Mark {
    var decisions = 0
    var tls = 0
    var plaintexts = 0
    /// How often each breach had been seen.
    var breaches: [SeenBreach.Key: Int] = [:]
    var received: [String: Int] = [:]
    var wireNews: [String: Int] = [:]
    /// Tones, re-INVITEs and what marks told by the number of the story.
    var stories: [(tones: Int, reinvites: Int, marks: MarkStory.Extent)] = []
  }

  /// - Parameters:
  ///   - wires: the names of the wire members.
  ///   - entropy: where identifiers of raw messages come from.
  public init(wires: Set<String> = [], entropy: Entropy = Entropy(seed: 1)) {
    self.wires = wires
    self.entropy = entropy.fork("script")
  }

  /// The caller's side of a call that a step named.
  public func story(_ name: String) -> LegStory? { stories.last { $0.name == name } }

  /// The newest leg of a member that is up.
  public func established(_ member: String) -> LegStory? { stories.last { $0.member == member && $0.state == .established } }

  /// The newest leg of a member, whatever its state. What it refused at once is one where there is no other.
  public func newest(_ member: String) -> LegStory? {
    stories.last { $0.member == member && !$0.isTurnedAway } ?? stories.last { $0.member == member }
  }

  /// The newest leg of a member that is not over; when all are, the newest.
  public func live(_ member: String) -> LegStory? { stories.last { $0.member == member && $0.state != .ended } ?? newest(member) }

  /// A member's side of a call that a step named: both sides have the Call-ID.
  public func story(_ name: String, at member: String) -> LegStory? {
    guard let callID = story(name)?.callID else { return nil }
    return stories.last { $0.member == member && $0.callID == callID }
  }

  /// A member's side of the call with a Call-ID.
  func story(callID: String, at member: String) -> LegStory? { stories.last { $0.member == member && $0.callID == callID } }

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

  /// A step begins.
  public mutating func beginStep(at now: Instant) {
    stepBegan = now
    packetsOfStep = 0
    for member in wireMedia.keys { wireMedia[member]?.stepBegan() }
  }

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

  /// Where the certificate of a name comes from.
  func certificateEntropy(_ name: String) -> Entropy { entropy.fork("certificate.\(name)") }

  // MARK: - What is new

  /// From now on ``sinceMark`` shows what comes.
  mutating func markNews() {
    mark = Mark(
      decisions: decisions.count, tls: tls.count, plaintexts: plaintexts.count,
      breaches: Dictionary(breaches.map { ($0.key, $0.count) }, uniquingKeysWith: +),
      received: received.mapValues(\.count),
      wireNews: wireNews.mapValues(\.count),
      stories: stories.map { ($0.tones.count, $0.reinvites, $0.marks.extent) })
  }

  /// The script without what there was at the mark. States stay what they are.
  var sinceMark: Script {
    var new = self
    new.decisions.removeFirst(min(mark.decisions, decisions.count))
    new.tls.removeFirst(min(mark.tls, tls.count))
    new.plaintexts.removeFirst(min(mark.plaintexts, plaintexts.count))
    new.breaches = breaches.compactMap { seen in
      var seen = seen
      seen.count -= mark.breaches[seen.key] ?? 0
      return seen.count > 0 ? seen : nil
    }
    for (member, count) in mark.received { new.received[member]?.removeFirst(min(count, received[member]?.count ?? 0)) }
    for (member, count) in mark.wireNews { new.wireNews[member]?.removeFirst(min(count, wireNews[member]?.count ?? 0)) }
    for (index, old) in mark.stories.enumerated() {
      new.stories[index].tones.removeFirst(old.tones)
      new.stories[index].marks.forget(old.marks)
      new.stories[index].forgetReinvites(old.reinvites)
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

  /// A step has asked a member for a call.
  public mutating func ask(_ member: String, callNamed name: String) { asked[member, default: []].append(name) }

  /// The running step asks a leg for digits.
  mutating func ask(_ story: LegStory, _ press: DigitPress) {
    guard let index = stories.lastIndex(where: { $0.member == story.member && $0.callID == story.callID }) else { return }
    stories[index].press = LegStory.Press(began: stepBegan, isInfo: press.way == .info)
    commands.append(.press(story.leg, press))
  }

  /// Takes a message that a member sent or received.
  public mutating func take(_ member: String, _ seen: SeenMessage, at now: Instant) {
    note(member, seen.frame)
    if !seen.isSent, wires.contains(member) {
      received[member, default: []].append((seen.message, seen.observed?.destination.port, seen.frame))
      wireDialogs.take(member, seen.message)
    }
    guard let message = seen.observed else { return }
    switch message.method {
    case .register: registered[member, default: RequestAnswer()].take(seen, message, at: now)
    case .options where message.toTag == nil || message.status != nil: pinged[member, default: RequestAnswer()].take(seen, message, at: now)
    default: takeCall(member, seen, message, at: now)
    }
  }

  private mutating func takeCall(_ member: String, _ seen: SeenMessage, _ message: ObservedMessage, at now: Instant) {
    guard !wires.contains(member) else { return }
    let known = stories.lastIndex { $0.member == member && $0.callID == message.callID }
    let begins = message.status == nil && message.method == .invite && message.toTag == nil && !seen.isCopy
    guard begins, known.map({ stories[$0].call?.continues(with: message) != true }) ?? true else {
      if let known { stories[known].take(seen, message, at: now) }
      return
    }
    // A second branch of the same INVITE is not another call (RFC 3261 §8.2.2.2).
    if let known, let call = stories[known].call, call.state != .ended { return }
    let call = CallStory(message, isSent: seen.isSent, at: now)
    if let known, stories[known].call == nil { return stories[known].begin(call, seen.frame) }
    let name = seen.isSent ? asked[member].flatMap { $0.isEmpty ? nil : $0[0] } : nil
    if name != nil { asked[member]?.removeFirst() }
    stories.append(LegStory(member: member, call: call, name: name, evidence: seen.frame))
  }

  public mutating func take(_ member: String, media packet: WireMedia.Packet) {
    wireMedia[member, default: WireMedia()].take(packet)
  }

  public mutating func take(_ member: String, wire news: WireNews, _ evidence: FrameCitation?) {
    note(member, evidence)
    wireNews[member, default: []].append(news)
  }

  /// Takes what was sent in clear; more of the same says nothing new.
  public mutating func take(_ plaintext: SeenPlaintext) {
    let known = plaintexts.dropFirst(mark.plaintexts)
    if known.contains(where: { $0.kind == plaintext.kind && $0.source == plaintext.source }) { return }
    plaintexts.append(plaintext)
  }

  /// Takes what a member says of itself.
  public mutating func take(_ member: String, _ word: MemberWord, _ evidence: FrameCitation?, at now: Instant) {
    switch word {
    case .called(let callID, let name, let target):
      asked[member]?.removeAll { $0 == name }
      if let known = stories.lastIndex(where: { $0.member == member && $0.callID == callID }) {
        stories[known].name = name ?? stories[known].name
      } else {
        stories.append(LegStory(member: member, callID: callID, name: name, target: target))
      }
    case .toneHeard, .toneEnded, .markFound, .digit, .pressed, .notPressed, .mediaDropped, .ended, .reinviteLost:
      guard let index = stories.lastIndex(where: { $0.member == member && $0.callID == word.callID }) else { return }
      stories[index].take(word, evidence, at: now)
    case .registrationFailed(let reason): registered[member, default: RequestAnswer()].giveUp(reason)
    case .optionsFailed(let reason): pinged[member, default: RequestAnswer()].giveUp(reason)
    case .connectionFailed(let remote, let reason):
      connectionFailures.append((member, remote, reason, now))
      for index in stories.indices where stories[index].member == member { stories[index].loseConnection(to: remote) }
    case .serversFailed(_, let reason): serverFailures.append((member, reason, now))
    case .portsMissing(_, let reason): missingPorts.append(MissingPorts(member: member, reason: reason, evidence: evidence, at: now))
    }
  }

  /// A member's program is no more: its legs are over, and no packet of its own will say so.
  mutating func crash(_ member: String, at now: Instant) {
    for index in stories.indices where stories[index].member == member && stories[index].state != .ended {
      let callID = stories[index].callID
      stories[index].take(.ended(callID: callID, .transportFailed, packetsReceived: nil), nil, at: now)
    }
  }

  public mutating func take(_ member: String, _ seen: SeenTLS) {
    note(member, seen.evidence)
    tls.append((member, seen))
  }

  /// All that was broken so far, as packets show it.
  public mutating func take(_ breaches: [SeenBreach]) { self.breaches = breaches }

  public mutating func take(_ member: String, callID: String?, _ decision: PolicyDecision, _ evidence: FrameCitation?, at now: Instant) {
    note(member, evidence)
    decisions.append(SeenDecision(member: member, callID: callID, decision: decision, evidence: evidence, at: now))
  }

  // MARK: - Time

  /// When waiting alone changes a story.
  public var nextDeadline: Instant? {
    var next: Instant?
    func take(_ deadline: Instant?) { if let deadline, next.map({ deadline < $0 }) ?? true { next = deadline } }
    for story in stories { take(story.call?.nextDeadline) }
    for answer in registered.values { take(answer.nextDeadline) }
    for answer in pinged.values { take(answer.nextDeadline) }
    return next
  }

  /// Looks at what waits for something that may not come.
  public mutating func settle(at now: Instant) {
    for index in stories.indices where stories[index].call?.nextDeadline.map({ $0 <= now }) == true { stories[index].settle(at: now) }
    for member in registered.keys.sorted() { registered[member]?.settle(at: now) }
    for member in pinged.keys.sorted() { pinged[member]?.settle(at: now) }
  }
}

/// What a step of the endpoint's policy decided.
public struct SeenDecision: Sendable {
  public var member: String
  public var callID: String?
  public var decision: PolicyDecision
  public var evidence: FrameCitation?
  public var at: Instant
}
