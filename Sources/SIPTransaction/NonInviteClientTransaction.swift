import SIPMessage
import SIPTransport
import SansIO

/// The client transaction of every method but INVITE and ACK (RFC 3261 §17.1.2).
///
/// ```
///            start / request
///                 │
///                 ▼  Timer E / request        Timer F, transport / failed
///              trying ────────────────────────────────────────────────► terminated
///                 │ 1xx / deliver                                           ▲
///                 ▼  Timer E (T2) / request   Timer F, transport / failed   │
///             proceeding ───────────────────────────────────────────────────┤
///                 │ 200–699 / deliver   (from trying as well)               │
///                 ▼                                                         │
///             completed ───────────── Timer K (0 if reliable) ──────────────┘
/// ```
/// An ICMP error ends `trying` alone: who has answered is there.
public struct NonInviteClientTransaction: Hashable, Sendable {
  public enum State: Hashable, Sendable { case trying, proceeding, completed, terminated }

  public enum Timer: Int, CaseIterable, Hashable, Sendable { case e, f, k }

  public enum Input: Hashable, Sendable {
    case start
    case response(status: Int)
    case timer(Timer)
    case transportFailed(FlowFailure)
  }

  public enum Output: Hashable, Sendable {
    case send(attempt: Int)
    case deliver
    case fail(TransactionFailure)
    case end
  }

  public private(set) var state: State = .trying
  private var timers = TimerTable<Timer>()
  private var interval: Int64
  private var attempts = 0
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
    case (.trying, .start):
      if !isReliable { timers.set(.e, at: now.adding(nanoseconds: interval)) }
      timers.set(.f, at: now.adding(nanoseconds: values.sixtyFourT1))
      (next, outputs) = (.trying, [.send(attempt: 0)])
    case (.trying, .timer(.e)):
      interval = min(interval * 2, values.t2)
      (next, outputs) = (.trying, retransmit(at: now))
    case (.proceeding, .timer(.e)):
      interval = values.t2
      (next, outputs) = (.proceeding, retransmit(at: now))
    case (.trying, .timer(.f)), (.proceeding, .timer(.f)): (next, outputs) = fail(.timerF)
    case (.trying, .transportFailed(let failure)): (next, outputs) = fail(.transport(failure))
    case (.proceeding, .transportFailed(let failure)) where failure != .unreachable: (next, outputs) = fail(.transport(failure))
    case (.trying, .response(let status)) where status < 200, (.proceeding, .response(let status)) where status < 200:
      (next, outputs) = (.proceeding, [.deliver])
    case (.trying, .response), (.proceeding, .response):
      timers.stopAll()
      if isReliable {
        (next, outputs) = (.terminated, [.deliver, .end])
      } else {
        timers.set(.k, at: now.adding(nanoseconds: values.t4))
        (next, outputs) = (.completed, [.deliver])
      }
    case (.completed, .timer(.k)):
      (next, outputs) = (.terminated, [.end])
    case (.trying, .timer), (.proceeding, .start), (.proceeding, .timer), (.proceeding, .transportFailed), (.completed, .start),
      (.completed, .response), (.completed, .timer), (.completed, .transportFailed), (.terminated, .start), (.terminated, .response),
      (.terminated, .timer), (.terminated, .transportFailed):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }

  private mutating func fail(_ failure: TransactionFailure) -> (State, Few<Output>) {
    timers.stopAll()
    return (.terminated, [.fail(failure), .end])
  }

  private mutating func retransmit(at now: Instant) -> Few<Output> {
    attempts += 1
    timers.set(.e, at: now.adding(nanoseconds: interval))
    return [.send(attempt: attempts)]
  }
}
