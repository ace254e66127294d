import SIPMessage
import SIPTransport
import SansIO

/// A server transaction with what it has to send again.
final class ServerEntry {
  enum Machine: Sendable {
    case invite(InviteServerTransaction)
    case other(NonInviteServerTransaction)
  }

  var machine: Machine
  let key: BranchKey
  /// For a 100 of our own; gone once the user agent answered.
  var request: SIPMessage?
  let flow: Flow
  /// Where responses go (RFC 3261 §18.2.2, RFC 3581 §4).
  let replyFlow: Flow
  /// Of the Via's sent-by.
  let viaPort: UInt16
  var response: (bytes: Bytes, label: Label)?
  /// Nothing is ever answered: the policy drops this peer.
  var isAbandoned = false

  init(machine: Machine, key: BranchKey, request: SIPMessage, flow: Flow, replyFlow: Flow, viaPort: UInt16) {
    self.machine = machine
    self.key = key
    self.request = request
    self.flow = flow
    self.replyFlow = replyFlow
    self.viaPort = viaPort
  }

  var nextDeadline: Instant? {
    switch machine {
    case .invite(let machine): machine.nextDeadline
    case .other(let machine): machine.nextDeadline
    }
  }
}

extension TransactionLayer {
  /// Sends a response in its transaction.
  public func respond(
    _ id: ServerID, _ draft: MessageDraft, status: Int, label: Label, at now: Instant, _ outputs: inout [Output]
  ) {
    guard let entry = servers[id], !entry.isAbandoned else { return }
    // A 2xx that the user agent repeats is the same bytes again.
    let bytes = label.attempt > 0 ? entry.response?.bytes ?? draft.serialized() : draft.serialized()
    let last = entry.response
    entry.response = (bytes, label)
    entry.request = nil
    if !step(id, invite: .respond(status: status), other: .respond(status: status), at: now, &outputs) { entry.response = last }
  }

  /// The flow that a request came by; nil when its transaction is over.
  public func flow(of id: ServerID) -> Flow? { servers[id]?.flow }

  /// Never answers this request, not even with 100. Its repetitions are absorbed for 64·T1, then it is forgotten; sooner when many others
  /// have been abandoned since, because a flood must not fill our memory: a repetition is then a new request to be abandoned again.
  public func abandon(_ id: ServerID, at now: Instant, _ outputs: inout [Output]) {
    guard servers[id] != nil, servers[id]?.isAbandoned == false else { return }
    servers[id]?.isAbandoned = true
    deadlines.set(.server(id), at: now.adding(nanoseconds: values.sixtyFourT1))
    if let oldest = abandoned.add(id) {
      deadlines.remove(.server(oldest))
      forget(oldest, &outputs)
    }
  }

  private func forget(_ id: ServerID, _ outputs: inout [Output]) {
    guard let entry = servers.removeValue(forKey: id) else { return }
    serversByBranch[entry.key] = nil
    outputs.append(.endedServer(id))
  }

  func receiveRequest(
    _ message: SIPMessage, _ method: SIPMethod, on flow: Flow, at now: Instant, _ outputs: inout [Output]
  ) throws(SIPHeaderError) {
    let via = try message.via()
    let toTag = via.hasTransactionBranch ? nil : try message.to().tag
    var key = try BranchKey(request: message, via: via, method: method, toTag: toTag)
    if method == .ack {
      // A peer of RFC 2543 acknowledges with the To tag of the response, which its INVITE did not have (§17.2.3).
      if toTag != nil, serversByBranch[key] == nil { key = try BranchKey(request: message, via: via, method: method) }
      receiveAck(message, key, on: flow, at: now, &outputs)
      return
    }
    if let id = serversByBranch[key] {
      guard servers[id]?.isAbandoned == false else { return }
      _ = step(id, invite: .retransmission, other: .retransmission, at: now, &outputs)
      return
    }
    _ = try message.cseq()
    _ = try message.callID()
    let id = open(message, method, key, via, on: flow)
    if method == .invite { _ = step(id, invite: .start, other: .retransmission, at: now, &outputs) }
    if method == .cancel, let target = cancelled(key) {
      outputs.append(.cancelled(target, by: id, message, flow))
    } else {
      outputs.append(.request(id, message, flow))
    }
  }

  /// The request that a CANCEL means: an INVITE, or one of another method, on which it has no effect (§9.2).
  private func cancelled(_ key: BranchKey) -> ServerID? {
    for method in [SIPMethod.invite] + SIPMethod.standard where method != .cancel && method != .ack {
      if let id = serversByBranch[key.replacing(method: method)] { return id }
    }
    return nil
  }

  private func open(_ message: SIPMessage, _ method: SIPMethod, _ key: BranchKey, _ via: Via, on flow: Flow) -> ServerID {
    let id = newServerID()
    let isReliable = flow.transport.isReliable
    let machine: ServerEntry.Machine =
      method == .invite
      ? .invite(InviteServerTransaction(values, isReliable: isReliable))
      : .other(NonInviteServerTransaction(values, isReliable: isReliable))
    servers[id] = ServerEntry(
      machine: machine, key: key, request: message, flow: flow,
      replyFlow: answersToSourcePort ? flow : flow.reply(to: via), viaPort: via.port ?? flow.transport.defaultPort)
    serversByBranch[key] = id
    return id
  }

