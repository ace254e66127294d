import Capture
import SansIO

/// Puts the fragments of IP packets together (RFC 791 §3.2, RFC 8200 §4.5), in any order, within bounds.
public struct FragmentTable {
  public struct Whole {
    public var payload: Bytes
    public var count: Int
  }

  private struct Key: Hashable {
    public var source: IPAddress
    public var destination: IPAddress
    public var protocolNumber: UInt8
    public var identification: UInt32
  }

  private struct Parts {
    public var list: [(offset: Int, bytes: Bytes)] = []
    public var total: Int?
    public var present = 0
  }

  /// Packets that may wait for their missing parts; older ones are given up.
  private static let capacity = 128

  private var waiting: [Key: Parts] = [:]
  private var order: [Key] = []
  /// Packets of which a part never came, or came cut.
  public private(set) var incomplete = 0

  /// The whole packet's payload, when this was the part that was missing.
  public mutating func take(_ fragment: IPFragment, _ bytes: Bytes) -> Whole? {
    let key = Key(
      source: fragment.source, destination: fragment.destination, protocolNumber: fragment.protocolNumber,
      identification: fragment.identification)
    guard !fragment.isCut, fragment.offset + bytes.count <= 65_535 else {
      giveUp(key)
      return nil
    }
    if waiting[key] == nil { open(key) }
    var parts = waiting[key] ?? Parts()
    if fragment.isLast { parts.total = fragment.offset + bytes.count }
    let isRepeated = parts.list.contains { $0.offset == fragment.offset }
    if !isRepeated {
      parts.list.append((fragment.offset, bytes.compacted()))
      parts.present += bytes.count
    }
    waiting[key] = parts
    guard let total = parts.total, parts.present >= total else { return nil }
    close(key)
    guard let payload = Self.join(parts.list, total) else {
      incomplete += 1
      return nil
    }
    return Whole(payload: payload, count: parts.list.count)
  }

  /// What still waits when the capture ends.
  public mutating func finish() {
    incomplete += waiting.count
    waiting = [:]
    order = []
  }

  private mutating func open(_ key: Key) {
    if order.count >= Self.capacity, let oldest = order.first { giveUp(oldest) }
    order.append(key)
  }

  private mutating func giveUp(_ key: Key) {
    incomplete += 1
    close(key)
  }

  private mutating func close(_ key: Key) {
    waiting[key] = nil
    order.removeAll { $0 == key }
  }

  /// Nil when the parts overlap or leave a hole (RFC 5722 lets nobody guess).
  private static func join(_ parts: [(offset: Int, bytes: Bytes)], _ total: Int) -> Bytes? {
    var whole: [UInt8] = []
    whole.reserveCapacity(total)
    for part in parts.sorted(by: { $0.offset < $1.offset }) {
      guard part.offset == whole.count else { return nil }
      whole += part.bytes
    }
    return whole.count == total ? Bytes(whole) : nil
  }
}
