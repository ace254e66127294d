import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// Either client machine, as its table sees it.
enum ClientMachine: Sendable {
  case invite(InviteClientTransaction)
  case other(NonInviteClientTransaction)

  enum Input {
    case start
    case response(status: Int)
    case failed(FlowFailure)
  }

  enum Output {
    case send(Label.Cause, attempt: Int)
    case sendAck(attempt: Int)
    case deliver
    case fail(TransactionFailure)
    case end
  }

  init(_ method: SIPMethod, _ values: TimerValues, isReliable: Bool) {
    self =
      method == .invite
      ? .invite(InviteClientTransaction(values, isReliable: isReliable))
      : .other(NonInviteClientTransaction(values, isReliable: isReliable))
  }

  var nextDeadline: Instant? {
    switch self {
    case .invite(let machine): machine.nextDeadline
    case .other(let machine): machine.nextDeadline
    }
  }

  /// The final response came: nothing is sent again.
  var isAnswered: Bool {
    switch self {
    case .invite(let machine): machine.state == .completed || machine.state == .accepted
    case .other(let machine): machine.state == .completed
    }
  }

  var isOver: Bool {
    switch self {
    case .invite(let machine): machine.state == .terminated
    case .other(let machine): machine.state == .terminated
    }
  }

  mutating func handle(_ input: Input, at now: Instant) -> Few<Output> {
    switch self {
    case .invite(var machine):
      let outputs: Few<InviteClientTransaction.Output> =
        switch input {
        case .start: machine.handle(.start, at: now)
        case .response(let status): machine.handle(.response(status: status), at: now)
        case .failed(let failure): machine.handle(.transportFailed(failure), at: now)
        }
      self = .invite(machine)
      return Self.translate(outputs)
    case .other(var machine):
      let outputs: Few<NonInviteClientTransaction.Output> =
        switch input {
        case .start: machine.handle(.start, at: now)
        case .response(let status): machine.handle(.response(status: status), at: now)
        case .failed(let failure): machine.handle(.transportFailed(failure), at: now)
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

  private static func translate(_ outputs: Few<InviteClientTransaction.Output>) -> Few<Output> {
    var result = Few<Output>()
    outputs.forEach { output in
      switch output {
      case .sendInvite(let attempt): result.append(.send(attempt == 0 ? .first : .timerA, attempt: attempt))
      case .sendAck(let attempt): result.append(.sendAck(attempt: attempt))
      case .deliver: result.append(.deliver)
      case .fail(let failure): result.append(.fail(failure))
      case .end: result.append(.end)
      }
    }
    return result
  }

  private static func translate(_ outputs: Few<NonInviteClientTransaction.Output>) -> Few<Output> {
    var result = Few<Output>()
    outputs.forEach { output in
      switch output {
      case .send(let attempt): result.append(.send(attempt == 0 ? .first : .timerE, attempt: attempt))
      case .deliver: result.append(.deliver)
      case .fail(let failure): result.append(.fail(failure))
      case .end: result.append(.end)
      }
    }
    return result
  }
}

/// The client transactions of one host with what each has to send again (RFC 3261 §17.1).
struct ClientTransactions {
  typealias ClientID = TransactionLayer.ClientID
  typealias Deadlines = DeadlineQueue<TransactionLayer.Key>

  private final class Entry {
    var machine: ClientMachine
    let key: BranchKey
    let branch: String
    let flow: Flow
    /// Gone once the final response came, since a transaction lives half a minute after it.
    var request: Bytes
    let label: Label
    var acknowledgement: Bytes?

    init(_ machine: ClientMachine, _ key: BranchKey, _ branch: String, _ flow: Flow, _ request: Bytes, _ label: Label) {
      (self.machine, self.key, self.branch, self.flow, self.request, self.label) = (machine, key, branch, flow, request, label)
    }
  }

  private let values: TimerValues
  private let spelling: Spelling
  private var entries = SerialTable<Entry>()
  private var idsByBranch: [BranchKey: ClientID] = [:]
  private var last: UInt32 = 0

  init(_ values: TimerValues, _ spelling: Spelling) {
    self.values = values
    self.spelling = spelling
  }

  var count: Int { entries.count }

  mutating func send(
    _ request: Bytes, _ key: BranchKey, _ branch: String, on flow: Flow, label: Label, at now: Instant, _ deadlines: inout Deadlines,
    _ outputs: inout [TransactionLayer.Output]
  ) -> ClientID {
    last += 1
    let id = ClientID(last)
    let machine = ClientMachine(key.method, values, isReliable: flow.transport.isReliable)
    entries[id.rawValue] = Entry(machine, key, branch, flow, request, label)
    idsByBranch[key] = id
    step(id, .start, nil, at: now, &deadlines, &outputs)
    return id
  }

  mutating func cancel(
    _ id: ClientID, fields: [HeaderField], label: Label, at now: Instant, _ deadlines: inout Deadlines,
    _ outputs: inout [TransactionLayer.Output]
  ) -> ClientID? {
    guard let entry = entries[id.rawValue], case .invite(let machine) = entry.machine, machine.state == .proceeding else { return nil }
    let bytes = spelling.cancellation(of: entry.request, fields: fields)
    return send(
      bytes, entry.key.replacing(method: .cancel), entry.branch, on: entry.flow, label: label, at: now, &deadlines, &outputs)
  }

  func isUnanswered(_ id: ClientID) -> Bool {
    guard case .invite(let machine)? = entries[id.rawValue]?.machine else { return false }
    return machine.state == .calling || machine.state == .proceeding
  }

  mutating func forget(_ id: ClientID, _ deadlines: inout Deadlines) {
    guard let entry = entries.remove(id.rawValue) else { return }
    idsByBranch[entry.key] = nil
    deadlines.remove(.client(id))
  }

  // MARK: - What arrives

  mutating func receive(
    _ response: InboundMessage, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout [TransactionLayer.Output]
  ) throws(SIPHeaderError) {
    guard let key = BranchKey(response: response) else {
      _ = try response.message.via()
      _ = try response.message.cseq()
      return outputs.append(.strayResponse(response))
    }
    guard let status = response.message.status, let id = idsByBranch[key] else { return outputs.append(.strayResponse(response)) }
    step(id, .response(status: status), response, at: now, &deadlines, &outputs)
  }

  mutating func flowFailed(
    _ flow: Flow, _ failure: FlowFailure, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout [TransactionLayer.Output]
  ) {
    for number in entries.numbers {
      guard let entry = entries[number], entry.flow.path == flow.path, entry.flow.remote == flow.remote else { continue }
      step(ClientID(number), .failed(failure), nil, at: now, &deadlines, &outputs)
    }
  }

  mutating func sendFailed(
    _ key: BranchKey, _ failure: FlowFailure, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout [TransactionLayer.Output]
  ) {
    if let id = idsByBranch[key] { step(id, .failed(failure), nil, at: now, &deadlines, &outputs) }
  }

  mutating func wake(_ id: ClientID, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout [TransactionLayer.Output]) {
    while let entry = entries[id.rawValue], let results = entry.machine.wake(at: now) {
      carryOut(results, id, entry, nil, &deadlines, &outputs)
    }
    if let entry = entries[id.rawValue] { deadlines.set(.client(id), at: entry.machine.nextDeadline) }
  }

  // MARK: - Machines

  private mutating func step(
    _ id: ClientID, _ input: ClientMachine.Input, _ message: InboundMessage?, at now: Instant, _ deadlines: inout Deadlines,
    _ outputs: inout [TransactionLayer.Output]
  ) {
    guard let entry = entries[id.rawValue] else { return }
    carryOut(entry.machine.handle(input, at: now), id, entry, message, &deadlines, &outputs)
  }

  private mutating func carryOut(
    _ results: Few<ClientMachine.Output>, _ id: ClientID, _ entry: Entry, _ message: InboundMessage?, _ deadlines: inout Deadlines,
    _ outputs: inout [TransactionLayer.Output]
  ) {
    results.forEach { result in
      switch result {
      case .send(let cause, let attempt): outputs.append(.send(entry.request, entry.flow, entry.label.repeated(cause, attempt)))
      case .sendAck(let attempt): acknowledge(entry, message, attempt: attempt, &outputs)
      case .deliver: if let message { outputs.append(.response(id, message)) }
      case .fail(let failure): outputs.append(.failed(id, failure))
      case .end: outputs.append(.ended(id))
      }
    }
    if entry.machine.isOver { return forget(id, &deadlines) }
    if entry.machine.isAnswered { entry.request = Bytes() }
    deadlines.set(.client(id), at: entry.machine.nextDeadline)
  }

  private func acknowledge(_ entry: Entry, _ message: InboundMessage?, attempt: Int, _ outputs: inout [TransactionLayer.Output]) {
    if let message, entry.acknowledgement == nil {
      entry.acknowledgement = spelling.acknowledgement(of: entry.request, for: message.message)
    }
    guard let bytes = entry.acknowledgement else { return }
    var label = entry.label.repeated(attempt == 0 ? .first : .repeated, attempt)
    label.subject = .request(.ack)
    outputs.append(.send(bytes, entry.flow, label))
  }
}