  /// An INVITE transaction stays as it is (RFC 6026 §7.1), another one ends (RFC 3261 §17.2.4).
  func responseFailed(_ id: ServerID, at now: Instant, _ outputs: inout [Output]) {
    guard case .other? = servers[id]?.machine else { return }
    _ = step(id, invite: .retransmission, other: .transportFailed, at: now, &outputs)
  }

  private func receiveAck(_ message: SIPMessage, _ key: BranchKey, on flow: Flow, at now: Instant, _ outputs: inout [Output]) {
    guard let id = serversByBranch[key], let entry = servers[id], case .invite(let machine) = entry.machine, machine.state != .accepted
    else {
      outputs.append(.ack(message, flow))
      return
    }
    _ = step(id, invite: .ack, other: .retransmission, at: now, &outputs)
  }

  func wakeServer(_ id: ServerID, at now: Instant, _ outputs: inout [Output]) {
    while let entry = servers[id] {
      guard !entry.isAbandoned else { return forget(id, &outputs) }
      switch entry.machine {
      case .invite(var machine):
        guard let timer = machine.takeExpired(at: now) else { return rearm(id) }
        entry.machine = .invite(machine)
        _ = step(id, invite: .timer(timer), other: .retransmission, at: now, &outputs)
      case .other(var machine):
        guard let timer = machine.takeExpired(at: now) else { return rearm(id) }
        entry.machine = .other(machine)
        _ = step(id, invite: .start, other: .timer(timer), at: now, &outputs)
      }
    }
  }

  private func rearm(_ id: ServerID) { deadlines.set(.server(id), at: servers[id]?.nextDeadline) }

  /// Feeds the machine of a transaction and carries out what it says; whether it said anything.
  private func step(
    _ id: ServerID, invite: InviteServerTransaction.Input, other: NonInviteServerTransaction.Input, at now: Instant,
    _ outputs: inout [Output]
  ) -> Bool {
    guard let entry = servers[id] else { return false }
    let isOver: Bool
    let hasSpoken: Bool
    switch entry.machine {
    case .invite(var machine):
      let results = machine.handle(invite, at: now)
      entry.machine = .invite(machine)
      for result in results { carryOut(result, id, entry, &outputs) }
      (isOver, hasSpoken) = (machine.state == .terminated, !results.isEmpty)
    case .other(var machine):
      let results = machine.handle(other, at: now)
      entry.machine = .other(machine)
      for result in results { carryOut(result, id, entry, &outputs) }
      (isOver, hasSpoken) = (machine.state == .terminated, !results.isEmpty)
    }
    if isOver {
      servers[id] = nil
      serversByBranch[entry.key] = nil
      deadlines.remove(.server(id))
    } else {
      deadlines.set(.server(id), at: entry.nextDeadline)
    }
    return hasSpoken
  }

  private func carryOut(_ result: InviteServerTransaction.Output, _ id: ServerID, _ entry: ServerEntry, _ outputs: inout [Output]) {
    switch result {
    case .sendNew: transmit(entry, cause: nil, attempt: 0, &outputs)
    case .sendAgain(let cause, let attempt): transmit(entry, cause: cause, attempt: attempt, &outputs)
    case .sendTrying:
      guard let request = entry.request else { return }
      let draft = MessageDraft.response(to: request, status: 100, receivedFrom: entry.flow.remote)
      let sequence = (try? request.cseq().number) ?? 0
      entry.response = (draft.serialized(), Label(.response(status: 100, .invite), sequence: sequence))
      transmit(entry, cause: nil, attempt: 0, &outputs)
    case .deliverAck: break
    case .ackMissing: outputs.append(.ackMissing(id))
    case .end: outputs.append(.endedServer(id))
    }
  }

  private func carryOut(_ result: NonInviteServerTransaction.Output, _ id: ServerID, _ entry: ServerEntry, _ outputs: inout [Output]) {
    switch result {
    case .sendNew: transmit(entry, cause: nil, attempt: 0, &outputs)
    case .sendAgain(let attempt): transmit(entry, cause: .repeated, attempt: attempt, &outputs)
    case .end: outputs.append(.endedServer(id))
    }
  }

  private func transmit(_ entry: ServerEntry, cause: Label.Cause?, attempt: Int, _ outputs: inout [Output]) {
    guard let response = entry.response else { return }
    let label = cause.map { response.label.repeated($0, attempt) } ?? response.label
    outputs.append(.reply(response.bytes, entry.replyFlow, port: entry.viaPort, label))
  }
}

extension BranchKey {
  fileprivate func replacing(method: SIPMethod) -> BranchKey {
    var key = self
    key.method = method
    return key
  }
}
