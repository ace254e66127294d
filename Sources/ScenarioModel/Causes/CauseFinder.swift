import KallglotPolicy
import SIPMessage
import WireReader
import SansIO

extension Script {
  /// Completes a finding: what its frame is, and why it came to be.
  public func explain(_ finding: inout Finding, _ scenario: Scenario, _ witness: (any PacketWitness)?) {
    finding.exhibit = finding.evidence.flatMap { witness?.exhibit($0) }
    guard let inquiry = finding.inquiry else { return }
    // A breach is found at the end; it was there with its frame.
    if case .breach = inquiry, let exhibit = finding.exhibit { finding.at = exhibit.at }
    if case .hearing(let member, _) = inquiry, finding.exhibit?.isMedia != true, let frame = lastRTP(toward: member, scenario) {
      // Nothing was heard: the packet to look at is the one that did not come.
      (finding.evidence, finding.exhibit) = (frame, witness?.exhibit(frame) ?? finding.exhibit)
    }
    let finder = CauseFinder(script: self, scenario: scenario, network: NetworkCauses(script: self, scenario: scenario, witness: witness))
    finding.because = finder.causes(inquiry, finding)
  }

  /// The last RTP packet that the other side of a member's call sent.
  private func lastRTP(toward member: String, _ scenario: Scenario) -> FrameCitation? {
    guard let peer = live(member).flatMap(peer), let index = scenario.cast.firstIndex(where: { $0.name == peer.member }) else { return nil }
    return traffic(index).lastRTPFrame.map { FrameCitation(HostID(UInt16(index)), $0) }
  }
}

/// Looks for causes in what a run knows: the policy's decisions, the legs, the network, and what came instead.
struct CauseFinder {
  let script: Script
  let scenario: Scenario
  let network: NetworkCauses

  /// What explains a finding, the nearest first; never empty: where nothing explains it, that is said.
  func causes(_ inquiry: Inquiry, _ finding: Finding) -> [Cause] {
    var causes = special(inquiry, finding)
    if causes.isEmpty, let exhibit = finding.exhibit, let member = name(exhibit.frame.host) {
      causes = [.lastMessage(member: member, exhibit)]
    }
    return causes.isEmpty ? [.unknown([.policy, .network, .legs])] : Array(causes.prefix(6))
  }

  private func special(_ inquiry: Inquiry, _ finding: Finding) -> [Cause] {
    switch inquiry {
    case .call(let name, let member):
      guard let caller = script.story(name) else { return policy() + network.signalling() }
      guard let member else { return leg(caller) }
      return script.story(name, at: member).map(leg) ?? (leg(caller) + network.signalling()).uniqued
    case .leg(let member): return script.newest(member).map(leg) ?? absent(member)
    case .reinvite(let name):
      let legs = script.story(name).map { over($0) } ?? []
      return legs + policy() + network.losses { $0.method == SIPMethod.invite.label || $0.method == SIPMethod.ack.label }
        + network.none(of: .invite, from: caller(name))
    case .hearing(let member, let call): return hearing(member, call)
    case .digits(let member, let call): return digits(member, call)
    case .pressing(let member, let call): return pressing(member, call)
    case .latch(let member): return script.live(member).map { over($0) + media(to: $0) } ?? absent(member)
    case .sending(let member): return sending(member)
    case .ports(let member): return (script.newest(member).map { over($0) } ?? []) + decided()
    case .registration(let member): return answers(of: .register, to: member)
    case .ping(let member): return answers(of: .options, to: member)
    case .decision: return decided() + network.signalling()
    case .messages(let member): return messages(to: member)
    case .violation: return network.signalling() + network.losses { $0.isMedia }
    case .nat(let name): return network.nats { $0 == name } + network.signalling()
    case .fault(let plan): return network.passed(plan)
    case .breach(let member): return breach(member, finding)
    }
  }

  // MARK: - Legs

