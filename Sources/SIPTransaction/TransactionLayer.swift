import SIPComposition
import SIPMessage
import SIPTransport
import SansIO

/// All transactions of one host: matching, timers, retransmission (RFC 3261 §17).
///
/// It hands bytes to send and news for the user agent out as ``Output`` and never touches the network.
public final class TransactionLayer {
  public struct ClientID: Hashable, Sendable {
    public var rawValue: UInt32
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
  }

  public struct ServerID: Hashable, Sendable {
    public var rawValue: UInt32
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
  }

  public enum Output: Sendable {
    case send(Bytes, Flow, Label)
    /// A response, for the connection its request came by; `port`: of the Via's sent-by, in case that connection is gone (§18.2.2).
    case reply(Bytes, Flow, port: UInt16, Label)
    /// A request for the user agent, ACK and CANCEL with a match excepted. It has to be answered or abandoned.
    case request(ServerID, InboundMessage)
    /// An ACK for a 2xx.
    case ack(InboundMessage)
    /// A CANCEL for the INVITE of the first id; `by` is its own transaction.
    case cancelled(ServerID, by: ServerID, InboundMessage)
    case response(ClientID, InboundMessage)
    case failed(ClientID, TransactionFailure)
    /// The client transaction is over; its id is not used again.
    case ended(ClientID)
    /// No ACK came for our final response to an INVITE (Timer H).
    case ackMissing(ServerID)
    case endedServer(ServerID)
    /// A response that belongs to no transaction.
    case strayResponse(InboundMessage)
    /// A message without a Via, CSeq or other field that a transaction needs.
    case unusable(InboundMessage, SIPHeaderError)
  }

  /// Whose timer it is. Both sides count from 1.
  enum Key: SerialKey {
    case client(ClientID)
    case server(ServerID)

    var number: UInt32 {
      switch self {
      case .client(let id): id.rawValue << 1
      case .server(let id): id.rawValue << 1 | 1
      }
    }
  }

  typealias Deadlines = DeadlineQueue<Key>

  // Unchecked: touched for every message by code that cannot overlap itself, where the checks of exclusive access cost one part in thirty.
  @exclusivity(unchecked) private var clients: ClientTransactions
  @exclusivity(unchecked) private var servers: ServerTransactions
  @exclusivity(unchecked) private var deadlines = Deadlines()

  /// - Parameters:
  ///   - spelling: of the messages that transactions write themselves.
  ///   - answersToSourcePort: as if every Via had rport (RFC 3581 §4).
  public init(timers: SIPTimers = .standard, spelling: Spelling = .plain, answersToSourcePort: Bool = false) {
    let values = TimerValues(timers)
    clients = ClientTransactions(values, spelling)
    servers = ServerTransactions(values, answersToSourcePort: answersToSourcePort)
  }

  /// Transactions that have not ended.
  public var count: Int { clients.count + servers.count }

  /// O(1).
  public var nextDeadline: Instant? { deadlines.next }

  // MARK: - What arrives

  /// A message that arrived.
  public func receive(_ message: InboundMessage, at now: Instant, _ outputs: inout [Output]) {
    do {
      if let method = message.message.method {
        try servers.receive(message, method, at: now, &deadlines, &outputs)
      } else {
        try clients.receive(message, at: now, &deadlines, &outputs)
      }
    } catch {
      outputs.append(.unusable(message, error))
    }
  }

  /// A flow broke: transactions on it that wait for a response fail.
  public func flowFailed(_ flow: Flow, _ failure: FlowFailure, at now: Instant, _ outputs: inout [Output]) {
    clients.flowFailed(flow, failure, at: now, &deadlines, &outputs)
  }

  /// This machine did not send a message: the transaction it belongs to is told, and no other (RFC 3261 §17.1.4, §17.2.4, §18.4). A want
  /// that passes counts as a lost datagram, which timers repeat: an error like it is soft (RFC 8085 §5.2).
  public func sendFailed(_ bytes: Bytes, _ error: SystemError, at now: Instant, _ outputs: inout [Output]) {
    guard !error.isPassing, let message = try? SIPMessage.parse(bytes), let key = BranchKey(sent: message) else { return }
    if message.isRequest {
      clients.sendFailed(key, .notSent(error), at: now, &deadlines, &outputs)
    } else {
      servers.sendFailed(key, at: now, &deadlines, &outputs)
    }
  }

  /// Fires the timers that are due.
  public func wake(at now: Instant, _ outputs: inout [Output]) {
    while let key = deadlines.takeExpired(at: now) {
      switch key {
      case .client(let id): clients.wake(id, at: now, &deadlines, &outputs)
      case .server(let id): servers.wake(id, at: now, &deadlines, &outputs)
      }
    }
  }

  // MARK: - Client transactions

  /// Sends a request in a transaction of its own.
  ///
  /// - Parameters:
  ///   - request: complete, with the Via whose branch is `branch`.
  ///   - label: of the first transmission; repetitions say so.
  public func send(
    _ request: Bytes, method: SIPMethod, branch: Bytes, on flow: Flow, label: Label, at now: Instant, _ outputs: inout [Output]
  ) -> ClientID {
    clients.send(request, BranchKey(branch: branch, method: method), on: flow, label: label, at: now, &deadlines, &outputs)
  }

  /// Sends CANCEL for an INVITE that has had a provisional response (RFC 3261 §9.1); nil when there is nothing to cancel.
  ///
  /// - Parameter fields: of the CANCEL alone.
  public func cancel(
    _ id: ClientID, fields: [HeaderField] = [], label: Label, at now: Instant, _ outputs: inout [Output]
  ) -> ClientID? {
    clients.cancel(id, fields: fields, label: label, at: now, &deadlines, &outputs)
  }

  /// Whether an INVITE waits for its final response.
  public func isUnanswered(_ id: ClientID) -> Bool { clients.isUnanswered(id) }

  /// Destroys a transaction without a word (RFC 3261 §9.1: an INVITE that was cancelled and never answered).
  public func forget(_ id: ClientID) { clients.forget(id, &deadlines) }

  // MARK: - Server transactions

  /// Sends a response in its transaction.
  ///
  /// - Parameter label: one with an attempt repeats the last response, whatever `response` is.
  public func respond(_ id: ServerID, _ response: Bytes, status: Int, label: Label, at now: Instant, _ outputs: inout [Output]) {
    servers.respond(id, response, status: status, label: label, at: now, &deadlines, &outputs)
  }

  /// Whether a request, or an ACK or CANCEL, belongs to a transaction that lives.
  public func knows(_ request: InboundMessage) -> Bool { servers.knows(request) }

  /// The flow that a request came by; nil when its transaction is over.
  public func flow(of id: ServerID) -> Flow? { servers.flow(of: id) }

  /// Never answers this request, not even with 100. Its repetitions are absorbed for 64·T1, then it is forgotten; sooner when many others
  /// have been abandoned since, because a flood must not fill our memory: a repetition is then a new request to be abandoned again.
  public func abandon(_ id: ServerID, at now: Instant, _ outputs: inout [Output]) { servers.abandon(id, at: now, &deadlines, &outputs) }
}

extension Label {
  func repeated(_ cause: Cause, _ attempt: Int) -> Label {
    var label = self
    label.cause = cause
    label.attempt = UInt8(clamping: attempt)
    return label
  }
}
