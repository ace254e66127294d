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
  private static let mostTransactions = 1_024

  public let callID: String
  public let number: Int
  public let first: FrameStamp
  public private(set) var last: FrameStamp
  public private(set) var kind: Kind
  public private(set) var transports: [ObservedTransport] = []
  public let fromURI: String
  public let toURI: String
  public private(set) var rows: [Row] = []
  public private(set) var rowsLeftOut = 0
  public private(set) var messageCount = 0
  public private(set) var transactions: [ObservedTransaction] = []
  public private(set) var isDeliberatelyBroken = false
  /// Used where there are many; a call has five.
  private var index: [ObservedTransaction.Key: Int] = [:]
  /// Sequence numbers that went back, by the side that sent them.
  public private(set) var regressions: [(stamp: FrameStamp, tag: String, from: UInt32, to: UInt32)] = []
  private var highest: [String: UInt32] = [:]

  public init(_ message: ObservedMessage, number: Int) {
    callID = message.callID
    self.number = number
    first = message.stamp
    last = message.stamp
    kind = Self.kind(message.cseq.method)
    fromURI = message.from?.uri.description ?? "?"
    toURI = message.to?.uri.description ?? "?"
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
  public func take(_ message: ObservedMessage) -> Int {
    last = message.stamp
    messageCount += 1
    if message.isDeliberatelyBroken { isDeliberatelyBroken = true }
    if message.cseq.method == .invite { kind = .dialog }
    if !transports.contains(message.transport) { transports.append(message.transport) }
    let repetition = message.message.isRequest ? request(message) : response(message)
    if repetition == 0, message.message.isRequest { checkOrder(message) }
    addRow(message, repetition)
    return repetition
  }

  private func addRow(_ message: ObservedMessage, _ repetition: Int) {
    guard rows.count < Self.mostRows, kind != .options else {
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
    case .invite: (message.status ?? 0) >= 300 && !transactions.contains { $0.method == .invite && $0.success != nil }
    default: false
    }
  }

  // MARK: - Requests

  private func request(_ message: ObservedMessage) -> Int {
    if message.method == .ack { return acknowledge(message) }
    let key = message.transactionKey(message.method)
    if let known = position(key) {
      transactions[known].copies += 1
      if transactions[known].request == nil { transactions[known].request = message.stamp }
      transactions[known].lastRequest = message.stamp
      return transactions[known].copies - 1
    }
    var transaction = ObservedTransaction(message, key: key)
    transaction.request = message.stamp
    transaction.lastRequest = message.stamp
    transaction.copies = 1
    transaction.description = message.description
    transaction.explanation = message.explanation
    transaction.hasCredentials = message.message.first(.authorization) != nil || message.message.first(.proxyAuthorization) != nil
    add(transaction)
    if message.method == .cancel, let known = position(message.transactionKey(.invite)), transactions[known].cancel == nil {
      transactions[known].cancel = message.stamp
    }
    return 0
  }

  /// The ACK of a non-2xx has the INVITE's branch (RFC 3261 §17.1.1.3); that of a 2xx its sequence number and tags (§13.2.2.4).
  private func acknowledge(_ message: ObservedMessage) -> Int {
    let known =
      position(message.transactionKey(.invite))
      ?? transactions.lastIndex { $0.method == .invite && $0.key.number == message.cseq.number && $0.fromTag == message.fromTag }
    guard let known else { return 0 }
    let isRepeated = transactions[known].lastAcknowledgement != nil && transactions[known].source == message.source
    if transactions[known].acknowledgement == nil { transactions[known].acknowledgement = message.stamp }
    transactions[known].lastAcknowledgement = message.stamp
    if let description = message.description { transactions[known].acknowledgedDescription = description }
    guard isRepeated else { return 0 }
    return rows.count { row in
      if case .request(.ack) = row.content {
        row.source == message.source && row.destination == message.destination && row.stamp.frame >= acknowledged(known)
      } else {
        false
      }
    }
  }

  private func acknowledged(_ known: Int) -> Int { transactions[known].acknowledgement?.frame ?? 0 }

  private static let few = 16

  private func position(_ key: ObservedTransaction.Key) -> Int? {
    transactions.count <= Self.few ? transactions.lastIndex { $0.key == key } : index[key]
  }

  private func add(_ transaction: ObservedTransaction) {
    // Half of what a long-lived Call-ID has is enough to go on.
    if transactions.count >= Self.mostTransactions { transactions.removeFirst(Self.mostTransactions / 2) }
    transactions.append(transaction)
    if transactions.count == Self.few + 1 || transactions.count == Self.mostTransactions / 2 + 1 {
      index = [:]
      for (position, transaction) in transactions.enumerated() { index[transaction.key] = position }
    } else if transactions.count > Self.few {
      index[transaction.key] = transactions.count - 1
    }
  }

  // MARK: - Responses

  private func response(_ message: ObservedMessage) -> Int {
    guard let status = message.status else { return 0 }
    let key = message.transactionKey(message.cseq.method)
    if position(key) == nil { add(ObservedTransaction(message, key: key)) }
    guard let known = position(key) else { return 0 }
    let same = transactions[known].responses.firstIndex { response in
      response.status == status && response.toTag == message.toTag && (response.description == nil) == (message.description == nil)
    }
    if let same {
      transactions[known].responses[same].copies += 1
      if transactions[known].acknowledgement != nil { transactions[known].responses[same].copiesAfterAcknowledgement += 1 }
      transactions[known].responses[same].last = message.stamp
      return transactions[known].responses[same].copies - 1
    }
    var response = ObservedTransaction.Response(
      status: status, phrase: message.phrase, first: message.stamp, last: message.stamp, source: message.source, toTag: message.toTag,
      explanation: message.explanation, description: message.description)
    if status == 401 || status == 407 {
      response.challenge = message.message.digestChallenges(status == 401 ? .wwwAuthenticate : .proxyAuthenticate)
    }
    if (300..<400).contains(status) { response.contact = message.message.first(.contact)?.text }
    transactions[known].responses.append(response)
    return 0
  }

  /// CSeq grows within a dialog, on each side of its own (RFC 3261 §12.2.1.1); ACK and CANCEL take their INVITE's.
  private func checkOrder(_ message: ObservedMessage) {
    guard message.method != .ack, message.method != .cancel, let tag = message.fromTag else { return }
    let side = "\(tag) \(message.source.address)"
    if let before = highest[side], message.cseq.number < before {
      regressions.append((message.stamp, tag, before, message.cseq.number))
    }
    highest[side] = max(highest[side] ?? 0, message.cseq.number)
  }
}
