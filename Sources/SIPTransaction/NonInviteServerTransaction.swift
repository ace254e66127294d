import SIPMessage
import SansIO

/// The server transaction of every method but INVITE and ACK (RFC 3261 §17.2.2).
///
/// ```
///        start / hand up
///              │  request: absorbed
///              ▼
///           trying ── 1xx / send ──► proceeding      request / last response again
///              │                         │
///              └──── 200–699 / send ─────┤
///                                        ▼  request / response again
///                                    completed ── Timer J (0 if reliable) ──► terminated
/// ```
/// A response that could not be sent ends it (§17.2.4).
public struct NonInviteServerTransaction: Hashable, Sendable {
  public enum State: Hashable, Sendable { case trying, proceeding, completed, terminated }

  public enum Timer: Int, CaseIterable, Hashable, Sendable { case j }

  public enum Input: Hashable, Sendable {
    case retransmission
    case respond(status: Int)
    case timer(Timer)
    case transportFailed
  }

  public enum Output: Hashable, Sendable {
    case sendNew
    case sendAgain(attempt: Int)
    case end
  }

  public private(set) var state: State = .trying
  private var timers = TimerTable<Timer>()
  private var attempts = 0
  private let values: TimerValues
  private let isReliable: Bool

  public init(timers: SIPTimers = .standard, isReliable: Bool) {
    self.init(TimerValues(timers), isReliable: isReliable)
  }

  init(_ values: TimerValues, isReliable: Bool) {
    self.values = values
    self.isReliable = isReliable
  }

  public var nextDeadline: Instant? { timers.next }
  mutating func takeExpired(at now: Instant) -> Timer? { timers.takeExpired(at: now) }

  public mutating func handle(_ input: Input, at now: Instant) -> Few<Output> {
    let next: State
    let outputs: Few<Output>
    switch (state, input) {
    case (.proceeding, .retransmission), (.completed, .retransmission):
      attempts += 1
      (next, outputs) = (state, [.sendAgain(attempt: attempts)])
    case (.trying, .respond(let status)) where status < 200, (.proceeding, .respond(let status)) where status < 200:
      (next, outputs) = (.proceeding, [.sendNew])
    case (.trying, .respond), (.proceeding, .respond):
      if isReliable {
        (next, outputs) = (.terminated, [.sendNew, .end])
      } else {
        timers.set(.j, at: now.adding(nanoseconds: values.sixtyFourT1))
        (next, outputs) = (.completed, [.sendNew])
      }
    case (.completed, .timer(.j)):
      (next, outputs) = (.terminated, [.end])
    case (.proceeding, .transportFailed), (.completed, .transportFailed):
      timers.stopAll()
      (next, outputs) = (.terminated, [.end])
    case (.trying, .transportFailed), (.terminated, .transportFailed), (.trying, .retransmission), (.trying, .timer),
      (.proceeding, .timer), (.completed, .respond), (.terminated, .retransmission), (.terminated, .respond), (.terminated, .timer):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }
}
