import SansIO

/// Accepted connections whose TLS handshake is not finished, the oldest first. Each costs memory and a descriptor before anybody has shown
/// a name, so that there is a cap: beyond it the oldest goes, which a peer that is in earnest has long left behind.
struct HalfOpenConnections {
  /// How many there may be.
  let limit: Int
  private var order: [ConnectionID] = []
  /// How many of ``order`` are gone from its front.
  private var first = 0
  private var open: Set<ConnectionID> = []

  init(limit: Int) { self.limit = limit }

  var count: Int { open.count }

  /// One more.
  ///
  /// - Returns: the one that has to go for it.
  mutating func insert(_ id: ConnectionID) -> ConnectionID? {
    open.insert(id)
    order.append(id)
    return open.count > limit ? takeOldest() : nil
  }

  /// Its handshake is over, however it ended.
  mutating func remove(_ id: ConnectionID) {
    guard open.remove(id) != nil else { return }
    if open.isEmpty { (order, first) = ([], 0) }
    // What is gone is forgotten in bulk.
    if order.count > 64, order.count > 2 * open.count + 64 {
      order = order[first...].filter { open.contains($0) }
      first = 0
    }
  }

  private mutating func takeOldest() -> ConnectionID? {
    while first < order.count {
      let id = order[first]
      first += 1
      if open.remove(id) != nil { return id }
    }
    return nil
  }
}
