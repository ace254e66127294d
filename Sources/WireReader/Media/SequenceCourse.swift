import SansIO

/// The numbering of a stream: what is missing of it, where it starts over, and what came late or twice (RFC 3550 §5.1, §A.1).
///
/// A jump is a loss where arrival or timestamp tells of the time that passed. Where neither does, and the next packet goes on from the new
/// number, the sender has started over, and nothing was lost.
public struct SequenceCourse {
  /// What a packet's number says beside those before it.
  public enum Step: Hashable, Sendable {
    case first
    /// Ahead by so many numbers; 1 = the next one.
    case ahead(Int)
    /// Late, twice, or out of the numbering.
    case aside
  }

  public struct Packet {
    public var sequence: UInt16
    public var timestamp: UInt32
    /// Milliseconds since the capture's first frame.
    public var time: Double
    /// 0 = not known.
    public var clockRate: Int
    /// Whose timestamps stand still by design (RFC 4733 §2.2).
    public var isEvent: Bool
    public var stamp: FrameStamp
  }

  /// A place where numbers start over under the same SSRC.
  public struct Restart: Hashable, Sendable {
    public var stamp: FrameStamp
    public var from: UInt16
    public var to: UInt16
  }

  /// Numbers that are missing between two packets.
  public struct Gap: Hashable, Sendable {
    public var before: FrameStamp
    public var after: FrameStamp
    public var missing: Int
  }

  public private(set) var order = OrderCounter()
  public private(set) var packets = 0
  public private(set) var restarts: [Restart] = []
  /// The longer ones, by time: those that hold may explain.
  public private(set) var gaps: [Gap] = []
  /// Packets of a number that nothing before and after it explains.
  public private(set) var strays = 0
  private static let mostKept = 64

  private var closed = 0
  private var first = 0
  private var last = 0
  private var highest: Packet?
  private var candidate: Packet?
  /// Timestamp units from packet to packet, as they were last.
  private(set) var ticks = 0
  /// Milliseconds of audio since the numbering began, and the least by which arrival was behind it.
  private var played = 0.0
  private var leastTransit = 0.0

  /// Of the first packet, and of the highest one.
  public private(set) var firstSequence: UInt16 = 0
  public var lastSequence: UInt16 { highest?.sequence ?? 0 }
  /// The timestamp of the highest one, and when it came.
  public var newest: (timestamp: UInt32, stamp: FrameStamp)? { highest.map { ($0.timestamp, $0.stamp) } }

  /// Packets that the numbers promise.
  public var expected: Int { packets == 0 ? 0 : closed + last - first + 1 }
  public var distinct: Int { packets - order.duplicates - strays }
  /// Never negative.
  public var lost: Int { max(expected - distinct, 0) }
  /// As receivers report it: a packet that came twice makes up for one that did not come (RFC 3550 §6.4.1).
  public var balance: Int { promised - packets }
  /// Up to the highest number, as receivers count (RFC 3550 §A.3): the packet that came last may have been overtaken.
  public var promised: Int { expected + (highest.map { Int(Int16(bitPattern: $0.sequence &- UInt16(truncatingIfNeeded: last))) } ?? 0) }

  public mutating func take(_ packet: Packet) -> Step {
    packets += 1
    guard let highest else {
      firstSequence = packet.sequence
      begin(packet)
      return .first
    }
    if let start = candidate {
      candidate = nil
      if packet.sequence == start.sequence &+ 1 {
        startOver(start, highest)
        return advance(packet, start, 1)
      }
    }
    let step = Int(Int16(bitPattern: packet.sequence &- highest.sequence))
    if isOdd(packet, highest, step) {
      candidate = packet
      strays += 1
      return .aside
    }
    return advance(packet, highest, step)
  }

  private mutating func begin(_ packet: Packet) {
    highest = packet
    (first, last) = (Int(packet.sequence), Int(packet.sequence))
    order.take(packet.sequence)
    played = 0
    leastTransit = packet.time
  }

  private mutating func startOver(_ start: Packet, _ highest: Packet) {
    strays -= 1
    closed += last - first + 1
    if restarts.count < Self.mostKept {
      restarts.append(Restart(stamp: start.stamp, from: highest.sequence, to: start.sequence))
    }
    order.startOver()
    begin(start)
  }

  private mutating func advance(_ packet: Packet, _ highest: Packet, _ step: Int) -> Step {
    order.take(packet.sequence)
    last += Int(Int16(bitPattern: packet.sequence &- UInt16(truncatingIfNeeded: last)))
    guard step > 0 else { return .aside }
    let ticked = Int(Int32(bitPattern: packet.timestamp &- highest.timestamp))
    if step == 1, ticked > 0, !packet.isEvent, !highest.isEvent { ticks = ticked }
    if step > 1, packet.stamp.since(highest.stamp) > 100_000_000, gaps.count < Self.mostKept {
      gaps.append(Gap(before: highest.stamp, after: packet.stamp, missing: step - 1))
    }
    follow(packet, packet.clockRate > 0 ? Double(ticked) * 1_000 / Double(packet.clockRate) : 0)
    self.highest = packet
    return .ahead(step)
  }

  private mutating func follow(_ packet: Packet, _ milliseconds: Double) {
    // A clock that leaps says nothing of the time before.
    guard milliseconds >= 0, milliseconds < 10_000 else {
      (played, leastTransit) = (0, packet.time)
      return
    }
    played += milliseconds
    leastTransit = min(leastTransit, packet.time - played)
  }

  /// RFC 3550 §A.1 knows the number alone, and takes 3,000 for a drop-out and 100 for disorder; arrival and timestamp say more.
  private func isOdd(_ packet: Packet, _ highest: Packet, _ step: Int) -> Bool {
    guard step > 9 || step < -9 else { return false }
    guard ticks > 0, packet.clockRate > 0, !packet.isEvent, !highest.isEvent else { return step > 3_000 || step < -100 }
    let rate = Double(packet.clockRate)
    let length = Double(step * ticks) * 1_000 / rate
    let ticked = Double(Int32(bitPattern: packet.timestamp &- highest.timestamp)) * 1_000 / rate
    let timestampFits = abs(ticked - length) <= abs(length) / 2
    guard step > 0 else { return !timestampFits || step < -100 }
    guard packet.time - highest.time < length / 2 else { return false }
    guard timestampFits else { return true }
    // Numbers and timestamps agree, arrival does not: either the path had held packets back, or this came before its time.
    return packet.time - (played + ticked) < leastTransit - length / 2
  }
}

/// Counts what came late and what came twice, by a window of the newest 128 sequence numbers.
public struct OrderCounter {
  public private(set) var late = 0
  public private(set) var duplicates = 0
  /// Steps to a number nearby, which tell RTP from chance: of random numbers one in five hundred is.
  public private(set) var near = 0
  private var highest: UInt16?
  private var window: UInt128 = 0

  public mutating func take(_ sequence: UInt16) {
    guard let highest else {
      self.highest = sequence
      window = 1
      return
    }
    let step = Int(Int16(bitPattern: sequence &- highest))
    if step != 0, abs(step) <= 64 { near += 1 }
    if step > 0 {
      window = step < 128 ? window << UInt128(step) | 1 : 1
      self.highest = sequence
    } else if step > -128 {
      let bit = UInt128(1) << UInt128(-step)
      if window & bit != 0 { duplicates += 1 } else { late += 1 }
      window |= bit
    } else {
      late += 1
    }
  }

  /// The numbering begins anew with the next packet.
  public mutating func startOver() { highest = nil }
}
