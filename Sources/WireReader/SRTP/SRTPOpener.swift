import SRTP
import SansIO

/// How a reader knows a key of SRTP.
public enum SRTPKeySource: String, Hashable, Sendable {
  /// A crypto attribute (RFC 4568).
  case sdes = "SDES"
  /// A DTLS handshake whose secret is known (RFC 5764).
  case dtls = "DTLS"
  case keyLog = "key log"
}

/// Opens SRTP and SRTCP with the keys that a capture shows, or that were given beside it (RFC 3711, RFC 4568, RFC 5764).
///
/// A key is its writer's, who sends with it: what comes from a place is tried with the keys of who is described there, and of those whom
/// the receiver talks to, for behind a NAT a packet comes from elsewhere. Which of several keys is used, the first packet that
/// verifies tells.
struct SRTPOpener {
  /// A key that may open a packet; `handshake`: the frame of the ClientHello of the DTLS handshake that gave it, otherwise 0.
  typealias Candidate = (keys: SRTPKeys, source: SRTPKeySource, handshake: Int)

  private struct Direction: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
  }

  /// A key that opened a packet, with the ROC and the replay windows of this direction.
  private struct Lock {
    var keys: SRTPKeys
    var source: SRTPKeySource
    var handshake: Int
    /// Later ones opened their first packet later.
    var number: Int
    var receiver: SRTPReceiver
  }

  /// What is known of a direction.
  private struct Locks {
    /// The one that opened the last packet comes first.
    var list: [Lock] = []
    /// The keys that were all tried; more may have come since.
    var generation = -1
    /// Packets since then that none of them opened.
    var misses = 0
    /// Why the last one was not opened; nil while no key was there to try.
    var drop: SRTPDrop?
    var last: Int64 = 0
    /// Keys that opened something so far.
    var count = 0
  }

  private var locks: [Direction: Locks] = [:]
  /// Keys that were used for one direction, and are kept: what is on its way under an old one comes after the new one.
  private static let mostKeys = 4
  /// Who joins a capture late does not see how often the sequence numbers have wrapped: 65,536 packets are 22 minutes.
  private static let rollovers: ClosedRange<UInt32> = 1...32
  /// The first packets that no key opens may be damaged ones: so many are tried with all keys, then one in so many.
  private static let (firstMisses, laterMisses) = (4, 64)

  /// The packet inside, by a key that has opened one of this direction before; nil where none does.
  mutating func open(_ packet: Bytes, _ way: StreamTable.Way, _ kind: SRTPPacketKind, at time: Int64) -> Bytes? {
    let direction = Direction(source: way.source, destination: way.destination)
    var known = locks[direction] ?? Locks()
    defer { locks[direction] = known }
    known.last = time
    for (index, lock) in known.list.enumerated() {
      do throws(SRTPDrop) {
        let opened = try lock.receiver.unprotect(packet, kind)
        if index > 0 { known.list.swapAt(0, index) }
        return opened
      } catch { if index == 0 { known.drop = error } }
    }
    known.misses += 1
    return nil
  }

  /// Whether a packet that was not opened is worth to be tried with all keys.
  /// - Parameter generation: of the keys: another where there may be others.
  func mayFind(_ way: StreamTable.Way, generation: Int) -> Bool {
    guard let known = locks[Direction(source: way.source, destination: way.destination)] else { return true }
    return known.generation != generation || known.misses <= Self.firstMisses || known.misses % Self.laterMisses == 0
  }

  /// The packet inside, by one of the keys that this direction may use.
  mutating func open(
    _ packet: Bytes, _ way: StreamTable.Way, _ kind: SRTPPacketKind, generation: Int, _ candidates: [Candidate]
  ) -> Bytes? {
    let direction = Direction(source: way.source, destination: way.destination)
    var known = locks[direction] ?? Locks()
    defer { locks[direction] = known }
    if known.generation != generation { (known.generation, known.misses) = (generation, 1) }
    for candidate in candidates where !known.list.contains(where: { $0.keys == candidate.keys }) {
      guard let receiver = try? SRTPReceiver(candidate.keys) else { continue }
      do throws(SRTPDrop) {
        let opened = try Self.open(packet, kind, receiver)
        known.count += 1
        let lock = Lock(
          keys: candidate.keys, source: candidate.source, handshake: candidate.handshake, number: known.count, receiver: receiver)
        known.list.insert(lock, at: 0)
        if known.list.count > Self.mostKeys { known.list.removeLast() }
        return opened
      } catch { if known.list.isEmpty { known.drop = error } }
    }
    return nil
  }

  /// Whether one of these keys has opened nothing of this direction yet.
  func isNew(_ candidates: [Candidate], _ way: StreamTable.Way) -> Bool {
    let known = locks[Direction(source: way.source, destination: way.destination)]?.list ?? []
    return candidates.contains { candidate in !known.contains { $0.keys == candidate.keys } }
  }

  /// Whether one of these keys opens a packet; nothing changes.
  func opens(_ packet: Bytes, _ candidates: [Candidate]) -> Bool {
    candidates.contains { candidate in
      guard let receiver = try? SRTPReceiver(candidate.keys) else { return false }
      return (try? Self.open(packet, .rtp, receiver)) != nil
    }
  }

  /// The first packet of a direction, whatever its ROC.
  private static func open(_ packet: Bytes, _ kind: SRTPPacketKind, _ receiver: SRTPReceiver) throws(SRTPDrop) -> Bytes {
    do throws(SRTPDrop) { return try receiver.unprotect(packet, kind) } catch {
      guard kind == .rtp, packet.count >= 12, let counter = receiver.rolloverCounter(verifying: packet, among: rollovers) else {
        throw error
      }
      receiver.expect(rolloverCounter: counter, of: (8..<12).reduce(UInt32(0)) { $0 << 8 | UInt32(packet[$1]) })
      return try receiver.unprotect(packet, kind)
    }
  }

  /// How the key is known that opened the last packet.
  func source(_ way: StreamTable.Way) -> SRTPKeySource? {
    locks[Direction(source: way.source, destination: way.destination)]?.list.first?.source
  }

  /// What opened the last packet: the frame of its DTLS handshake, otherwise 0, and whether a later key of this direction has opened
  /// something.
  func lastUse(_ way: StreamTable.Way) -> (handshake: Int, isOld: Bool) {
    let known = locks[Direction(source: way.source, destination: way.destination)]
    guard let known, let lock = known.list.first else { return (0, false) }
    return (lock.handshake, lock.number < known.count)
  }

  /// The key that opened the last packet which was opened.
  func keys(_ way: StreamTable.Way) -> SRTPKeys? {
    locks[Direction(source: way.source, destination: way.destination)]?.list.first?.keys
  }

  /// Why the last packet that was tried with a key stayed closed; nil where there was no key.
  func drop(_ way: StreamTable.Way) -> SRTPDrop? { locks[Direction(source: way.source, destination: way.destination)]?.drop }

  /// Takes out the directions that were silent since then.
  mutating func release(before time: Int64) { locks = locks.filter { $0.value.last > time } }
}

extension MediaTable {
  /// Who may send what comes this way, and what each says: whoever is described where it comes from, and the other sides of the dialogs
  /// that its receiver is in.
  func senders(_ way: StreamTable.Way) -> [Use] {
    var uses: [Use] = []
    if let sender = self[way.source] ?? control(way.source) { uses.append(sender) }
    if let receiver = self[way.destination] ?? control(way.destination) {
      for conversation in receiver.conversations { uses += described(by: conversation).filter { $0.owner != receiver.owner } }
    }
    return uses
  }

  /// The keys by which a packet may be protected, each once.
  func keys(_ way: StreamTable.Way) -> [SRTPKeys] {
    var found: [SRTPKeys] = []
    for line in senders(way).flatMap(\.media.crypto) {
      if let keys = try? line.keying(), !found.contains(keys) { found.append(keys) }
    }
    return found
  }

  /// Whether packets between two places may be SRTP: one side says RTP/SAVP, or both have keys, as far as they are known.
  static func mayBeProtected(_ one: Use?, _ other: Use?) -> Bool {
    let sides = [one, other].compactMap(\.self)
    return sides.contains(where: \.media.isSecure) || !sides.isEmpty && sides.allSatisfy(\.media.hasKeys)
  }
}
