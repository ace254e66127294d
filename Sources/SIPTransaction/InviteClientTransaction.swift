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
struct InviteClientTransaction: TransactionMachine {
  enum State: TransactionState { case calling, proceeding, completed, accepted, terminated }

  private(set) var state = State.calling
  var timers: RunningTimers

  init(_ timers: RunningTimers) { self.timers = timers }

  mutating func handle(_ input: ClientInput, at now: Instant, _ outputs: inout [ClientOutput]) {
    let next: State
    switch (state, input) {
    case (.calling, .start):
      timers.start(.a, at: now)
      timers.start(.b, at: now)
      outputs.append(.send(.first, attempt: 0))
      next = .calling
    case (.calling, .timer(.a)):
      outputs.append(.send(.timerA, attempt: timers.startAgain(.a, after: timers.interval * 2, at: now)))
      next = .calling
    case (.calling, .timer(.b)):
      next = fail(.timerB, &outputs)
    case (.calling, .transportFailed(let failure)),
      (.proceeding, .transportFailed(let failure)) where failure != .unreachable:
      next = fail(.transport(failure), &outputs)
    case (.calling, .response(let status)), (.proceeding, .response(let status)):
      next = receive(status, at: now, &outputs)
    case (.completed, .response(let status)) where status >= 300:
      outputs.append(.sendAck(attempt: timers.countRepetition()))
      next = .completed
    case (.accepted, .response(let status)) where (200..<300).contains(status):
      outputs.append(.deliver)
      next = .accepted
    case (.completed, .timer(.d)), (.accepted, .timer(.m)):
      outputs.append(.end)
      next = .terminated
    case (.calling, .timer), (.proceeding, .start), (.proceeding, .timer), (.proceeding, .transportFailed), (.completed, _),
      (.accepted, _), (.terminated, _):
      next = state
    }
    state = next
  }

  private mutating func receive(_ status: Int, at now: Instant, _ outputs: inout [ClientOutput]) -> State {
    timers.stop()
    switch status {
    case ..<200:
      outputs.append(.deliver)
      return .proceeding
    case ..<300:
      outputs.append(.deliver)
      return linger(.m, in: .accepted, at: now, &outputs)
    default:
      // From here on the ACK is what is sent again.
      timers.repetitions = 0
      outputs.append(.sendAck(attempt: 0))
      outputs.append(.deliver)
      return linger(.d, in: .completed, at: now, &outputs)
    }
  }
}
