import SIPMessage
import SIPTransaction
import SansIO

/// Requests outside dialogs that are being served, to tell a copy that came by another path (RFC 3261 §8.2.2.2): From tag, Call-ID and CSeq
/// are the same, and its transaction is another one.
struct MergedRequests {
  private struct Known {
    /// Call-ID and From tag behind one another.
    let identity: Bytes
    let callIDCount: Int
    let sequence: UInt32
    let method: SIPMethod

    init(_ request: SIPRequest, _ tag: Bytes) {
      let callID = request.callID
      var bytes: [UInt8] = []
      bytes.reserveCapacity(callID.count + tag.count)
      bytes += callID
      bytes += tag
      identity = Bytes(bytes)
      callIDCount = callID.count
      sequence = request.sequence
      method = request.method
    }

    func isSame(_ request: SIPRequest, _ tag: Bytes) -> Bool {
      sequence == request.sequence && method == request.method && identity.count == callIDCount + tag.count
        && identity[0..<callIDCount] == request.callID && identity[callIDCount..<identity.count] == tag
    }
  }

  /// By the number of their server transaction.
  private var known = SerialTable<Known>()
  private var numbers = NumberIndex()

  var count: Int { known.count }

  /// Also false for a peer of RFC 2543, whose From has no tag.
  func contains(_ request: SIPRequest) -> Bool {
    guard count > 0, let tag = request.fromTag else { return false }
    return contains(request, tag, hash: Self.hash(request))
  }

  private func contains(_ request: SIPRequest, _ tag: Bytes, hash: UInt64) -> Bool {
    var isKnown = false
    numbers.search(hash: hash) { number in
      isKnown = known[number]?.isSame(request, tag) ?? false
      return isKnown
    }
    return isKnown
  }

  /// From now on a copy of this request is one that is being served already.
  mutating func serve(_ request: SIPRequest) {
    guard let tag = request.fromTag else { return }
    let (number, hash) = (request.server.rawValue, Self.hash(request))
    guard known[number] == nil, !contains(request, tag, hash: hash) else { return }
    known[number] = Known(request, tag)
    numbers.insert(number, hash: hash)
  }

  /// Its transaction is over.
  mutating func ended(_ server: ServerID) {
    known.remove(server.rawValue)
    numbers.remove(server.rawValue)
  }

  private static func hash(_ request: SIPRequest) -> UInt64 { ByteHash.of(request.callID) &+ UInt64(request.sequence) }
}
