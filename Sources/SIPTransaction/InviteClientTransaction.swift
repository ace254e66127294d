import SIPMessage
import SIPTransport
import SansIO

/// The INVITE client transaction (RFC 3261 §17.1.1, with `accepted` of RFC 6026 §7.2).
///
/// ```
///           start / INVITE
///                │
///                ▼  Timer A / INVITE      Timer B, transport / failed
///             calling ─────────────────────────────────────────────────► terminated
///                │ 1xx                                                       ▲
///                ▼                                     transport / failed    │
///            proceeding ─────────────────────────────────────────────────────┤
///                │ 300–699 / ACK          │ 2xx                              │
///                ▼                        ▼                                  │
///            completed                 accepted ── Timer M ──────────────────┤
///            300–699 / ACK             2xx / deliver                         │
///                └────────────── Timer D (0 if reliable) ────────────────────┘
/// ```
/// 2xx and 300–699 leave `calling` the same way as `proceeding`. An ICMP error ends `calling` alone: who has answered is there.
public struct InviteClientTransaction: Hashable, Sendable {
  public enum State: Hashable, Sendable { case calling, proceeding, completed, accepted, terminated }

  public enum Timer: Int, CaseIterable, Hashable, Sendable { case a, b, d, m }

  public enum Input: Hashable, Sendable {
    case start
    case response(status: Int)
    case timer(Timer)
    case transportFailed(FlowFailure)
  }

  public enum Output: Hashable, Sendable {
    /// 0 is the first transmission.
    case sendInvite(attempt: Int)
    /// The ACK for a final response other than 2xx; `attempt` counts repetitions.
    case sendAck(attempt: Int)
    case deliver
    case fail(TransactionFailure)
    case end
  }

  public private(set) var state: State = .calling
  private var timers = TimerTable<Timer>()
  private var interval: Int64
  private var attempts = 0
  private var acknowledgements = 0
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
    case (.calling, .start):
      if !isReliable { timers.set(.a, at: now.adding(nanoseconds: interval)) }
      timers.set(.b, at: now.adding(nanoseconds: values.sixtyFourT1))
      (next, outputs) = (.calling, [.sendInvite(attempt: 0)])
    case (.calling, .timer(.a)):
      attempts += 1
      interval *= 2
      timers.set(.a, at: now.adding(nanoseconds: interval))
      (next, outputs) = (.calling, [.sendInvite(attempt: attempts)])
    case (.calling, .timer(.b)):
      timers.stopAll()
      (next, outputs) = (.terminated, [.fail(.timerB), .end])
    case (.calling, .transportFailed(let failure)),
      (.proceeding, .transportFailed(let failure)) where failure != .unreachable:
      timers.stopAll()
      (next, outputs) = (.terminated, [.fail(.transport(failure)), .end])
    case (.calling, .response(let status)), (.proceeding, .response(let status)):
      timers.stopAll()
      (next, outputs) = receive(status, at: now)
    case (.completed, .response(let status)) where status >= 300:
      acknowledgements += 1
      (next, outputs) = (.completed, [.sendAck(attempt: acknowledgements)])
    case (.accepted, .response(let status)) where (200..<300).contains(status):
      (next, outputs) = (.accepted, [.deliver])
    case (.completed, .timer(.d)), (.accepted, .timer(.m)):
      (next, outputs) = (.terminated, [.end])
    case (.calling, .timer), (.proceeding, .start), (.proceeding, .timer), (.proceeding, .transportFailed), (.completed, .start),
      (.completed, .response),
      (.completed, .timer), (.completed, .transportFailed), (.accepted, .start), (.accepted, .response), (.accepted, .timer),
      (.accepted, .transportFailed), (.terminated, .start), (.terminated, .response), (.terminated, .timer),
      (.terminated, .transportFailed):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }

  private mutating func receive(_ status: Int, at now: Instant) -> (State, Few<Output>) {
    switch status {
    case ..<200:
      return (.proceeding, [.deliver])
    case ..<300:
      timers.set(.m, at: now.adding(nanoseconds: values.sixtyFourT1))
      return (.accepted, [.deliver])
    default:
      if isReliable { return (.terminated, [.sendAck(attempt: 0), .deliver, .end]) }
      timers.set(.d, at: now.adding(nanoseconds: values.timerD))
      return (.completed, [.sendAck(attempt: 0), .deliver])
    }
  }
}
