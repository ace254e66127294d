import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// The server transactions of one host with what each has to send again (RFC 3261 §17.2).
struct ServerTransactions {
  typealias ServerID = TransactionLayer.ServerID
  typealias Deadlines = TransactionLayer.Deadlines
  typealias Outputs = [TransactionLayer.Output]

  private struct Response {
    var bytes: Bytes
    var label: Label
  }

  private final class Entry: TransactionEntry {
    let id: ServerID
    // Unchecked: one transaction is never within itself.
    @exclusivity(unchecked) var machine: ServerMachine
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

    init(_ id: ServerID, _ machine: ServerMachine, _ key: BranchKey, _ request: InboundMessage, replyFlow: Flow, viaPort: UInt16) {
      (self.id, self.machine, self.key, self.request, flow) = (id, machine, key, request, request.flow)
      (self.replyFlow, self.viaPort) = (replyFlow, viaPort)
    }

    var number: UInt32 { id.rawValue }
    var timerKey: TransactionLayer.Key { .server(id) }
  }

  private let values: TimerValues
  private let answersToSourcePort: Bool
  private var table = TransactionTable<Entry>()
  private var abandoned = AbandonedServers()
  /// What a machine said; kept for its memory.
  private var results: [ServerOutput] = []

  init(_ values: TimerValues, answersToSourcePort: Bool) {
    self.values = values
    self.answersToSourcePort = answersToSourcePort
  }

  var count: Int { table.count }

  func flow(of id: ServerID) -> Flow? { table[id.rawValue]?.flow }

  func knows(_ request: InboundMessage) -> Bool {
    guard let method = request.message.method, let via = request.essentials.via,
      let key = try? BranchKey(request: request, via, method: method, toTag: via.hasTransactionBranch ? nil : request.essentials.toTag)
    else { return false }
    return table.find(key) != nil || method == .cancel && cancelled(key) != nil
  }

  mutating func respond(
    _ id: ServerID, _ response: Bytes, status: Int, label: Label, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs
  ) {
    guard let entry = table[id.rawValue], !entry.isAbandoned else { return }
    let last = entry.response
    // A 2xx that the user agent repeats is the same bytes again.
    entry.response = Response(bytes: label.attempt > 0 ? last?.bytes ?? response : response, label: label)
    entry.request = nil
    if !step(entry, .respond(status: status), nil, at: now, &deadlines, &outputs) { entry.response = last }
  }

  mutating func abandon(_ id: ServerID, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs) {
    guard let entry = table[id.rawValue], !entry.isAbandoned else { return }
    entry.isAbandoned = true
    deadlines.set(.server(id), at: now.adding(nanoseconds: values.sixtyFourT1))
    if let oldest = abandoned.add(id) { forget(oldest, &deadlines, &outputs) }
  }

  private mutating func forget(_ id: ServerID, _ deadlines: inout Deadlines, _ outputs: inout Outputs) {
    guard let entry = table[id.rawValue] else { return }
    table.remove(entry, &deadlines)
    outputs.append(.endedServer(id))
  }

  // MARK: - What arrives

  mutating func receive(
    _ request: InboundMessage, _ method: SIPMethod, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs
  ) throws(SIPHeaderError) {
    guard let via = request.essentials.via else {
      _ = try request.message.via()
      return
    }
    let toTag = via.hasTransactionBranch ? nil : request.essentials.toTag
    let key = try BranchKey(request: request, via, method: method, toTag: toTag)
    if method == .ack { return try receiveAck(request, key, via, toTag: toTag, at: now, &deadlines, &outputs) }
    if let entry = table.find(key) {
      if !entry.isAbandoned { _ = step(entry, .retransmission, nil, at: now, &deadlines, &outputs) }
      return
    }
    if request.essentials.cseq == nil { _ = try request.message.cseq() }
    if request.essentials.callID == nil { _ = try request.message.callID() }
    let entry = open(request, method, key.compacted(), via)
    _ = step(entry, .start, nil, at: now, &deadlines, &outputs)
    if method == .cancel, let target = cancelled(key) {
      outputs.append(.cancelled(target, by: entry.id, request))
    } else {
      outputs.append(.request(entry.id, request))
    }
  }

