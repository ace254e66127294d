import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// The client transactions of one host with what each has to send again (RFC 3261 §17.1).
struct ClientTransactions {
  typealias ClientID = TransactionLayer.ClientID
  typealias Deadlines = TransactionLayer.Deadlines
  typealias Outputs = [TransactionLayer.Output]

  private final class Entry: TransactionEntry {
    let id: ClientID
    // Unchecked: one transaction is never within itself.
    @exclusivity(unchecked) var machine: ClientMachine
    let key: BranchKey
    let flow: Flow
    /// Gone once the final response came, since a transaction lives half a minute after it.
    var request: Bytes
    let label: Label
    var acknowledgement: Bytes?
    /// Of the response that it acknowledges.
    var acknowledgedStatus: UInt16 = 0

    init(_ id: ClientID, _ machine: ClientMachine, _ key: BranchKey, _ flow: Flow, _ request: Bytes, _ label: Label) {
      (self.id, self.machine, self.key, self.flow, self.request, self.label) = (id, machine, key, flow, request, label)
    }

    var number: UInt32 { id.rawValue }
    var timerKey: TransactionLayer.Key { .client(id) }
  }

  private let values: TimerValues
  private let spelling: Spelling
  private var table = TransactionTable<Entry>()
  /// Those that wait for their final response, by flow.
  private var waiting = NumberIndex()
  /// What a machine said; kept for its memory.
  private var results: [ClientOutput] = []

  init(_ values: TimerValues, _ spelling: Spelling) {
    self.values = values
    self.spelling = spelling
  }

  var count: Int { table.count }

  mutating func send(
    _ request: Bytes, _ key: BranchKey, on flow: Flow, label: Label, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs
  ) -> ClientID {
    let machine = ClientMachine(key.method, RunningTimers(values, isReliable: flow.transport.isReliable))
    let entry = table.add { Entry(ClientID($0), machine, key, flow, request, label) }
    waiting.insert(entry.number, hash: flow.hash)
    step(entry, .start, nil, at: now, &deadlines, &outputs)
    return entry.id
  }

  mutating func cancel(
    _ id: ClientID, fields: [HeaderField], label: Label, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs
  ) -> ClientID? {
    guard let entry = table[id.rawValue], case .invite(let machine) = entry.machine, machine.state == .proceeding else { return nil }
    let bytes = spelling.cancellation(of: entry.request, fields: fields)
    return send(bytes, entry.key.replacing(method: .cancel), on: entry.flow, label: label, at: now, &deadlines, &outputs)
  }

  /// Whether an INVITE waits for its final response.
  func isUnanswered(_ id: ClientID) -> Bool {
    guard let entry = table[id.rawValue], case .invite = entry.machine else { return false }
    return !entry.machine.isAnswered
  }

  mutating func forget(_ id: ClientID, _ deadlines: inout Deadlines) {
    guard let entry = table[id.rawValue] else { return }
    waiting.remove(entry.number)
    table.remove(entry, &deadlines)
  }

  // MARK: - What arrives

  mutating func receive(
    _ response: InboundMessage, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs
  ) throws(SIPHeaderError) {
    guard let key = BranchKey(response: response) else {
      _ = try response.message.via()
      _ = try response.message.cseq()
      return outputs.append(.strayResponse(response))
    }
    guard let status = response.message.status, let entry = table.find(key) else { return outputs.append(.strayResponse(response)) }
    step(entry, .response(status: status), response, at: now, &deadlines, &outputs)
  }

  mutating func flowFailed(
    _ flow: Flow, _ failure: FlowFailure, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs
  ) {
    for number in waiting.numbers(hash: flow.hash) {
      guard let entry = table[number], entry.flow.path == flow.path, entry.flow.remote == flow.remote else { continue }
      step(entry, .transportFailed(failure), nil, at: now, &deadlines, &outputs)
    }
  }

  mutating func sendFailed(
    _ key: BranchKey, _ failure: FlowFailure, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs
  ) {
    if let entry = table.find(key) { step(entry, .transportFailed(failure), nil, at: now, &deadlines, &outputs) }
  }

  mutating func wake(_ id: ClientID, at now: Instant, _ deadlines: inout Deadlines, _ outputs: inout Outputs) {
    guard let entry = table[id.rawValue] else { return }
    while let input = entry.machine.takeExpired(at: now) { step(entry, input, nil, at: now, &deadlines, &outputs) }
  }

  // MARK: - Machines

  /// Feeds the machine of a transaction and carries out what it says.
  private mutating func step(
    _ entry: Entry, _ input: ClientInput, _ message: InboundMessage?, at now: Instant, _ deadlines: inout Deadlines,
    _ outputs: inout Outputs
  ) {
    entry.machine.handle(input, at: now, &results)
    for result in results {
      switch result {
      case .send(let cause, let attempt): outputs.append(.send(entry.request, entry.flow, entry.label.repeated(cause, attempt)))
      case .sendAck(let attempt): acknowledge(entry, message, attempt: attempt, &outputs)
      case .deliver: if let message { outputs.append(.response(entry.id, message)) }
      case .fail(let failure): outputs.append(.failed(entry.id, failure))
      case .end: outputs.append(.ended(entry.id))
      }
    }
    results.removeAll(keepingCapacity: true)
    if entry.machine.isAnswered {
      entry.request = Bytes()
      waiting.remove(entry.number)
    }
    table.settle(entry, &deadlines)
  }

  private func acknowledge(_ entry: Entry, _ message: InboundMessage?, attempt: Int, _ outputs: inout Outputs) {
    if let message, entry.acknowledgement == nil {
      entry.acknowledgement = spelling.acknowledgement(of: entry.request, for: message.message)
      entry.acknowledgedStatus = UInt16(clamping: message.message.status ?? 0)
    }
    guard let bytes = entry.acknowledgement else { return }
    var label = entry.label.repeated(attempt == 0 ? .first : .repeated, attempt)
    label.subject = .request(.ack)
    label.acknowledgedStatus = entry.acknowledgedStatus
    outputs.append(.send(bytes, entry.flow, label))
  }
}

extension ClientMachine {
  /// The final response came, or never will: nothing is sent again.
  fileprivate var isAnswered: Bool {
    switch self {
    case .invite(let machine): machine.state != .calling && machine.state != .proceeding
    case .other(let machine): machine.state != .trying && machine.state != .proceeding
    }
  }
}

extension Flow {
  /// Of what makes it another one: the place here and the address there.
  fileprivate var hash: UInt64 {
    let place: UInt64 =
      switch path {
      case .port(let id): UInt64(id.rawValue) << 1
      case .connection(let id): UInt64(id.rawValue) << 1 | 1
      }
    return (remote.address.low ^ remote.address.high &* 0x9E37_79B9_7F4A_7C15) &+ UInt64(remote.port) << 40 ^ place << 24
  }
}
