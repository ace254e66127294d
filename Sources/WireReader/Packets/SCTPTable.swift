import Capture
import SansIO

/// Puts the messages of SCTP together (RFC 9260 §6.9): SIP has one in each, which may come in several chunks (RFC 4168 §5).
struct SCTPTable {
  private struct Key: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
    var stream: UInt16
  }

  private struct Association: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
  }

  /// Chunks of a message that is not whole, by their numbers.
  private var waiting: [Key: [UInt32: SCTPPacket.Data]] = [:]
  private var bytes: [Key: [UInt32: Bytes]] = [:]
  /// Numbers that came, of the newest ones: what is sent again is no new message.
  private var seen: [Association: [UInt32]] = [:]
  private static let (mostWaiting, mostChunks, mostSeen, mostAssociations) = (1_024, 256, 128, 4_096)

  /// The messages that are whole by this packet.
  mutating func take(_ packet: SCTPPacket, _ frame: Bytes) -> [Bytes] {
    packet.data.compactMap { chunk in
      guard isNew(chunk.transmission, Association(source: packet.source, destination: packet.destination)) else { return nil }
      let payload = frame[chunk.payload]
      if chunk.isBeginning, chunk.isEnd { return payload }
      return join(chunk, payload, Key(source: packet.source, destination: packet.destination, stream: chunk.stream))
    }
  }

  private mutating func isNew(_ number: UInt32, _ association: Association) -> Bool {
    if seen[association] == nil, seen.count >= Self.mostAssociations { seen.removeAll() }
    guard seen[association]?.contains(number) != true else { return false }
    seen[association, default: []].append(number)
    if let count = seen[association]?.count, count > Self.mostSeen { seen[association]?.removeFirst(count / 2) }
    return true
  }

  private mutating func join(_ chunk: SCTPPacket.Data, _ payload: Bytes, _ key: Key) -> Bytes? {
    if waiting[key] == nil, waiting.count >= Self.mostWaiting { (waiting, bytes) = ([:], [:]) }
    if waiting[key]?.count ?? 0 >= Self.mostChunks { (waiting[key], bytes[key]) = (nil, nil) }
    waiting[key, default: [:]][chunk.transmission] = chunk
    bytes[key, default: [:]][chunk.transmission] = payload.compacted()
    // From this chunk back to the beginning and on to the end, without a hole.
    guard let chunks = waiting[key], let parts = bytes[key] else { return nil }
    var (first, last) = (chunk.transmission, chunk.transmission)
    while let found = chunks[first], !found.isBeginning, chunks[first &- 1] != nil { first &-= 1 }
    while let found = chunks[last], !found.isEnd, chunks[last &+ 1] != nil { last &+= 1 }
    guard chunks[first]?.isBeginning == true, chunks[last]?.isEnd == true else { return nil }
    var (whole, number): ([UInt8], UInt32) = ([], first)
    while true {
      whole += parts[number]?.array ?? []
      waiting[key]?[number] = nil
      bytes[key]?[number] = nil
      if number == last { break }
      number &+= 1
    }
    if waiting[key]?.isEmpty == true { (waiting[key], bytes[key]) = (nil, nil) }
    return Bytes(whole)
  }
}
