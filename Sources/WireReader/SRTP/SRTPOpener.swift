import SRTP
import SansIO

/// Opens SRTP and SRTCP with the keys that descriptions in the capture show (RFC 3711, RFC 4568).
///
/// A key is its writer's, who sends with it: what comes from a place is tried with the keys of who is described there, and of those whom
/// the receiver talks to, for behind a NAT a packet comes from elsewhere. Which of several offered keys is used, the first packet that
/// verifies tells.
struct SRTPOpener {
  private struct Direction: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
  }

  /// A key that opened a packet, with the ROC and the replay windows of this direction.
  private struct Lock {
    var keys: SRTPKeys
    var receiver: SRTPReceiver
  }

  /// What is known of a direction.
  private struct Locks {
    /// The one that opened the last packet comes first.
    var list: [Lock] = []
    /// The descriptions whose keys were all tried; more may have come since.
    var generation = -1
    var last: Int64 = 0
  }

  private var locks: [Direction: Locks] = [:]
  /// Keys that were used for one direction, and are kept: what is on its way under an old one comes after the new one.
  private static let mostKeys = 4
  /// Who joins a capture late does not see how often the sequence numbers have wrapped: 65,536 packets are 22 minutes.
  private static let rollovers: ClosedRange<UInt32> = 1...32

  /// The packet inside; nil where no key fits, or the packet is not protected.
  mutating func open(_ packet: Bytes, _ way: StreamTable.Way, _ kind: SRTPPacketKind, at time: Int64, _ media: MediaTable) -> Bytes? {
    let direction = Direction(source: way.source, destination: way.destination)
    var known = locks[direction] ?? Locks()
    defer { locks[direction] = known }
    known.last = time
    for (index, lock) in known.list.enumerated() {
      guard let opened = try? lock.receiver.unprotect(packet, kind) else { continue }
      if index > 0 { known.list.swapAt(0, index) }
      return opened
    }
    guard known.generation != media.generation else { return nil }
    for keys in media.keys(way) where !known.list.contains(where: { $0.keys == keys }) {
      guard let receiver = try? SRTPReceiver(keys), let opened = Self.open(packet, kind, receiver) else { continue }
      known.list.insert(Lock(keys: keys, receiver: receiver), at: 0)
      if known.list.count > Self.mostKeys { known.list.removeLast() }
      return opened
    }
    known.generation = media.generation
    return nil
  }

  /// The first packet of a direction, whatever its ROC.
  private static func open(_ packet: Bytes, _ kind: SRTPPacketKind, _ receiver: SRTPReceiver) -> Bytes? {
    if let opened = try? receiver.unprotect(packet, kind) { return opened }
    guard kind == .rtp, packet.count >= 12, let counter = receiver.rolloverCounter(verifying: packet, among: rollovers) else { return nil }
    receiver.expect(rolloverCounter: counter, of: (8..<12).reduce(UInt32(0)) { $0 << 8 | UInt32(packet[$1]) })
    return try? receiver.unprotect(packet, kind)
  }

  /// Takes out the directions that were silent since then.
  mutating func release(before time: Int64) { locks = locks.filter { $0.value.last > time } }
}

extension MediaTable {
  /// The keys by which a packet may be protected, each once: of who is described where it comes from, and of the other sides of the
  /// dialogs that its receiver is in.
  func keys(_ way: StreamTable.Way) -> [SRTPKeys] {
    var uses: [Use] = []
    if let sender = self[way.source] ?? control(way.source) { uses.append(sender) }
    if let receiver = self[way.destination] ?? control(way.destination) {
      for conversation in receiver.conversations { uses += described(by: conversation).filter { $0.owner != receiver.owner } }
    }
    var found: [SRTPKeys] = []
    for line in uses.flatMap(\.media.crypto) {
      if let keys = try? line.keying(), !found.contains(keys) { found.append(keys) }
    }
    return found
  }

  /// Whether packets between two places may be SRTP: one side says RTP/SAVP, or both have keys, as far as they are known.
  static func mayBeProtected(_ one: Use?, _ other: Use?) -> Bool {
    let sides = [one, other].compactMap(\.self)
    return sides.contains(where: \.media.isSecure) || !sides.isEmpty && sides.allSatisfy { !$0.media.crypto.isEmpty }
  }
}
