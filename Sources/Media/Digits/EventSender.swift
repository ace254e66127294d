import RTP
import SansIO

/// Digits as telephone-event packets in the sender's own sequence (RFC 4733 §2.5.1).
///
/// ```
///             press                gap over: marker
///   idle ─────────────► pausing ────────────────────► sounding ──┐ each packet time: the duration grows
///    ▲                   ▲   ▲                          │ │  ▲ ◄──┘
///    │                   │   │        0xFFFF is reached │ │  │ sent three times: a new timestamp, no marker
///    │                   │   │                          ▼ │  │
///    │                   │   │                    closingSegment
///    │                   │   └─ another digit ─┐          │ its duration is reached: end bit
///    └── none is left ───┴───────────────────── ending ◄──┘ three times
/// ```
/// Choices where RFC 4733 leaves one: packets leave at the packet time of the audio (§2.5.1.2 recommends 50 ms where there is no such
/// interval); audio is not sent from the first packet to the last end (§2.5.1.2); ends and the ends of segments are sent three times, one
/// packet time apart (§2.5.1.4), and a new segment begins behind them. The timestamp of the audio goes on all the while.
struct EventSender: Hashable, Sendable {
  /// One packet to be sent instead of audio.
  struct Packet: Hashable, Sendable {
    var event: TelephoneEvent
    var timestamp: UInt32
    var marker: Bool
  }

  /// A digit that is being sent.
  private struct Event: Hashable, Sendable {
    var digit: Digit
    /// Ticks in all.
    var length: UInt32
    /// Of the segment.
    var timestamp: UInt32
    /// Ticks of the segments before this one.
    var before: UInt32 = 0
    var isFirst = true
  }

  private enum State: Hashable, Sendable {
    case idle
    /// Ticks until the next digit begins.
    case pausing(UInt32)
    /// Ticks since its beginning.
    case sounding(Event, elapsed: UInt32)
    /// So many ends of a full segment are left to be sent.
    case closingSegment(Event, elapsed: UInt32, left: Int)
    case ending(Event, left: Int)
  }

  /// Ends are sent so often (RFC 4733 §2.5.1.4).
  static let repetitions = 3

  /// A digit that waits for its turn.
  private struct Waiting: Hashable, Sendable {
    var digit: Digit
    var duration: Duration
    /// After the one before it.
    var gap: Duration
  }

  private var state = State.idle
  private var queue: [Waiting] = []
  /// Packets that a queue of digits can wait for at most.
  private static let limit = 256
  /// In dB below 1 mW.
  var volume: UInt8 = 10

  var isIdle: Bool { state == .idle }

  /// Begins with the next packet; digits that are being sent come first.
  mutating func press(_ plan: DigitPlan) {
    for digit in plan.digits where queue.count < Self.limit {
      queue.append(Waiting(digit: digit, duration: plan.duration, gap: plan.gap))
    }
    if state == .idle, !queue.isEmpty { state = .pausing(0) }
  }

  /// What is sent in the next packet time; nil = audio.
  ///
  /// - Parameters:
  ///   - timestamp: of the audio that would be in the packet.
  ///   - ticks: what a packet lasts.
  ///   - clockRate: ticks a second.
  mutating func next(timestamp: UInt32, ticks: UInt32, clockRate: Int) -> Packet? {
    switch state {
    case .idle: return nil
    case .pausing(let left):
      guard left == 0 else {
        state = .pausing(left > ticks ? left - ticks : 0)
        return nil
      }
      guard !queue.isEmpty else {
        state = .idle
        return nil
      }
      let next = queue.removeFirst()
      let length = max(1, Self.ticks(next.duration, clockRate))
      return sound(Event(digit: next.digit, length: length, timestamp: timestamp), elapsed: ticks)
    case .sounding(let event, let elapsed): return sound(event, elapsed: elapsed &+ ticks)
    case .closingSegment(var event, let elapsed, let left):
      let packet = Self.packet(event, duration: TelephoneEvent.longestSegment, isEnd: false, volume)
      if left > 1 {
        state = .closingSegment(event, elapsed: elapsed &+ ticks, left: left - 1)
      } else {
        event.before &+= TelephoneEvent.longestSegment
        event.timestamp &+= TelephoneEvent.longestSegment
        state = .sounding(event, elapsed: elapsed &+ ticks)
      }
      return packet
    case .ending(let event, let left):
      let packet = Self.packet(event, duration: event.length - event.before, isEnd: true, volume)
      if left > 1 { state = .ending(event, left: left - 1) } else { ended(clockRate, ticks) }
      return packet
    }
  }

  private mutating func sound(_ event: Event, elapsed: UInt32) -> Packet? {
    var event = event
    let isFirst = event.isFirst
    event.isFirst = false
    let reached = min(elapsed, event.length)
    let duration = reached - event.before
    if duration > TelephoneEvent.longestSegment {
      state = .closingSegment(event, elapsed: elapsed, left: Self.repetitions - 1)
      return Self.packet(event, duration: TelephoneEvent.longestSegment, isEnd: false, volume)
    }
    let isEnd = elapsed >= event.length
    state = isEnd ? .ending(event, left: Self.repetitions - 1) : .sounding(event, elapsed: elapsed)
    var packet = Self.packet(event, duration: duration, isEnd: isEnd, volume)
    packet.marker = isFirst
    return packet
  }

  private mutating func ended(_ clockRate: Int, _ ticks: UInt32) {
    guard let next = queue.first else {
      state = .idle
      return
    }
    // The ends were sent while the gap had begun.
    let gap = Self.ticks(next.gap, clockRate)
    let passed = ticks &* UInt32(Self.repetitions - 1)
    state = .pausing(gap > passed ? gap - passed : 0)
  }

  private static func packet(_ event: Event, duration: UInt32, isEnd: Bool, _ volume: UInt8) -> Packet {
    Packet(
      event: TelephoneEvent(code: event.digit.code, isEnd: isEnd, volume: volume, duration: UInt16(clamping: duration)),
      timestamp: event.timestamp, marker: false)
  }

  private static func ticks(_ duration: Duration, _ clockRate: Int) -> UInt32 {
    UInt32(clamping: duration.wholeNanoseconds / 1_000 * Int64(clockRate) / 1_000_000)
  }
}
