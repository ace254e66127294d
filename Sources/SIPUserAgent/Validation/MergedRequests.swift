import SIPMessage
import SIPTransaction
import SansIO

/// Requests outside dialogs that are being served, to tell a copy that came by another path (RFC 3261 §8.2.2.2): From tag, Call-ID and CSeq
/// are the same, and its transaction is another one.
struct MergedRequests {
  private struct Key: Hashable {
    /// Call-ID and From tag behind one another.
    var identity: Bytes
    var callIDCount: Int
    var sequence: UInt32
    var method: SIPMethod

    func hash(into hasher: inout Hasher) {
      hasher.combine(ByteHash.of(identity))
      hasher.combine(sequence)
    }

    /// nil for a peer of RFC 2543, whose From has no tag.
    init?(_ request: SIPRequest) {
      guard let tag = request.fromTag else { return nil }
      let callID = request.callID
      identity = Bytes(
        [UInt8](unsafeUninitializedCapacity: callID.count + tag.count) { buffer, count in
          callID.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
          tag.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[callID.count...]).copyMemory(from: $0)
          }
          count = callID.count + tag.count
        })
      callIDCount = callID.count
      sequence = request.sequence
      method = request.method
    }
  }

  private var servers: [Key: ServerID] = [:]
  private var keys: [ServerID: Key] = [:]

  var count: Int { keys.count }

  func contains(_ request: SIPRequest) -> Bool {
    guard !servers.isEmpty, let key = Key(request) else { return false }
    return servers[key] != nil
  }

  /// From now on a copy of this request is one that is being served already.
  mutating func serve(_ request: SIPRequest) {
    guard let key = Key(request), servers[key] == nil else { return }
    servers[key] = request.server
    keys[request.server] = key
  }

  /// Its transaction is over.
  mutating func ended(_ server: ServerID) {
    if let key = keys.removeValue(forKey: server) { servers[key] = nil }
  }
}
