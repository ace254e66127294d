import SansIO

/// INVITEs of which nobody knows yet whether they become calls, with their answers, and whatever came behind them that belongs to no call:
/// kept in order, for a second at most.
///
/// An INVITE is answered in the turn it came in, so this is nearly always empty. Only a challenged one stays, since the next INVITE with
/// its Call-ID is the same call.
struct UndecidedPassages {
  private struct Entry {
    var passage: Passage
    var callID: String?
  }

  /// More bytes are not kept: a flood decides for itself.
  private static let mostBytes = 4 << 20

  private var entries: [Entry] = []
  private var bytes = 0
  /// Since when a Call-ID is undecided.
  private var candidates: [String: Instant] = [:]

  var isEmpty: Bool { entries.isEmpty }

  func awaits(_ callID: String) -> Bool { candidates[callID] != nil }

  mutating func expect(_ callID: String, at now: Instant) { if candidates[callID] == nil { candidates[callID] = now } }

  /// - Parameter callID: of the candidate that it belongs to; nil = it only keeps its place in the order.
  mutating func hold(_ passage: Passage, of callID: String?) {
    entries.append(Entry(passage: passage, callID: callID))
    bytes += passage.packet.payload.count + 64
    if bytes > Self.mostBytes { candidates = [:] }
  }

  /// It is a call: these are its packets.
  mutating func claim(_ callID: String) -> [Passage] {
    guard candidates.removeValue(forKey: callID) != nil else { return [] }
    var claimed: [Passage] = []
    entries.removeAll { entry in
      guard entry.callID == callID else { return false }
      claimed.append(entry.passage)
      return true
    }
    bytes -= claimed.reduce(0) { $0 + $1.packet.payload.count + 64 }
    return claimed
  }

  /// It is no call.
  mutating func settle(_ callID: String) { candidates[callID] = nil }

  /// None of those that are undecided since then is a call.
  mutating func settle(since limit: Instant) {
    guard !candidates.isEmpty else { return }
    candidates = candidates.filter { $0.value > limit }
  }

  mutating func settleAll() { candidates = [:] }

  /// What belongs to no call and waits for nothing any more, in order.
  mutating func release() -> [Passage] {
    let count = entries.firstIndex { $0.callID.map { candidates[$0] != nil } ?? false } ?? entries.count
    let released = entries[0..<count].map(\.passage)
    entries.removeFirst(count)
    bytes -= released.reduce(0) { $0 + $1.packet.payload.count + 64 }
    return released
  }
}
