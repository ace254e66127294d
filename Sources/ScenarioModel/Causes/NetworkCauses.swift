import SIPMessage
import SansIO

/// What links, faults and NATs did to packets, as causes.
struct NetworkCauses {
  let script: Script
  let scenario: Scenario
  let witness: (any PacketWitness)?

  func exhibit(_ frame: FrameCitation) -> Exhibit? { witness?.exhibit(frame) }

  /// What was done to SIP and to the opening of connections since the step began.
  func signalling() -> [Cause] { losses { $0.method != nil || $0.isOpening || $0 == .raw } + nats { _ in true } }

  /// What was done to packets of these kinds since the step began: faults by kind, links with all kinds together.
  func losses(_ isMeant: (Label.Subject) -> Bool) -> [Cause] {
    var (faults, links, nowhere): ([Cause], [Cause], [Cause]) = ([], [], [])
    for (index, member) in scenario.cast.enumerated() {
      let flows = flows(index).filter { isMeant($0.subject) }
      for flow in flows {
        for part in flow.parts {
          let kind = flow.subject.kindName
          switch part.effect {
          case .dropped, .delayed, .changed, .corrupted:
            faults.append(.fault(part.effect, kind: kind, sender: member.name, count: part.count, of: flow.sent))
          case .unroutable:
            nowhere.append(.unroutable(kind: kind, sender: member.name, to: flow.destination.address, count: part.count))
          case .lost, .filtered: break
          }
        }
      }
      links += self.links(member.name, flows)
    }
    return faults + links + nowhere
  }

  private func links(_ sender: String, _ flows: [PacketFlow]) -> [Cause] {
    var totals: [(to: String, kinds: [String], lost: [LossCause: Int], sent: Int)] = []
    for flow in flows {
      let to = scenario.name(of: flow.destination.address) ?? flow.destination.address.description
      var lost: [LossCause: Int] = [:]
      for part in flow.parts { if case .lost(let cause) = part.effect { lost[cause, default: 0] += part.count } }
      if let index = totals.firstIndex(where: { $0.to == to }) {
        totals[index].kinds.append(flow.subject.kindName)
        totals[index].lost.merge(lost) { $0 + $1 }
        totals[index].sent += flow.sent
      } else {
        totals.append((to, [flow.subject.kindName], lost, flow.sent))
      }
    }
    return totals.filter { !$0.lost.isEmpty }.map { total in
      let why = LossCause.allCases.compactMap { cause in total.lost[cause].map { Cause.Loss(cause: cause, count: $0) } }
      return .link(
        from: sender, to: total.to, kind: total.kinds.count == 1 ? total.kinds[0] : nil, count: why.reduce(0) { $0 + $1.count },
        of: total.sent, why: why.sorted { ($1.count, $0.cause.rawValue) < ($0.count, $1.cause.rawValue) })
    }
  }

  /// What NATs and firewalls did since the step began: what they dropped, what their gateways broke, and whether they had rebooted.
  func nats(_ isMeant: (String) -> Bool) -> [Cause] {
    let broken = script.nats.botched(since: script.acted).filter { isMeant($0.nat) }.map { Cause.gateway($0.nat, $0.report) }
    let drops = script.nats.dropped(since: script.acted).filter { isMeant($0.nat) }
    let dropped: [Cause] = drops.map { drop in
      let source = scenario.name(of: drop.source) ?? drop.source.description
      return scenario.firewalls.contains { $0.name == drop.nat }
        ? .firewall(drop.nat, drop.reason, source: source, count: drop.count)
        : .nat(drop.nat, drop.reason, source: source, count: drop.count)
    }
    // A reboot explains what was dropped after it.
    let rebooted = script.nats.rebooted.filter { reboot in drops.contains { $0.nat == reboot.box } }.suffix(1)
    return broken + dropped + rebooted.map { .rebooted($0.box, at: $0.at) } + script.moved.suffix(1).map { .moved($0.member, at: $0.at) }
  }

  /// Where a member's RTP went since the step began.
  func media(from sender: String) -> [Cause] {
    guard let index = scenario.cast.firstIndex(where: { $0.name == sender }) else { return [] }
    return flows(index).filter { $0.subject.isMedia && $0.subject != .rtcp }.map { flow in
      .media(sender: sender, to: flow.destination, sent: flow.sent, parts: flow.parts)
    }
  }

