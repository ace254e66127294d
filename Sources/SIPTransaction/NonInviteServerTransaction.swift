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
struct NonInviteServerTransaction: TransactionMachine {
  enum State: TransactionState { case trying, proceeding, completed, terminated }

  private(set) var state = State.trying
  var timers: RunningTimers

  init(_ timers: RunningTimers) { self.timers = timers }

  mutating func handle(_ input: ServerInput, at now: Instant, _ outputs: inout [ServerOutput]) {
    let next: State
    switch (state, input) {
    case (.proceeding, .retransmission), (.completed, .retransmission):
      outputs.append(.sendAgain(.repeated, attempt: timers.countRepetition()))
      next = state
    case (.trying, .respond(let status)) where status < 200, (.proceeding, .respond(let status)) where status < 200:
      outputs.append(.sendNew)
      next = .proceeding
    case (.trying, .respond), (.proceeding, .respond):
      outputs.append(.sendNew)
      next = linger(.j, in: .completed, at: now, &outputs)
    case (.completed, .timer(.j)):
      outputs.append(.end)
      next = .terminated
    case (.proceeding, .transportFailed), (.completed, .transportFailed):
      timers.stop()
      outputs.append(.end)
      next = .terminated
    case (.trying, _), (.proceeding, _), (.completed, _), (.terminated, _):
      next = state
    }
    state = next
  }
}
