import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// Either server machine, as its table sees it.
enum ServerMachine: Sendable {
  case invite(InviteServerTransaction)
  case other(NonInviteServerTransaction)

  enum Input {
    case start
    case retransmission
    case ack
    case respond(status: Int)
    case failed
  }

  enum Output {
    case sendNew
    case sendAgain(Label.Cause, attempt: Int)
    case sendTrying
    case ackMissing
    case end
  }

  init(_ method: SIPMethod, _ values: TimerValues, isReliable: Bool) {
    self =
      method == .invite
      ? .invite(InviteServerTransaction(values, isReliable: isReliable))
      : .other(NonInviteServerTransaction(values, isReliable: isReliable))
  }

  var nextDeadline: Instant? {
    switch self {
    case .invite(let machine): machine.nextDeadline
    case .other(let machine): machine.nextDeadline
    }
  }

  var isOver: Bool {
    switch self {
    case .invite(let machine): machine.state == .terminated
    case .other(let machine): machine.state == .terminated
    }
  }

  /// An ACK is the transaction's own unless its final response was a 2xx (RFC 6026 §7.1).
  var absorbsAck: Bool { if case .invite(let machine) = self { machine.state != .accepted } else { false } }

  mutating func handle(_ input: Input, at now: Instant) -> Few<Output> {
    switch self {
    case .invite(var machine):
      let outputs: Few<InviteServerTransaction.Output> =
        switch input {
        case .start: machine.handle(.start, at: now)
        case .retransmission: machine.handle(.retransmission, at: now)
        case .ack: machine.handle(.ack, at: now)
        case .respond(let status): machine.handle(.respond(status: status), at: now)
        // A response that could not be sent changes nothing (RFC 6026 §7.1).
        case .failed: []
        }
      self = .invite(machine)
      return Self.translate(outputs)
    case .other(var machine):
      let outputs: Few<NonInviteServerTransaction.Output> =
        switch input {
        case .start, .ack: []
        case .retransmission: machine.handle(.retransmission, at: now)
        case .respond(let status): machine.handle(.respond(status: status), at: now)
        case .failed: machine.handle(.transportFailed, at: now)
        }
      self = .other(machine)
      return Self.translate(outputs)
    }
  }

  /// Fires one timer that is due; nil when there is none.
  mutating func wake(at now: Instant) -> Few<Output>? {
    switch self {
    case .invite(var machine):
      guard let timer = machine.takeExpired(at: now) else { return nil }
      let outputs = machine.handle(.timer(timer), at: now)
      self = .invite(machine)
      return Self.translate(outputs)
    case .other(var machine):
      guard let timer = machine.takeExpired(at: now) else { return nil }
      let outputs = machine.handle(.timer(timer), at: now)
      self = .other(machine)
      return Self.translate(outputs)
    }
  }

  private static func translate(_ outputs: Few<InviteServerTransaction.Output>) -> Few<Output> {
    var result = Few<Output>()
    outputs.forEach { output in
      switch output {
      case .sendNew: result.append(.sendNew)
      case .sendAgain(let cause, let attempt): result.append(.sendAgain(cause, attempt: attempt))
      case .sendTrying: result.append(.sendTrying)
      case .deliverAck: break
      case .ackMissing: result.append(.ackMissing)
      case .end: result.append(.end)
      }
    }
    return result
  }

  private static func translate(_ outputs: Few<NonInviteServerTransaction.Output>) -> Few<Output> {
    var result = Few<Output>()
    outputs.forEach { output in
      switch output {
      case .sendNew: result.append(.sendNew)
      case .sendAgain(let attempt): result.append(.sendAgain(.repeated, attempt: attempt))
      case .end: result.append(.end)
      }
    }
    return result
  }
}

/// The server transactions of one host with what each has to send again (RFC 3261 §17.2).
struct ServerTransactions {
  typealias ServerID = TransactionLayer.ServerID
  typealias Deadlines = DeadlineQueue<TransactionLayer.Key>

  private struct Response {
    var bytes: Bytes
    var label: Label
  }

  private final class Entry {
    var machine: ServerMachine
    let key: BranchKey
    /// For a 100 of our own; gone once the user agent answered.
    var request: InboundMessage?
    let flow: Flow
    /// Where responses go (RFC 3261 §18.2.2, RFC 3581 §4).
    let replyFlow: Flow
    /// Of the Via's sent-by.
    let viaPort: UInt16
    var response: Response?
    /// Nothing is ever answered: the policy drops this peer.
    var isAbandoned = false

