import SIPMessage
import SIPTransaction
import SIPTransport

/// What a proxy knows of a request that it forwarded to several targets (RFC 3261 §16.7).
///
/// ```
///   waiting ──a 2xx──► answered      the others are cancelled; later 2xx are forwarded too
///      │ ──a 6xx──► waiting, and the others are cancelled
///      └──the last final response──► answered, by the best one
/// ```
struct ResponseContext {
  enum Output: Hashable {
    /// Goes upstream at once.
    case forward(InboundMessage)
    /// The best of all finals goes upstream; nil = nobody answered, or could be reached.
    case best(InboundMessage?)
    case cancel(TransactionLayer.ClientID)
  }

  private enum Branch {
    /// Waits; a CANCEL may be due as soon as something provisional came (§9.1).
    case open(hasProvisional: Bool, isCancelled: Bool)
    /// Over, with its final response; nil = Timer B, or no connection.
    case over(InboundMessage?)
  }

  let request: InboundMessage
  private var branches: [(id: TransactionLayer.ClientID, branch: Branch)] = []
  private(set) var isAnswered = false

  init(_ request: InboundMessage) { self.request = request }

  mutating func add(_ id: TransactionLayer.ClientID) { branches.append((id, .open(hasProvisional: false, isCancelled: false))) }

  mutating func receive(_ response: InboundMessage, from id: TransactionLayer.ClientID) -> [Output] {
    let status = response.message.status ?? 0
    guard let index = branches.firstIndex(where: { $0.id == id }) else { return [] }
    switch status {
    case ..<200: return provisional(response, status, index)
    case 200..<300:
      branches[index].branch = .over(response)
      isAnswered = true
      return [.forward(response)] + cancelAll()
    default:
      branches[index].branch = .over(response)
      return (status >= 600 ? cancelAll() : []) + chooseBest()
    }
  }

  private mutating func provisional(_ response: InboundMessage, _ status: Int, _ index: Int) -> [Output] {
    guard case .open(_, let isCancelled) = branches[index].branch else { return [] }
    let isDue = isCancelled
    branches[index].branch = .open(hasProvisional: true, isCancelled: isCancelled)
    // 100 is for the next hop alone (§16.7 step 5).
    let forwarded: [Output] = status > 100 && !isAnswered ? [.forward(response)] : []
    return forwarded + (isDue ? [.cancel(branches[index].id)] : [])
  }

  /// A branch is over without a response.
  mutating func fail(_ id: TransactionLayer.ClientID) -> [Output] {
    guard let index = branches.firstIndex(where: { $0.id == id }), case .open = branches[index].branch else { return [] }
    branches[index].branch = .over(nil)
    return chooseBest()
  }

  /// Cancels what waits (§16.10), now or as soon as it may be.
  mutating func cancelAll() -> [Output] {
    var outputs: [Output] = []
    for index in branches.indices {
      guard case .open(let hasProvisional, isCancelled: false) = branches[index].branch else { continue }
      branches[index].branch = .open(hasProvisional: hasProvisional, isCancelled: true)
      if hasProvisional { outputs.append(.cancel(branches[index].id)) }
    }
    return outputs
  }

  /// §16.7 step 6: a 6xx before all others, else the lowest class, and in it who was first; a time-out counts as 408.
  private mutating func chooseBest() -> [Output] {
    var finals: [InboundMessage?] = []
    for (_, branch) in branches {
      guard case .over(let response) = branch else { return [] }
      finals.append(response)
    }
    guard !isAnswered else { return [] }
    isAnswered = true
    func rank(_ response: InboundMessage?) -> Int {
      let statusClass = (response?.message.status ?? 408) / 100
      return statusClass == 6 ? 0 : statusClass
    }
    return [.best(finals.min { rank($0) < rank($1) } ?? nil)]
  }
}