  /// Why a leg is as it is.
  private func leg(_ story: LegStory) -> [Cause] {
    if story.state == .ended { return over(story) }
    let lost = network.signalling()
    if let established = story.establishedAt {
      let media = story.agreement.map { [Cause.agreed(member: story.member, codec: $0.codecName, $0.direction)] } ?? []
      return [.legUp(member: story.member, since: established, byeSent: network.hasSent(.bye))] + media + lost
    }
    return policy(of: story) + lost
  }

  /// Why a leg is over; empty when it is not.
  func over(_ story: LegStory) -> [Cause] {
    guard let end = story.end, let endedAt = story.endedAt else { return [] }
    if case .refused = end {
      let decisions = policy(of: story)
      return decisions.isEmpty ? refused(story) + connections(of: story.member) + network.signalling() : decisions
    }
    var causes: [Cause] = []
    // Who was hung up on does not know why; the other side does.
    if let peer = script.peer(of: story), let peerEnd = peer.end, let at = peer.endedAt, peerEnd != .hungUpByPeer,
      peerEnd != .cancelledByPeer
    {
      causes.append(.legEnded(member: peer.member, at: at, peerEnd, reason: peer.reason))
    }
    if end == .hungUpByPeer, let missing = unacknowledged(story, endedAt) { causes.append(missing) }
    let isKnown = script.peer(of: story)?.end != nil && !causes.isEmpty && story.reason == nil
    if !isKnown { causes.append(.legEnded(member: story.member, at: endedAt, end, reason: story.reason)) }
    return causes + connections(of: story.member) + network.signalling()
  }

  /// Who refused a call, where another member did.
  private func refused(_ story: LegStory) -> [Cause] {
    guard story.call?.side == .caller, let refusal = story.refusal, let name = story.peer.flatMap({ scenario.name(of: $0.address) })
    else { return [] }
    let offered = [488, 606].contains(refusal.status) ? story.call?.offeredCodecs ?? [] : []
    return [
      .refused(by: name, status: refusal.status, phrase: refusal.phrase, explanation: refusal.explanation, offered: offered)
    ]
  }

  /// The connections of a member that failed since the step began.
  private func connections(of member: String) -> [Cause] {
    let failures = script.connectionFailures.filter { $0.member == member && $0.at >= script.acted }
    let unserved = script.serverFailures.filter { $0.member == member && $0.at >= script.acted }
    return unserved.suffix(1).map { .servers(member: member, reason: $0.reason) }
      + failures.suffix(2).map { .connection(member: member, to: $0.remote, reason: $0.reason) }
  }

  /// The peer's BYE because its 200 was not acknowledged (RFC 3261 §13.3.1.4), as far as the packets show it.
  private func unacknowledged(_ story: LegStory, _ endedAt: Instant) -> Cause? {
    guard let established = story.establishedAt, established.duration(to: endedAt) >= .seconds(31),
      let peer = script.peer(of: story)?.member
    else { return nil }
    let repeated = network.count(from: peer) { if case .response(200, SIPMethod.invite.label) = $0 { true } else { false } }.sent
    guard repeated > 1, network.count(from: story.member, { $0 == .request(.ack) }).arrived == 0 else { return nil }
    return .noACK(member: peer, sent: repeated)
  }

  func absent(_ member: String) -> [Cause] { [.noLeg(member: member)] + policy() + network.signalling() }

  private func caller(_ name: String) -> String? { script.story(name)?.member }

  // MARK: - Policy

  /// The last decision against a call.
  private func policy(of story: LegStory) -> [Cause] {
    let against = script.decisions.last {
      $0.decision.isAgainst && $0.at >= script.acted && ($0.callID == nil || $0.callID == story.callID)
    }
    guard let against else { return [] }
    // A challenge is followed by credentials, unless the caller has none.
    if against.decision.verdict == .challenged, story.state != .ended, story.state != .placed { return [] }
    return [.policy(against.decision)]
  }

