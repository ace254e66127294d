import SIPMessage
import SansIO

/// The INVITE server transaction (RFC 3261 §17.2.1, with `accepted` of RFC 6026 §7.1).
///
/// ```
///          start / hand up, 100 after 200 ms unless something else was said
///                │
///                ▼  INVITE / last 1xx again
///            proceeding ──────── 2xx from the user agent / send ───────► accepted ── Timer L ─┐
///                │ 300–699 / send                        INVITE: absorbed; 2xx / send;        │
///                ▼                                       ACK / hand up                        │
///            completed ── Timer H / ACK missing ──────────────────────────────────────────────┤
///            Timer G, INVITE / response again                                                 │
///                │ ACK                                                                        │
///                ▼                                                                            ▼
///            confirmed ───────────────── Timer I (0 if reliable) ──────────────────────► terminated
/// ```
/// A response that could not be sent changes nothing: the state stays, and the timers end it (RFC 6026 §7.1).
public struct InviteServerTransaction: Hashable, Sendable {
  public enum State: Hashable, Sendable { case proceeding, completed, confirmed, accepted, terminated }

  public enum Timer: Int, CaseIterable, Hashable, Sendable { case trying, g, h, i, l }

  public enum Input: Hashable, Sendable {
    case start
    /// The INVITE came again.
    case retransmission
    case ack
    case respond(status: Int)
    case timer(Timer)
  }

  public enum Output: Hashable, Sendable {
    /// The response the user agent just gave.
    case sendNew
    /// The last response once more.
    case sendAgain(Label.Cause, attempt: Int)
    case sendTrying
    case deliverAck
    case ackMissing
    case end
  }

  public private(set) var state: State = .proceeding
  private var timers = TimerTable<Timer>()
  private var interval: Int64
  private var attempts = 0
  private var hasResponse = false
  private let values: TimerValues
  private let isReliable: Bool

  public init(timers: SIPTimers = .standard, isReliable: Bool) {
    self.init(TimerValues(timers), isReliable: isReliable)
  }

  init(_ values: TimerValues, isReliable: Bool) {
    self.values = values
    self.isReliable = isReliable
    interval = values.t1
  }

  public var nextDeadline: Instant? { timers.next }
  mutating func takeExpired(at now: Instant) -> Timer? { timers.takeExpired(at: now) }

  public mutating func handle(_ input: Input, at now: Instant) -> Few<Output> {
    let next: State
    let outputs: Few<Output>
    switch (state, input) {
    case (.proceeding, .start):
      timers.set(.trying, at: now.adding(nanoseconds: TimerValues.trying))
      (next, outputs) = (.proceeding, [])
    case (.proceeding, .timer(.trying)):
      hasResponse = true
      (next, outputs) = (.proceeding, [.sendTrying])
    case (.proceeding, .retransmission):
      (next, outputs) = (.proceeding, hasResponse ? repeatResponse(.repeated) : [])
    case (.proceeding, .respond(let status)):
      timers.stop(.trying)
      hasResponse = true
      (next, outputs) = respond(status, at: now)

    case (.completed, .retransmission):
      (next, outputs) = (.completed, repeatResponse(.repeated))
    case (.completed, .timer(.g)):
      interval = min(interval * 2, values.t2)
      timers.set(.g, at: now.adding(nanoseconds: interval))
      (next, outputs) = (.completed, repeatResponse(.timerG))
    case (.completed, .timer(.h)):
      timers.stopAll()
      (next, outputs) = (.terminated, [.ackMissing, .end])
    case (.completed, .ack):
      timers.stopAll()
      if isReliable {
        (next, outputs) = (.terminated, [.end])
      } else {
        timers.set(.i, at: now.adding(nanoseconds: values.t4))
        (next, outputs) = (.confirmed, [])
      }
    case (.confirmed, .timer(.i)), (.accepted, .timer(.l)):
      (next, outputs) = (.terminated, [.end])
    case (.accepted, .respond(let status)) where (200..<300).contains(status):
      (next, outputs) = (.accepted, [.sendNew])
    case (.accepted, .ack):
      (next, outputs) = (.accepted, [.deliverAck])
    case (.proceeding, .ack), (.proceeding, .timer), (.completed, .start), (.completed, .respond), (.completed, .timer),
      (.confirmed, .start), (.confirmed, .retransmission), (.confirmed, .ack), (.confirmed, .respond), (.confirmed, .timer),
      (.accepted, .start), (.accepted, .retransmission), (.accepted, .respond), (.accepted, .timer), (.terminated, .start),
      (.terminated, .retransmission), (.terminated, .ack), (.terminated, .respond), (.terminated, .timer):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }

  private mutating func repeatResponse(_ cause: Label.Cause) -> Few<Output> {
    attempts += 1
    return [.sendAgain(cause, attempt: attempts)]
  }

  private mutating func respond(_ status: Int, at now: Instant) -> (State, Few<Output>) {
    attempts = 0
    switch status {
    case ..<200: return (.proceeding, [.sendNew])
    case ..<300:
      timers.set(.l, at: now.adding(nanoseconds: values.sixtyFourT1))
      return (.accepted, [.sendNew])
    default:
      if !isReliable { timers.set(.g, at: now.adding(nanoseconds: interval)) }
      timers.set(.h, at: now.adding(nanoseconds: values.sixtyFourT1))
      return (.completed, [.sendNew])
    }
  }
}
