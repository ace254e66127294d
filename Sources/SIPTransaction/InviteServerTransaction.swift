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
struct InviteServerTransaction: TransactionMachine {
  enum State: TransactionState { case proceeding, completed, confirmed, accepted, terminated }

  private(set) var state = State.proceeding
  var timers: RunningTimers

  init(_ timers: RunningTimers) { self.timers = timers }

  mutating func handle(_ input: ServerInput, at now: Instant, _ outputs: inout [ServerOutput]) {
    let next: State
    switch (state, input) {
    case (.proceeding, .start):
      timers.start(.trying, at: now)
      next = .proceeding
    case (.proceeding, .timer(.trying)):
      outputs.append(.sendTrying)
      next = .proceeding
    // Nothing was said yet that could be said again.
    case (.proceeding, .retransmission) where timers.isRunning(.trying):
      next = .proceeding
    case (.proceeding, .retransmission), (.completed, .retransmission):
      outputs.append(.sendAgain(.repeated, attempt: timers.countRepetition()))
      next = state
    case (.proceeding, .respond(let status)):
      next = respond(status, at: now, &outputs)

    case (.completed, .timer(.g)):
      let interval = min(timers.interval * 2, timers.values.t2)
      outputs.append(.sendAgain(.timerG, attempt: timers.startAgain(.g, after: interval, at: now)))
      next = .completed
    case (.completed, .timer(.h)):
      timers.stop()
      outputs.append(.ackMissing)
      outputs.append(.end)
      next = .terminated
    case (.completed, .ack):
      next = linger(.i, in: .confirmed, at: now, &outputs)
    case (.confirmed, .timer(.i)), (.accepted, .timer(.l)):
      outputs.append(.end)
      next = .terminated
    case (.accepted, .respond(let status)) where (200..<300).contains(status):
      outputs.append(.sendNew)
      next = .accepted
    case (.accepted, .ack):
      outputs.append(.deliverAck)
      next = .accepted
    case (.proceeding, .ack), (.proceeding, .timer), (.proceeding, .transportFailed), (.completed, _), (.confirmed, _), (.accepted, _),
      (.terminated, _):
      next = state
    }
    state = next
  }

  private mutating func respond(_ status: Int, at now: Instant, _ outputs: inout [ServerOutput]) -> State {
    timers.stop()
    timers.repetitions = 0
    outputs.append(.sendNew)
    switch status {
    case ..<200: return .proceeding
    case ..<300: return linger(.l, in: .accepted, at: now, &outputs)
    default:
      timers.start(.g, at: now)
      timers.start(.h, at: now)
      return .completed
    }
  }
}
