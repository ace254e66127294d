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
struct NonInviteClientTransaction: TransactionMachine {
  enum State: TransactionState { case trying, proceeding, completed, terminated }

  private(set) var state = State.trying
  var timers: RunningTimers

  init(_ timers: RunningTimers) { self.timers = timers }

  mutating func handle(_ input: ClientInput, at now: Instant, _ outputs: inout [ClientOutput]) {
    let next: State
    switch (state, input) {
    case (.trying, .start):
      timers.start(.e, at: now)
      timers.start(.f, at: now)
      outputs.append(.send(.first, attempt: 0))
      next = .trying
    case (.trying, .timer(.e)):
      let interval = min(timers.interval * 2, timers.values.t2)
      outputs.append(.send(.timerE, attempt: timers.startAgain(.e, after: interval, at: now)))
      next = .trying
    case (.proceeding, .timer(.e)):
      outputs.append(.send(.timerE, attempt: timers.startAgain(.e, after: timers.values.t2, at: now)))
      next = .proceeding
    case (.trying, .timer(.f)), (.proceeding, .timer(.f)):
      next = fail(.timerF, &outputs)
    case (.trying, .transportFailed(let failure)),
      (.proceeding, .transportFailed(let failure)) where failure != .unreachable:
      next = fail(.transport(failure), &outputs)
    case (.trying, .response(let status)) where status < 200, (.proceeding, .response(let status)) where status < 200:
      outputs.append(.deliver)
      next = .proceeding
    case (.trying, .response), (.proceeding, .response):
      outputs.append(.deliver)
      next = linger(.k, in: .completed, at: now, &outputs)
    case (.completed, .timer(.k)):
      outputs.append(.end)
      next = .terminated
    case (.trying, .timer), (.proceeding, .start), (.proceeding, .timer), (.proceeding, .transportFailed), (.completed, _),
      (.terminated, _):
      next = state
    }
    state = next
  }
}
