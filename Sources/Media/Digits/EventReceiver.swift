import RTP
import SansIO

/// Makes digits of telephone-event packets (RFC 4733 §2.5.2).
///
/// ```
///           a packet with a new timestamp                  end bit, another event,
///   silent ───────────────────────────────► sounding ──┐   or nothing for 200 ms: the digit is reported
///     ▲                                        │  ▲ ◄──┘   the longest duration counts
///     └────────────────────────────────────────┘  │
///                                                 └─ the same event where a full segment ends: it goes on
/// ```
/// An event is known by its timestamp: whatever is lost, doubled or out of order, each gives one digit. A first packet that is lost takes
/// the marker with it, so that the marker is not looked at; lost ends are made up for by the next event, or by time.
public struct EventReceiver: Sendable {
  /// Nothing came for so long: the event is over (RFC 4733 §2.5.2.2 leaves the time open; three intervals of 50 ms and some jitter).
  public static let patience: Duration = .milliseconds(200)
  /// Events that are over and whose packets may still come.
  private static let memory = 8

  private struct Event: Hashable, Sendable {
    var digit: Digit
    var clockRate: Int
    /// Of its last segment.
    var timestamp: UInt32
    /// Ticks of its last segment, and of those before it.
    var duration: UInt32
    var before: UInt32 = 0
    var last: Instant

    var milliseconds: Int { Int(UInt64(before) &+ UInt64(duration)) * 1_000 / max(1, clockRate) }
  }

  private enum State: Sendable {
    case silent
    case sounding(Event)
  }

  private var state = State.silent
  private var ssrc: UInt32?
  /// Timestamps of events and segments that are over, the newest last.
  private var over: [UInt32] = []
  /// Packets that could not be read.
  public private(set) var broken = 0

  public init() {}

  /// When an event without end is taken for over.
  public var nextDeadline: Instant? {
    if case .sounding(let event) = state { event.last.advanced(by: Self.patience) } else { nil }
  }

  public mutating func wake(at now: Instant, _ digits: inout [HeardDigit]) {
    if let due = nextDeadline, due <= now { finish(&digits) }
  }

  /// Takes a packet.
  ///
  /// - Parameter clockRate: of its payload type.
  public mutating func receive(_ packet: RTPPacket, clockRate: Int, at now: Instant, _ digits: inout [HeardDigit]) {
    if ssrc != packet.ssrc {
      finish(&digits)
      over.removeAll(keepingCapacity: true)
      ssrc = packet.ssrc
    }
    guard packet.payload.count == TelephoneEvent.size else { return receiveBlocks(packet, clockRate: clockRate, at: now, &digits) }
    if let event = try? TelephoneEvent(packet.payload) { take(event, packet.timestamp, clockRate, at: now, &digits) }
  }

  /// Several events in one packet follow each other, the oldest first (RFC 4733 §2.5.1.5).
  private mutating func receiveBlocks(_ packet: RTPPacket, clockRate: Int, at now: Instant, _ digits: inout [HeardDigit]) {
    guard let events = try? TelephoneEvent.blocks(packet.payload) else {
      broken += 1
      return
    }
    var timestamp = packet.timestamp
    for event in events.prefix(Self.memory) {
      take(event, timestamp, clockRate, at: now, &digits)
      timestamp &+= UInt32(event.duration)
    }
  }

  private mutating func take(
    _ event: TelephoneEvent, _ timestamp: UInt32, _ clockRate: Int, at now: Instant, _ digits: inout [HeardDigit]
  ) {
    guard !over.contains(timestamp), let digit = Digit(code: event.code) else { return }
    if case .sounding(var current) = state {
      if current.timestamp == timestamp {
        guard current.digit == digit else { return }
        (current.duration, current.last) = (max(current.duration, UInt32(event.duration)), now)
        state = .sounding(current)
        if event.isEnd { finish(&digits) }
        return
      }
      if current.digit == digit, current.timestamp &+ TelephoneEvent.longestSegment == timestamp {
        remember(current.timestamp)
        current.before &+= TelephoneEvent.longestSegment
        (current.timestamp, current.duration, current.last) = (timestamp, UInt32(event.duration), now)
        state = .sounding(current)
        if event.isEnd { finish(&digits) }
        return
      }
      finish(&digits)
    }
    state = .sounding(
      Event(digit: digit, clockRate: clockRate, timestamp: timestamp, duration: UInt32(event.duration), last: now))
    if event.isEnd { finish(&digits) }
  }

  private mutating func finish(_ digits: inout [HeardDigit]) {
    guard case .sounding(let event) = state else { return }
    remember(event.timestamp)
    state = .silent
    digits.append(HeardDigit(event.digit, .rfc4733, milliseconds: event.milliseconds))
  }

  private mutating func remember(_ timestamp: UInt32) {
    if over.count == Self.memory { over.removeFirst() }
    over.append(timestamp)
  }
}