  /// The last decision against any request of the step.
  private func policy() -> [Cause] {
    guard let against = script.decisions.last(where: { $0.decision.isAgainst && $0.at >= script.acted }) else { return [] }
    return (against.decision.rule == .registration ? expired(at: against.at) : []) + [.policy(against.decision)]
  }

  /// Bindings that had been granted, and were not refreshed.
  private func expired(at now: Instant) -> [Cause] {
    scenario.cast.compactMap { member in
      guard let answer = script.registered[member.name], let granted = answer.expires, granted > 0, let at = answer.expiresAt, at <= now
      else { return nil }
      return .bindingExpired(member: member.name, granted: granted, at: at)
    }
  }

  /// The step's last decisions, whatever they were.
  private func decided() -> [Cause] { script.decisions.filter { $0.at >= script.acted }.suffix(3).map { .policy($0.decision) } }

  // MARK: - Media

  private func hearing(_ member: String, _ call: String?) -> [Cause] {
    guard let story = call.map({ script.story($0, at: member) }) ?? script.live(member) else { return absent(member) }
    let tones = story.tones.filter { $0.to.map { $0 >= script.acted } ?? true }
    let instead: [Cause] = tones.isEmpty ? [] : [.heardInstead(member: member, Array(tones.suffix(4)))]
    let dropped = story.droppedMedia.map { Cause.dropped(member: member, reason: $0) }
    return over(story) + instead + dropped + (instead.isEmpty ? media(to: story) : [])
  }

  /// What the other side sent, and what became of it.
  func media(to story: LegStory) -> [Cause] {
    let sender = script.peer(of: story)?.member ?? story.peer.flatMap { scenario.name(of: $0.address) }
    guard let sender else { return network.losses { $0.isMedia } }
    let flows = network.media(from: sender)
    let direction = script.peer(of: story)?.agreement.map { [Cause.agreed(member: sender, codec: $0.codecName, $0.direction)] } ?? []
    return (flows.isEmpty ? [.sentNone(member: sender, kind: "RTP")] + direction : flows) + network.nats { _ in true }
  }

  private func sending(_ member: String) -> [Cause] {
    guard let story = script.live(member) else { return absent(member) }
    let agreed = story.agreement.map { [Cause.agreed(member: member, codec: $0.codecName, $0.direction)] } ?? []
    return over(story) + agreed + network.media(from: member)
  }

  // MARK: - Messages

  private func answers(of method: SIPMethod, to member: String) -> [Cause] {
    let lost = network.losses { $0.method == method.label || $0.isOpening } + network.nats { _ in true }
    let causes = network.unanswered(method, from: member) + policy() + connections(of: member) + lost
    return causes.isEmpty ? network.none(of: method, from: member) : causes
  }

  private func messages(to member: String) -> [Cause] {
    let came = (script.received[member] ?? []).suffix(4).compactMap { $0.evidence.flatMap(network.exhibit) }
    let instead: [Cause] = came.isEmpty ? [] : [.cameInstead(member: member, came)]
    return instead + policy() + network.signalling() + (came.isEmpty ? network.noMessage(to: member) : [])
  }

  private func breach(_ member: String, _ finding: Finding) -> [Cause] {
    if finding.exhibit?.direction == .sent { return network.losses { $0.method == SIPMethod.ack.label } }
    return finding.exhibit.map { [.lastMessage(member: member, $0)] } ?? []
  }

  private func name(_ host: HostID) -> String? {
    let names = scenario.cast.map(\.name) + scenario.boxes.map(\.name)
    return names.indices.contains(Int(host.rawValue)) ? names[Int(host.rawValue)] : nil
  }
}

extension PolicyDecision {
  /// Whether the request did not pass.
  fileprivate var isAgainst: Bool { verdict != .passed }
}

extension Array where Element: Hashable {
  /// Each once, in the order of their first places.
  var uniqued: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
