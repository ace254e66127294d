import SIPMessage
import SansIO

/// OPTIONS outside dialogs, by who asks whom.
public struct PingTable {
  public struct Ping {
    public var source: TransportAddress
    public var destination: TransportAddress
    public var transport: ObservedTransport
    public var first: FrameStamp
    /// The last message.
    public var last: FrameStamp
    public var sent = 0
    public var repeated = 0
    public var answers: [(status: Int, count: Int)] = []
    public var unanswered = 0
    /// Nanoseconds.
    public var shortest = Int64.max
    public var longest: Int64 = 0
    public var firstUnanswered: FrameStamp?
    public var answered: Int { answers.reduce(0) { $0 + $1.count } }
  }

  private struct Key: Hashable {
    public var source: IPAddress
    public var destination: TransportAddress
    public var transport: ObservedTransport
  }

  private var index: [Key: Int] = [:]
  public private(set) var list: [Ping] = []

  /// Takes a message of an OPTIONS conversation.
  /// - Returns: whether it was the first final response.
  public mutating func take(_ message: ObservedMessage, _ repetition: Int, _ conversation: Conversation) -> Bool {
    let isRequest = message.message.isRequest
    let (source, destination) = isRequest ? (message.source, message.destination) : (message.destination, message.source)
    let key = Key(source: source.address, destination: destination, transport: message.transport)
    guard let position = index[key] ?? (isRequest ? add(key, message, source) : nil) else { return false }
    list[position].last = message.stamp
    if isRequest {
      if repetition == 0 { list[position].sent += 1 } else { list[position].repeated += 1 }
      return false
    }
    guard let status = message.status, status >= 200, repetition == 0 else { return false }
    if let known = list[position].answers.firstIndex(where: { $0.status == status }) {
      list[position].answers[known].count += 1
    } else {
      list[position].answers.append((status, 1))
    }
    if let asked = conversation.transactions.last(where: { $0.key.number == message.cseq.number })?.request {
      list[position].shortest = min(list[position].shortest, message.stamp.since(asked))
      list[position].longest = max(list[position].longest, message.stamp.since(asked))
    }
    return true
  }

  private mutating func add(_ key: Key, _ message: ObservedMessage, _ source: TransportAddress) -> Int {
    index[key] = list.count
    list.append(Ping(source: source, destination: key.destination, transport: key.transport, first: message.stamp, last: message.stamp))
    return list.count - 1
  }

  /// Takes out those of which nothing was seen since.
  mutating func release(before time: Int64) -> [Ping] {
    let gone = list.filter { $0.last.time < time }
    guard !gone.isEmpty else { return [] }
    list.removeAll { $0.last.time < time }
    index = [:]
    for (position, ping) in list.enumerated() {
      index[Key(source: ping.source.address, destination: ping.destination, transport: ping.transport)] = position
    }
    return gone
  }

  /// The capture ends with these still open.
  public mutating func unanswered(_ conversation: Conversation) {
    for transaction in conversation.transactions where transaction.method == .options && !transaction.isComplete {
      guard let request = transaction.request,
        let position = index[
          Key(source: transaction.source.address, destination: transaction.destination, transport: transaction.transport)]
      else { continue }
      list[position].unanswered += 1
      if list[position].firstUnanswered == nil { list[position].firstUnanswered = request }
    }
  }
}
