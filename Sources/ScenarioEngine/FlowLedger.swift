import SansIO
import ScenarioModel

/// Counts what became of sent packets, by sender, kind and destination: what findings say of links and faults. Bounded by the kinds of
/// messages there are.
struct FlowLedger {
  private struct Key: Hashable {
    var host: HostID
    var subject: Label.Subject
    var destination: TransportAddress
  }

  private struct FateKey: Hashable {
    var slot: Int
    var fate: Fate
  }

  /// Where a host's media goes, so that a media packet is counted without a look into the table.
  private struct MediaSlot {
    var destination: TransportAddress
    var slot: Int
  }

  private static let limit = 4_096

  private var slots: [Key: Int] = [:]
  private var keys: [Key] = []
  private var sent: [Int] = []
  private var fates: [FateKey: Int] = [:]
  private var media: [MediaSlot?] = []
  /// The counts when the last step did something, and when that was.
  private var marked: (at: Instant, sent: [Int], fates: [FateKey: Int]) = (.distantFuture, [], [:])

  mutating func hostAdded(_ host: HostID) { while media.count <= Int(host.rawValue) { media.append(nil) } }

  /// What was sent before is not of this step. Steps at one instant are looked at together.
  mutating func mark(at now: Instant) {
    guard marked.at != now else { return }
    marked = (now, sent, fates)
  }

  @inline(__always)
  mutating func take(_ packet: PacketRecord) {
    let host = Int(packet.host.rawValue)
    var slot: Int
    if case .rtp = packet.label.subject {
      if let known = media[host], known.destination == packet.destination {
        slot = known.slot
      } else {
        slot = self.slot(Key(host: packet.host, subject: .rtp(payloadType: 0), destination: packet.destination))
        media[host] = MediaSlot(destination: packet.destination, slot: slot)
      }
    } else {
      slot = self.slot(Key(host: packet.host, subject: packet.label.subject, destination: packet.destination))
    }
    guard slot >= 0 else { return }
    sent[slot] += 1
    switch packet.fate {
    case .delivered, .duplicated, .heldBack, .translated, .unknown: break
    case .lost, .corrupted, .dropped, .delayed, .rewritten, .filtered, .unroutable:
      fates[FateKey(slot: slot, fate: packet.fate), default: 0] += 1
    }
  }

  private mutating func slot(_ key: Key) -> Int {
    if let slot = slots[key] { return slot }
    guard keys.count < Self.limit else { return -1 }
    slots[key] = keys.count
    keys.append(key)
    sent.append(0)
    return keys.count - 1
  }

  /// - Parameter fault: the words of a fault by its number.
  func flows(of host: HostID, isWhole: Bool, fault: (UInt16) -> String) -> [PacketFlow] {
    keys.indices.filter { keys[$0].host == host }.compactMap { slot in
      let isKnown = !isWhole && marked.at != .distantFuture
      let count = sent[slot] - (isKnown && slot < marked.sent.count ? marked.sent[slot] : 0)
      guard count > 0 else { return nil }
      var parts: [PacketFlow.Part] = []
      for (key, total) in fates.sorted(by: { "\($0.key.fate)" < "\($1.key.fate)" }) where key.slot == slot {
        let number = total - (isKnown ? marked.fates[key] ?? 0 : 0)
        if number > 0, let effect = Self.effect(key.fate, fault) { parts.append(PacketFlow.Part(effect, number)) }
      }
      return PacketFlow(subject: keys[slot].subject, destination: keys[slot].destination, sent: count, parts: parts)
    }
  }

  private static func effect(_ fate: Fate, _ fault: (UInt16) -> String) -> PacketFlow.Effect? {
    switch fate {
    case .lost(let cause): .lost(cause)
    case .corrupted: .corrupted
    case .dropped(let number): .dropped(fault: fault(number))
    case .delayed(let number): .delayed(fault: fault(number))
    case .rewritten(let number): .changed(fault: fault(number))
    case .unroutable: .unroutable
    case .filtered: .filtered
    case .delivered, .duplicated, .heldBack, .translated, .unknown: nil
    }
  }
}
