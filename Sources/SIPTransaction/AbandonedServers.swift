/// The newest server transactions that are never answered. A flood from a peer that the policy drops must not grow without bound.
struct AbandonedServers {
  /// Transactions whose repetitions are absorbed for the whole 64·T1.
  static let limit = 1_024

  private var newest: [TransactionLayer.ServerID] = []
  private var next = 0

  /// - Returns: the one that has to go for it; it may have ended already.
  mutating func add(_ id: TransactionLayer.ServerID) -> TransactionLayer.ServerID? {
    guard newest.count == Self.limit else {
      newest.append(id)
      return nil
    }
    let oldest = newest[next]
    newest[next] = id
    next = (next + 1) % Self.limit
    return oldest
  }
}