    init(_ machine: ServerMachine, _ key: BranchKey, _ request: InboundMessage, replyFlow: Flow, viaPort: UInt16) {
      (self.machine, self.key, self.request, flow) = (machine, key, request, request.flow)
      (self.replyFlow, self.viaPort) = (replyFlow, viaPort)
    }
  }

  private let values: TimerValues
  private let answersToSourcePort: Bool
  private var entries = SerialTable<Entry>()
  private var idsByBranch: [BranchKey: ServerID] = [:]
  private var abandoned = AbandonedServers()
  private var last: UInt32 = 0

  init(_ values: TimerValues, answersToSourcePort: Bool) {
    self.values = values
    self.answersToSourcePort = answersToSourcePort
  }

  var count: Int { entries.count }

  func flow(of id: ServerID) -> Flow? { entries[id.rawValue]?.flow }

  func knows(_ request: InboundMessage) -> Bool {
    guard let method = request.message.method, let via = request.essentials.via,
      let key = try? BranchKey(request: request, via, method: method, toTag: via.hasTransactionBranch ? nil : request.essentials.toTag)
    else { return false }
    return idsByBranch[key] != nil || method == .cancel && cancelled(key) != nil
  }

  mutating func respond(
    _ id: ServerID, _ response: Bytes, status: Int, label: Label, at now: Instant, _ deadlines: inout Deadlines,
    _ outputs: inout [TransactionLayer.Output]
  ) {
    guard let entry = entries[id.rawValue], !entry.isAbandoned else { return }
    let last = entry.response
    // A 2xx that the user agent repeats is the same bytes again.
    entry.response = Response(bytes: label.attempt > 0 ? last?.bytes ?? response : response, label: label)
    entry.request = nil
    if !step(id, .respond(status: status), at: now, &deadlines, &outputs) { entry.response = last }
  }

  mutating func abandon(_ id: ServerID, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout [TransactionLayer.Output]) {
    guard let entry = entries[id.rawValue], !entry.isAbandoned else { return }
    entry.isAbandoned = true
    deadlines.set(.server(id), at: now.adding(nanoseconds: values.sixtyFourT1))
    if let oldest = abandoned.add(id) { forget(oldest, &deadlines, &outputs) }
  }

  private mutating func forget(_ id: ServerID, _ deadlines: inout Deadlines, _ outputs: inout [TransactionLayer.Output]) {
    deadlines.remove(.server(id))
    guard let entry = entries.remove(id.rawValue) else { return }
    idsByBranch[entry.key] = nil
    outputs.append(.endedServer(id))
  }

  // MARK: - What arrives

  mutating func receive(
    _ request: InboundMessage, _ method: SIPMethod, at now: Instant, _ deadlines: inout Deadlines,
    _ outputs: inout [TransactionLayer.Output]
  ) throws(SIPHeaderError) {
    guard let via = request.essentials.via else {
      _ = try request.message.via()
      return
    }
    let toTag = via.hasTransactionBranch ? nil : request.essentials.toTag
    var key = try BranchKey(request: request, via, method: method, toTag: toTag)
    if method == .ack {
      // A peer of RFC 2543 acknowledges with the To tag of the response, which its INVITE did not have (§17.2.3).
      if toTag != nil, idsByBranch[key] == nil { key = try BranchKey(request: request, via, method: method) }
      return receiveAck(request, key, at: now, &deadlines, &outputs)
    }
    if let id = idsByBranch[key] {
      guard entries[id.rawValue]?.isAbandoned == false else { return }
      _ = step(id, .retransmission, at: now, &deadlines, &outputs)
      return
    }
    if request.essentials.cseq == nil { _ = try request.message.cseq() }
    if request.essentials.callID == nil { _ = try request.message.callID() }
    let id = open(request, method, key.compacted(), via)
    _ = step(id, .start, at: now, &deadlines, &outputs)
    if method == .cancel, let target = cancelled(key) {
      outputs.append(.cancelled(target, by: id, request))
    } else {
      outputs.append(.request(id, request))
    }
  }

