import SansIO

/// What happened in a run, in a few bytes a packet: two runs of one scenario with one seed have the same.
///
/// It finds slips, such as an order that depends on a hash; forgery it does not.
public struct RunTrace: Hashable, Sendable {
  /// Where two runs go apart.
  public struct Difference: Hashable, Sendable, CustomStringConvertible {
    /// Counted over all hosts, from 1; behind the last one where the packets are the same.
    public var packet: Int
    public var at: Instant

    public var description: String { "packet \(packet), at \(at)" }
  }

  private struct Point: Hashable, Sendable {
    /// Of everything so far.
    var sum: UInt64
    var at: Instant
  }

  private var packets: [Point] = []
  /// FNV-1a of 64 bits.
  private var sum: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The first packet that differs; nil where the runs are the same.
  public func difference(from other: RunTrace) -> Difference? {
    guard self != other else { return nil }
    let common = min(packets.count, other.packets.count)
    let index = (0..<common).first { packets[$0] != other.packets[$0] } ?? common
    let longer = packets.count > common ? packets : other.packets
    return Difference(packet: index + 1, at: (longer.indices.contains(index) ? longer[index] : longer.last)?.at ?? .zero)
  }

  fileprivate mutating func add(_ value: UInt64) { sum = (sum ^ value) &* 0x100_0000_01B3 }
  fileprivate mutating func add(_ text: String) { for byte in text.utf8 { add(UInt64(byte)) } }

  fileprivate mutating func add(_ packet: PacketRecord) {
    add(UInt64(bitPattern: packet.at.nanoseconds))
    add(UInt64(packet.host.rawValue) << 8 | UInt64(packet.direction.rawValue))
    packet.payload.withUnsafeBytes { bytes in for byte in bytes { add(UInt64(byte)) } }
    packets.append(Point(sum: sum, at: packet.at))
  }
}

/// Takes down the trace of a run.
public final class RunTracer: JournalSink {
  public private(set) var trace = RunTrace()

  public init() {}

  public func hostAdded(_ host: HostID, name: String) { trace.add(name) }
  public func packet(_ packet: PacketRecord) { trace.add(packet) }

  public func record(_ record: JournalRecord) {
    trace.add(UInt64(bitPattern: record.at.nanoseconds))
    if case .step(let text) = record.body { trace.add(text) }
  }

  public func finish(at now: Instant) { trace.add(UInt64(bitPattern: now.nanoseconds)) }
}
