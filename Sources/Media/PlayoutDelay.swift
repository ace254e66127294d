/// How long a jitter buffer waits, and when that has to change. All times in nanoseconds.
///
/// The *lead* of a packet is the time from its arrival to its play-out. The largest lead of an ``interval`` is that of the fastest packets:
/// it is the delay as it is. The spread between largest and smallest lead is the jitter that the delay has to cover (the spike detector of
/// Ramjee, Kurose, Towsley, Schulzrinne: Adaptive playout mechanisms for packetized audio applications, INFOCOM 1994; peaks instead of
/// variances, since one late packet in a hundred is one too many).
///
/// - A late packet lets it grow at once, by whole packet times, up to the maximum.
/// - At the end of each interval the highest spread of the past, which fades by an eighth an interval, and one packet time make what is
///   needed. What is more than that goes: in a silence all of it, in speech one packet an interval.
/// - A fixed delay is held in the same way: when the sender's clock and ours have drifted apart by a packet time, one is left out or filled
///   in. That is once in 200 s at 100 ppm.
struct PlayoutDelay: Hashable, Sendable {
  static let interval: Int64 = 5_000_000_000

  /// In packet times.
  struct Change: Hashable, Sendable {
    /// To be filled in.
    var stretch = 0
    /// To be left out, even in speech.
    var skip = 0
    /// To be left out in the next silence.
    var cut = 0
  }

  private let isFixed: Bool
  let minimum: Int64
  let maximum: Int64
  private(set) var current: Int64
  private(set) var highest: Int64
  private var intervalEnd: Int64?
  private var leads: ClosedRange<Int64>?
  private var peak: Int64 = 0

  /// nil where there is nothing to wait for.
  init?(_ mode: JitterBufferMode) {
    switch mode {
    case .none: return nil
    case .fixed(let delay):
      isFixed = true
      minimum = max(delay.wholeNanoseconds, 0)
      maximum = minimum
      current = minimum
    case .adaptive(let low, let high):
      isFixed = false
      minimum = max(low.wholeNanoseconds, 0)
      maximum = max(high.wholeNanoseconds, minimum)
      current = minimum
    }
    highest = current
  }

  /// The lead beyond which frames are left out at once.
  var bound: Int64 { isFixed ? maximum + 200_000_000 : maximum }

  /// A source begins, or begins anew.
  mutating func begin(at now: Int64) {
    (intervalEnd, leads) = (now + Self.interval, nil)
  }

  /// By how many packet times a late packet lets it grow.
  mutating func grow(lateness: Int64, packet: Int64) -> Int {
    guard !isFixed, packet > 0, current < maximum else { return 0 }
    let room = (maximum - current) / packet
    let packets = min(lateness / packet + 1, room)
    guard packets > 0 else { return 0 }
    change(by: packets * packet)
    return Int(packets)
  }

  private mutating func change(by difference: Int64) {
    current = max(current + difference, 0)
    highest = max(highest, current)
    // What is noted of this interval holds for the new delay as well.
    if let known = leads { leads = known.lowerBound + difference...known.upperBound + difference }
  }

  /// Notes the lead of a packet that was ahead of all others, and says what has to change.
  mutating func observe(lead: Int64, packet: Int64, at now: Int64) -> Change? {
    leads = leads.map { min($0.lowerBound, lead)...max($0.upperBound, lead) } ?? lead...lead
    guard let end = intervalEnd, now >= end, let seen = leads, packet > 0 else { return nil }
    (intervalEnd, leads) = (now + Self.interval, nil)
    current = max(seen.upperBound, 0)
    highest = max(highest, current)
    peak = max(seen.upperBound - seen.lowerBound, peak - peak / 8)
    let needed = isFixed ? minimum : min(max(peak + packet, minimum), maximum)
    let excess = seen.upperBound - needed
    var change = Change()
    if excess >= packet {
      change.skip = isFixed ? Int(excess / packet) : 1
      change.cut = Int(excess / packet) - change.skip
    } else if -excess >= (isFixed ? packet : packet / 2 + 1) {
      change.stretch = Int(max(-excess / packet, 1))
    }
    self.change(by: Int64(change.stretch - change.skip) * packet)
    leads = nil
    return change
  }

  /// So many packet times were left out in a silence, or because the buffer was full.
  mutating func cut(_ packets: Int, packet: Int64) { change(by: -Int64(packets) * packet) }
}