  /// The request that a CANCEL means: an INVITE, or one of another method, on which it has no effect (§9.2).
  private func cancelled(_ key: BranchKey) -> ServerID? {
    for method in [SIPMethod.invite] + SIPMethod.standard where method != .cancel && method != .ack {
      if let id = idsByBranch[key.replacing(method: method)] { return id }
    }
    return nil
  }

  private mutating func open(_ request: InboundMessage, _ method: SIPMethod, _ key: BranchKey, _ via: TopmostVia) -> ServerID {
    last += 1
    let id = ServerID(last)
    let transport = request.flow.transport
    entries[id.rawValue] = Entry(
      ServerMachine(method, values, isReliable: transport.isReliable), key, request,
      replyFlow: answersToSourcePort ? request.flow : request.replyFlow, viaPort: via.port ?? transport.defaultPort)
    idsByBranch[key] = id
    return id
  }

  private mutating func receiveAck(
    _ ack: InboundMessage, _ key: BranchKey, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout [TransactionLayer.Output]
  ) {
    guard let id = idsByBranch[key], let entry = entries[id.rawValue], entry.machine.absorbsAck else { return outputs.append(.ack(ack)) }
    _ = step(id, .ack, at: now, &deadlines, &outputs)
  }

  /// An INVITE transaction stays as it is (RFC 6026 §7.1), another one ends (RFC 3261 §17.2.4).
  mutating func sendFailed(
    _ key: BranchKey, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout [TransactionLayer.Output]
  ) {
    if let id = idsByBranch[key] { _ = step(id, .failed, at: now, &deadlines, &outputs) }
  }

  mutating func wake(_ id: ServerID, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout [TransactionLayer.Output]) {
    while let entry = entries[id.rawValue] {
      guard !entry.isAbandoned else { return forget(id, &deadlines, &outputs) }
      guard let results = entry.machine.wake(at: now) else { return deadlines.set(.server(id), at: entry.machine.nextDeadline) }
      carryOut(results, id, entry, &deadlines, &outputs)
    }
  }

  // MARK: - Machines

  /// Feeds the machine of a transaction and carries out what it says; whether it said anything.
  private mutating func step(
    _ id: ServerID, _ input: ServerMachine.Input, at now: Instant, _ deadlines: inout Deadlines,
    _ outputs: inout [TransactionLayer.Output]
  ) -> Bool {
    guard let entry = entries[id.rawValue] else { return false }
    let results = entry.machine.handle(input, at: now)
    carryOut(results, id, entry, &deadlines, &outputs)
    return !results.isEmpty
  }

  private mutating func carryOut(
    _ results: Few<ServerMachine.Output>, _ id: ServerID, _ entry: Entry, _ deadlines: inout Deadlines,
    _ outputs: inout [TransactionLayer.Output]
  ) {
    results.forEach { result in
      switch result {
      case .sendNew: transmit(entry, cause: nil, attempt: 0, &outputs)
      case .sendAgain(let cause, let attempt): transmit(entry, cause: cause, attempt: attempt, &outputs)
      case .sendTrying: sendTrying(entry, &outputs)
      case .ackMissing: outputs.append(.ackMissing(id))
      case .end: outputs.append(.endedServer(id))
      }
    }
    if entry.machine.isOver {
      entries.remove(id.rawValue)
      idsByBranch[entry.key] = nil
      deadlines.remove(.server(id))
    } else {
      deadlines.set(.server(id), at: entry.machine.nextDeadline)
    }
  }

  private func sendTrying(_ entry: Entry, _ outputs: inout [TransactionLayer.Output]) {
    guard let request = entry.request else { return }
    let bytes = Spelling.plain.response(ResponseDraft(100), to: request.message, from: request.flow.remote)
    let label = Label(.response(status: 100, .invite), sequence: request.essentials.cseq?.number ?? 0)
    entry.response = Response(bytes: bytes, label: label)
    transmit(entry, cause: nil, attempt: 0, &outputs)
  }

  private func transmit(_ entry: Entry, cause: Label.Cause?, attempt: Int, _ outputs: inout [TransactionLayer.Output]) {
    guard let response = entry.response else { return }
    let label = cause.map { response.label.repeated($0, attempt) } ?? response.label
    outputs.append(.reply(response.bytes, entry.replyFlow, port: entry.viaPort, label))
  }
}
