import SIPMessage
import SansIO

/// All messages of one Call-ID: an INVITE dialog with its forks, a registration, a subscription, a lone request.
public final class Conversation {
  public enum Kind: String { case dialog, registration, options, other }

  /// A row of the ladder.
  public struct Row {
    public enum Content {
      case request(SIPMethod)
      case response(status: Int, phrase: String)
    }
    public var stamp: FrameStamp
    public var source: TransportAddress
    public var destination: TransportAddress
    public var content: Content
    public var hasDescription: Bool
    /// 0 for the first copy, 1 for its first repetition …
    public var repetition: Int
    public var transport: ObservedTransport
  }

  /// Rows that are kept; what comes after is counted.
  public static let mostRows = 2_000

  // What changes is read for every message, and changed by code that cannot overlap itself.
  public let callID: String
  public let number: Int
  public let first: FrameStamp
  @exclusivity(unchecked) public private(set) var last: FrameStamp
  @exclusivity(unchecked) public private(set) var kind: Kind
  /// In the order they were first seen.
  public var transports: [ObservedTransport] { [firstTransport] + furtherTransports }
  private let firstTransport: ObservedTransport
  @exclusivity(unchecked) private var furtherTransports: [ObservedTransport] = []
  public let fromURI: String
  public let toURI: String
  @exclusivity(unchecked) public private(set) var rows: [Row] = []
  public private(set) var rowsLeftOut = 0
  @exclusivity(unchecked) public private(set) var messageCount = 0
  @exclusivity(unchecked) public private(set) var isDeliberatelyBroken = false
  /// Digits that INFO brought, with who sent them.
  public var infoDigits: [(digit: SeenDigit, source: TransportAddress)] { information.list }
  @exclusivity(unchecked) private var information = InfoDigits()
  /// The message that ended it; nil where nothing did, or something began anew.
  @exclusivity(unchecked) public private(set) var ended: FrameStamp?
  private let mostRows: Int
  @exclusivity(unchecked) fileprivate var table = TransactionTable()
  @exclusivity(unchecked) private var sequences = SequenceTable()

  public var transactions: [ObservedTransaction] { table.list }
  /// ACKs whose number no INVITE has.
  public var strayAcknowledgements: [ObservedTransaction.StrayAcknowledgement] { table.strays }
  /// Requests within the dialog on a connection of their own, while their sender had another one to the same place.
  public var newConnections: [ConnectionUse.Needless] { connections.needless }
  /// Responses on another connection than that of their request.
  public var strayedResponses: [ConnectionUse.Strayed] { connections.strayed }
  private var connections = ConnectionUse()
  /// Sequence numbers that went back within a dialog.
  public var regressions: [SequenceTable.Regression] { sequences.regressions }

  init(_ message: ObservedMessage, number: Int, mostRows: Int = Conversation.mostRows, _ spellings: Spellings) {
    self.mostRows = mostRows
    callID = message.callID
    self.number = number
    first = message.stamp
    last = message.stamp
    kind = Self.kind(message.cseq.method)
    firstTransport = message.transport
    rows.reserveCapacity(2)
    fromURI = message.uri(message.facts.from, spellings) { $0.from }
    toURI = message.uri(message.facts.to, spellings) { $0.to }
  }

  private static func kind(_ method: SIPMethod) -> Kind {
    switch method {
    case .invite, .ack, .bye, .cancel, .prack, .update, .info: .dialog
    case .register: .registration
    case .options: .options
    case .refer, .subscribe, .notify, .message, .publish, .other: .other
    }
  }

  /// Takes the next message.
  /// - Returns: how often it was seen before.
  func take(_ message: ObservedMessage, _ spellings: Spellings) -> Int {
    last = message.stamp
    messageCount += 1
    if message.isDeliberatelyBroken { isDeliberatelyBroken = true }
    if message.cseq.method == .invite { kind = .dialog }
    if message.transport != firstTransport, !furtherTransports.contains(message.transport) { furtherTransports.append(message.transport) }
    let repetition = message.status.map { table.response(message, $0, spellings) } ?? table.request(message, spellings)
    if repetition == 0, message.message.isRequest { sequences.take(message) }
    if repetition == 0 { information.take(message) }
    addRow(message, repetition)
    if isEnded(by: message) {
      ended = message.stamp
    } else if repetition == 0, message.method == .invite, message.message.isRequest {
      ended = nil
    }
    return repetition
  }

  /// The message came over this connection.
  /// - Parameter isOpen: whether the connection between two places is open now.
  func takeConnection(_ message: ObservedMessage, _ isOpen: (TransportAddress, TransportAddress) -> Bool) {
    if message.status != nil { connections.take(answer: message, to: transaction(ofResponse: message), isOpen) }
    connections.take(message, isOpen)
  }

  /// What a response answers; nil when the capture does not have it.
  public func transaction(ofResponse message: ObservedMessage) -> ObservedTransaction? { table.transaction(ofResponse: message) }

  private func addRow(_ message: ObservedMessage, _ repetition: Int) {
    guard rows.count < mostRows, kind != .options else {
      rowsLeftOut += 1
      return
    }
    let content: Row.Content = message.status.map { .response(status: $0, phrase: message.phrase) } ?? .request(message.method)
    rows.append(
      Row(
        stamp: message.stamp, source: message.source, destination: message.destination, content: content,
        hasDescription: message.description != nil, repetition: repetition, transport: message.transport))
  }

  /// Whether a message ends the dialog: a BYE, or a refusal of the INVITE that began it.
  public func isEnded(by message: ObservedMessage) -> Bool {
    switch message.cseq.method {
    case .bye: message.message.isRequest
    case .invite: (message.status ?? 0) >= 300 && isRefused(by: message)
    default: false
    }
  }

  /// Whether no INVITE is left that may be answered: of a fork one branch may be refused while others ring, and what was refused within a
  /// dialog does not end it.
  private func isRefused(by message: ObservedMessage) -> Bool {
    guard transaction(ofResponse: message)?.isInitial ?? true else { return false }
    return transactions.allSatisfy { $0.method != .invite || !$0.isInitial || $0.final.map { !$0.isSuccess } ?? false }
  }
}

// MARK: - What is over

extension Conversation {
  /// Rows that are kept of what is live.
  static let fewRows = 200

  /// Whether nothing more will come of it, copies included.
  /// - Parameters:
  ///   - heard: when a stream of it had its last packet.
  ///   - isBound: a binding of it has not expired.
  func isOver(at now: Int64, heard: Int64, isBound: Bool) -> Bool {
    guard !isBound else { return false }
    return now &- max(last.time, heard) >= life
  }

  /// Nanoseconds for which it may go on without a packet.
  private var life: Int64 {
    switch kind {
    case .registration, .options: return Keeping.copies
    case .other:
      let lasts = transactions.contains { [.subscribe, .notify, .publish].contains($0.method) }
      return lasts ? Keeping.subscription : Keeping.copies
    case .dialog: break
    }
    if ended != nil { return Keeping.copies }
    let invites = transactions.filter { $0.method == .invite }
    guard !invites.isEmpty, !invites.contains(where: { $0.success != nil }) else { return Keeping.unseen }
    return invites.contains { invite in invite.responses.contains { $0.status > 100 } } ? Keeping.ringing : Keeping.copies
  }

  /// Takes out the transactions that are over, where there are more than a story needs.
  func thin(at now: Int64) { table.thin(before: now - Keeping.copies) }
}