  /// How many packets of some kinds a member sent since the step began, and how many of them arrived.
  func count(from member: String, _ isMeant: (Label.Subject) -> Bool) -> (sent: Int, arrived: Int) {
    guard let index = scenario.cast.firstIndex(where: { $0.name == member }) else { return (0, 0) }
    let flows = flows(index).filter { isMeant($0.subject) }
    return (flows.reduce(0) { $0 + $1.sent }, flows.reduce(0) { $0 + $1.arrived })
  }

  func hasSent(_ method: SIPMethod) -> Bool {
    scenario.cast.indices.contains { index in flows(index).contains { $0.subject == .request(method) } }
  }

  /// Says so when a member sent no request of the method.
  func none(of method: SIPMethod, from member: String?) -> [Cause] {
    guard let member, let index = scenario.cast.firstIndex(where: { $0.name == member }) else { return [] }
    let isSent = flows(index).contains { $0.subject == .request(method) }
    return isSent || witness == nil ? [] : [.sentNone(member: member, kind: method.token)]
  }

  /// Who of the others got a member's requests of a method since the step began and sent no response to any.
  func unanswered(_ method: SIPMethod, from member: String) -> [Cause] {
    guard let index = scenario.cast.firstIndex(where: { $0.name == member }) else { return [] }
    var asked: [(name: String, sent: Int)] = []
    for flow in flows(index) where flow.subject == .request(method) && flow.arrived > 0 {
      guard let name = scenario.name(of: flow.destination.address), name != member else { continue }
      if let known = asked.firstIndex(where: { $0.name == name }) {
        asked[known].sent += flow.sent
      } else {
        asked.append((name, flow.sent))
      }
    }
    return asked.filter { server in
      let sent = count(from: server.name) { if case .response(_, method.label) = $0 { true } else { false } }.sent
      return sent == 0 && scenario.cast.contains { $0.name == server.name }
    }.map { .unanswered(kind: method.token, sender: member, by: $0.name, sent: $0.sent, isInvite: method == .invite) }
  }

  /// Who of the others sent a member no message.
  func noMessage(to member: String) -> [Cause] {
    guard let witness, let target = scenario.member(member) else { return [] }
    return scenario.cast.enumerated().filter { $0.element.name != member }.compactMap { index, other in
      let isSent = witness.flows(of: index, isWhole: false).contains { flow in
        flow.destination.address == scenario.address(of: target, seenBy: other.name) && !flow.subject.isMedia
      }
      return isSent ? nil : .sentNone(member: other.name, kind: "message to \(member)")
    }
  }

  /// What passed in the whole run while a fault waited: the messages of its method, and where there were none, all of its sender's.
  func passed(_ plan: FaultPlan) -> [Cause] {
    guard let witness else { return [] }
    let senders = scenario.cast.enumerated().filter { plan.sender == nil || plan.sender == $0.element.name }
    return senders.map { index, member in
      let flows = witness.flows(of: index, isWhole: true)
      let method = flows.filter { $0.subject == plan.subject || ($0.subject.method != nil && $0.subject.method == plan.subject.method) }
      var kinds: [Cause.Passed] = []
      for flow in method.isEmpty ? flows : method {
        let kind = flow.subject.kindName
        if let known = kinds.firstIndex(where: { $0.kind == kind }) {
          kinds[known].count += flow.sent
        } else {
          kinds.append(Cause.Passed(kind: kind, count: flow.sent))
        }
      }
      let nearest = witness.sent(by: index, plan.subject).compactMap { plan.difference($0) }.max { $0.score < $1.score }?.text
      return .passed(sender: member.name, kinds, nearest: nearest)
    }
  }

  private func flows(_ index: Int) -> [PacketFlow] { witness?.flows(of: index, isWhole: false) ?? [] }
}

extension Label.Subject {
  /// RTP and RTCP.
  var isMedia: Bool {
    switch self {
    case .rtp, .rtcp: true
    case .none, .request, .response, .keepAlive, .dtls, .tlsHandshake, .tlsClose, .raw: false
    }
  }

  /// What opens a connection.
  var isOpening: Bool { self == .none || self == .tlsHandshake }
}
