import SIPMessage
import SIPTransport
import SansIO

/// All transactions of one host: matching, timers, retransmission (RFC 3261 §17).
///
/// It hands bytes to send and news for the user agent out as ``Output`` and never touches the network. Client transactions live in
/// `TransactionLayer+Clients`, server transactions in `TransactionLayer+Servers`.
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
    case request(ServerID, SIPMessage, Flow)
    /// An ACK for a 2xx.
    case ack(SIPMessage, Flow)
    /// A CANCEL for the INVITE of the first id; `by` is its own transaction.
    case cancelled(ServerID, by: ServerID, SIPMessage, Flow)
    case response(ClientID, SIPMessage, Flow)
    case failed(ClientID, TransactionFailure)
    /// The client transaction is over; its id is not used again.
    case ended(ClientID)
    /// No ACK came for our final response to an INVITE (Timer H).
    case ackMissing(ServerID)
    case endedServer(ServerID)
    /// A response that belongs to no transaction.
    case strayResponse(SIPMessage, Flow)
    /// A message without a Via, CSeq or other field that a transaction needs.
    case unusable(SIPMessage, SIPHeaderError, Flow)
  }

  enum Key: Hashable, Sendable {
    case client(ClientID)
    case server(ServerID)

    /// One number instead of two: keys are hashed with every timer that is set.
    func hash(into hasher: inout Hasher) {
      switch self {
      case .client(let id): hasher.combine(UInt64(id.rawValue) << 1)
      case .server(let id): hasher.combine(UInt64(id.rawValue) << 1 | 1)
      }
    }
  }

  /// Completes the ACK of a final response other than 2xx in the user agent's spelling.
  public var finishAcknowledgement: (inout MessageDraft) -> Void = { _ in }
  /// As if every Via had rport (RFC 3581 §4).
  public var answersToSourcePort = false
  let values: TimerValues
  // Unchecked: touched for every message by code that cannot overlap itself, where the checks of exclusive access cost one part in thirty.
  @exclusivity(unchecked) var clients: [ClientID: ClientEntry] = [:]
  @exclusivity(unchecked) var clientsByBranch: [BranchKey: ClientID] = [:]
  @exclusivity(unchecked) var servers: [ServerID: ServerEntry] = [:]
  @exclusivity(unchecked) var serversByBranch: [BranchKey: ServerID] = [:]
  var abandoned = AbandonedServers()
  @exclusivity(unchecked) var deadlines = DeadlineQueue<Key>()
  private var lastClient: UInt32 = 0
  private var lastServer: UInt32 = 0

  public init(timers: SIPTimers = .standard) { values = TimerValues(timers) }

  /// Transactions that have not ended.
  public var count: Int { clients.count + servers.count }

  /// O(1).
  public var nextDeadline: Instant? { deadlines.next }

  func newClientID() -> ClientID {
    lastClient += 1
    return ClientID(lastClient)
  }

  func newServerID() -> ServerID {
    lastServer += 1
    return ServerID(lastServer)
  }

  /// A message that arrived.
  public func receive(_ message: SIPMessage, on flow: Flow, at now: Instant, _ outputs: inout [Output]) {
    do {
      if let method = message.method {
        try receiveRequest(message, method, on: flow, at: now, &outputs)
      } else {
        try receiveResponse(message, on: flow, at: now, &outputs)
      }
    } catch {
      outputs.append(.unusable(message, error, flow))
    }
  }

  /// Fires the timers that are due.
  public func wake(at now: Instant, _ outputs: inout [Output]) {
    while let key = deadlines.takeExpired(at: now) {
      switch key {
      case .client(let id): wakeClient(id, at: now, &outputs)
      case .server(let id): wakeServer(id, at: now, &outputs)
      }
    }
  }
}

/// What transactions are matched by (RFC 3261 §17.1.3, §17.2.3): branch and method, for servers the sent-by as well.
struct BranchKey: Hashable, Sendable {
  let branch: String
  var sentBy: SIPHost?
  var sentByPort: UInt16?
  var method: SIPMethod
  /// Branches are unique but for CANCEL and ACK: the rest need not be hashed, and the branch only once, though a table looks at the keys
  /// beside one that it removes.
  private let hash: Int

  init(branch: String, method: SIPMethod) {
    self.branch = branch
    self.method = method
    hash = branch.hashValue
  }

  func hash(into hasher: inout Hasher) { hasher.combine(hash) }

  /// The key of the server transaction that a request belongs to; ACK belongs to its INVITE.
  ///
  /// - Parameter toTag: for a peer of RFC 2543: that of To, but for an ACK that of its INVITE.
  init(request: SIPMessage, via: Via, method: SIPMethod, toTag: String? = nil) throws(SIPHeaderError) {
    self.method = method == .ack ? .invite : method
    if let branch = via.branch, via.hasTransactionBranch {
      self.branch = branch
      sentBy = via.host
      sentByPort = via.port
    } else {
      // A peer of RFC 2543 (§17.2.3): the fields that make its request one of a kind.
      let parts = [
        request.requestURIBytes?.text ?? "", toTag ?? "", try request.from().tag ?? "", try request.callID(),
        "\(try request.cseq().number)", via.description,
      ]
      branch = parts.joined(separator: "\n")
    }
    hash = branch.hashValue
  }
}