  /// The request that a CANCEL means: an INVITE, or one of another method, on which it has no effect (§9.2).
  private func cancelled(_ key: BranchKey) -> ServerID? {
    for method in [SIPMethod.invite] + SIPMethod.standard where method != .cancel && method != .ack {
      if let entry = table.find(key.replacing(method: method)) { return entry.id }
    }
    return nil
  }

  private mutating func open(_ request: InboundMessage, _ method: SIPMethod, _ key: BranchKey, _ via: TopmostVia) -> Entry {
    let transport = request.flow.transport
    let machine = ServerMachine(method, RunningTimers(values, isReliable: transport.isReliable))
    let replyFlow = answersToSourcePort ? request.flow : request.replyFlow
    return table.add { Entry(ServerID($0), machine, key, request, replyFlow: replyFlow, viaPort: via.port ?? transport.defaultPort) }
  }

  /// An ACK is that of its INVITE's transaction; one that has none is handed up.
  private mutating func receiveAck(
    _ ack: InboundMessage, _ key: BranchKey, _ via: TopmostVia, toTag: ByteRange?, at now: Instant, _ deadlines: inout Deadlines,
    _ outputs: inout Outputs
  ) throws(SIPHeaderError) {
    var entry = table.find(key)
    // A peer of RFC 2543 acknowledges with the To tag of the response, which its INVITE did not have (§17.2.3).
    if entry == nil, toTag != nil { entry = table.find(try BranchKey(request: ack, via, method: .ack)) }
    guard let entry else { return outputs.append(.ack(ack)) }
    if !entry.isAbandoned { _ = step(entry, .ack, ack, at: now, &deadlines, &outputs) }
  }

  mutating func sendFailed(_ key: BranchKey, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs) {
    if let entry = table.find(key) { _ = step(entry, .transportFailed, nil, at: now, &deadlines, &outputs) }
  }

  mutating func wake(_ id: ServerID, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs) {
    guard let entry = table[id.rawValue] else { return }
    if entry.isAbandoned { return forget(id, &deadlines, &outputs) }
    while let input = entry.machine.takeExpired(at: now) { _ = step(entry, input, nil, at: now, &deadlines, &outputs) }
  }

  // MARK: - Machines

  /// Feeds the machine of a transaction and carries out what it says; whether it said anything.
  private mutating func step(
    _ entry: Entry, _ input: ServerInput, _ ack: InboundMessage?, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs
  ) -> Bool {
    entry.machine.handle(input, at: now, &results)
    let hasSpoken = !results.isEmpty
    for result in results {
      switch result {
      case .sendNew: transmit(entry, cause: nil, attempt: 0, &outputs)
      case .sendAgain(let cause, let attempt): transmit(entry, cause: cause, attempt: attempt, &outputs)
      case .sendTrying: sendTrying(entry, &outputs)
      case .deliverAck: if let ack { outputs.append(.ack(ack)) }
      case .ackMissing: outputs.append(.ackMissing(entry.id))
      case .end: outputs.append(.endedServer(entry.id))
      }
    }
    results.removeAll(keepingCapacity: true)
    table.settle(entry, &deadlines)
    return hasSpoken
  }

  private func sendTrying(_ entry: Entry, _ outputs: inout Outputs) {
    guard let request = entry.request else { return }
    let bytes = Spelling.plain.response(ResponseDraft(100), to: request.message, from: request.flow.remote)
    entry.response = Response(bytes: bytes, label: request.responseLabel(100))
    transmit(entry, cause: nil, attempt: 0, &outputs)
  }

  private func transmit(_ entry: Entry, cause: Label.Cause?, attempt: Int, _ outputs: inout Outputs) {
    guard let response = entry.response else { return }
    let label = cause.map { response.label.repeated($0, attempt) } ?? response.label
    outputs.append(.reply(response.bytes, entry.replyFlow, port: entry.viaPort, label))
  }
}
