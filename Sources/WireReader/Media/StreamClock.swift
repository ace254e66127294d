import SansIO

/// What the timestamps and markers of a stream's audio do (RFC 3550 §5.1), and jitter that is measured only where they keep time.
///
/// Telephone-events and comfort noise have timestamps of their own rules and are passed over.
public struct StreamClock {
  /// How often something was seen, and where first.
  public struct Tally: Hashable, Sendable {
    public var count = 0
    public var first: FrameStamp?

    mutating func add(_ stamp: FrameStamp) {
      count += 1
      if first == nil { first = stamp }
    }

    mutating func remove() {
      count -= 1
      if count == 0 { first = nil }
    }
  }

  /// A timestamp that does not fit the time between two packets.
  public struct Jump: Hashable, Sendable {
    public var stamp: FrameStamp
    /// Signed, in timestamp units.
    public var ticks: Int
    public var clockRate: Int
    /// Nanoseconds between the packets' arrivals.
    public var arrival: Int64
    public var hasMarker: Bool
  }

  public struct Packet {
    public var step: SequenceCourse.Step
    public var timestamp: UInt32
    public var marker: Bool
    public var clockRate: Int
    /// What the payload holds in timestamp units; 0 = not known.
    public var length: Int
    public var stamp: FrameStamp
  }

  /// Neighbours whose timestamps were compared.
  public private(set) var pairs = 0
  /// Timestamps that go back while the sequence number grows, and those that leap ahead by more than a second of the clock.
  public private(set) var jumps: [Jump] = []
  /// Places where timestamps leap or rest, so that jitter is measured anew.
  public private(set) var breaks = 0
  public private(set) var still = Tally()
  /// Steps that are not the payload's length, although no silence explains them.
  public private(set) var wrong = Tally()
  /// The first of them: ticks, and the payload's.
  public private(set) var wrongStep: (ticks: Int, length: Int)?
  public private(set) var markers = Tally()
  /// Packets that could have a marker.
  public private(set) var packets = 0
  /// Milliseconds: RFC 3550 §6.4.1, begun anew at each jump.
  public private(set) var jitter = 0.0
  public private(set) var maximumJitter = 0.0
  private var jitterSum = 0.0
  private var jitterCount = 0
  public var meanJitter: Double { jitterCount > 0 ? jitterSum / Double(jitterCount) : 0 }
  /// Nanoseconds of arrival and of timestamps between neighbours without a pause.
  public private(set) var arrived: Int64 = 0
  public private(set) var played: Int64 = 0
  /// Silences: the timestamp went on with the time, no packet came.
  public private(set) var silences = 0
  /// First packets after a silence that have no marker.
  public private(set) var unmarked = Tally()

  /// Numbers were skipped here, and no time by it.
  public private(set) var skipped = Tally()
  /// Packets that came right behind the one before: in less than a quarter of what that one holds.
  public private(set) var rushed = Tally()

  private var last: Packet?
  private var isInterrupted = false
  /// Ticks between two neighbours, as they were last.
  private var usual = 0
  private static let mostJumps = 16
  private static let second: Int64 = 1_000_000_000

  public mutating func take(_ packet: Packet) {
    packets += 1
    if packet.marker { markers.add(packet.stamp) }
    guard let last, packet.clockRate > 0, packet.clockRate == last.clockRate, packet.step != .first else {
      if packet.step != .aside { self.last = packet }
      return
    }
    guard case .ahead(let step) = packet.step else { return }
    self.last = packet
    if step > 1, !isInterrupted, last.length > 0, packet.timestamp == last.timestamp &+ UInt32(last.length) { skipped.add(packet.stamp) }
    compare(packet, last, isInterrupted ? step + 1 : step)
    isInterrupted = false
  }

  /// The numbering begins anew, and with it the clock.
  public mutating func startOver() {
    last = nil
    jitter = 0
  }

  /// A packet of another kind stands between two of audio.
  public mutating func passOver() { isInterrupted = true }

  private mutating func compare(_ packet: Packet, _ last: Packet, _ step: Int) {
    let ticks = Int(Int32(bitPattern: packet.timestamp &- last.timestamp))
    let arrival = packet.stamp.since(last.stamp)
    let played = Int64(ticks) * Self.second / Int64(packet.clockRate)
    // Packets that are missing had their time: behind them others come at once which had waited in a queue.
    let missing = Int64(step - 1) * Int64(last.length > 0 ? last.length : usual) * Self.second / Int64(packet.clockRate)
    if step == 1, ticks > 0 { usual = ticks }
    let isFar = played - arrival > Self.second + missing || arrival - played > Self.second
    // A clock that rested with its stream has not jumped.
    if ticks < 0 || isFar && played > arrival, jumps.count < Self.mostJumps {
      jumps.append(Jump(stamp: packet.stamp, ticks: ticks, clockRate: packet.clockRate, arrival: arrival, hasMarker: packet.marker))
    }
    guard ticks >= 0, !isFar else {
      jitter = 0
      breaks += 1
      return
    }
    measure(Double(abs(played - arrival)) / 1e6)
    if step == 1 { neighbours(packet, last, ticks, played, arrival) }
  }

  private mutating func neighbours(_ packet: Packet, _ last: Packet, _ ticks: Int, _ played: Int64, _ arrival: Int64) {
    pairs += 1
    if arrival * 4 < played { rushed.add(packet.stamp) }
    if arrival < Self.second / 5 {
      arrived += arrival
      self.played += played
    }
    if ticks == 0 { return still.add(packet.stamp) }
    guard last.length > 0, ticks != last.length else { return }
    // Silence: the clock went on with the time.
    if ticks > last.length, packet.marker || abs(played - arrival) * 4 < played {
      guard arrival > Self.second / 2 else { return }
      silences += 1
      if !packet.marker { unmarked.add(packet.stamp) }
      return
    }
    // Sixteen bytes are what SRTP adds where the description does not tell of it.
    if ticks < last.length, last.length - ticks <= 16 { return }
    wrong.add(packet.stamp)
    if wrongStep == nil { wrongStep = (ticks, last.length) }
  }

  private mutating func measure(_ difference: Double) {
    jitter += (difference - jitter) / 16
    maximumJitter = max(maximumJitter, jitter)
    jitterSum += jitter
    jitterCount += 1
  }

  /// The clock itself is at fault: what is measured by it tells nothing of the path.
  public var isBroken: Bool { pairs > 0 && (still.count + wrong.count) * 4 > pairs }
}

/// How many packets of which length a stream has, in timestamp units.
public struct PacketTimes {
  public private(set) var list: [(ticks: Int, packets: Int, first: FrameStamp)] = []
  private var recent = 0

  mutating func add(_ ticks: Int, _ stamp: FrameStamp) {
    if recent < list.count, list[recent].ticks == ticks {
      list[recent].packets += 1
      return
    }
    if let known = list.firstIndex(where: { $0.ticks == ticks }) {
      recent = known
      list[known].packets += 1
    } else if list.count < 8 {
      recent = list.count
      list.append((ticks, 1, stamp))
    }
  }
}
