import SansIO

/// For how long nothing has come that should have come.
///
/// ```
///   off ── start(limit) ──► counting since ── stop, or the limit was reached ──► off
///                              ▲      │
///                              └──────┘ a sign of life, or a new agreement
/// ```
/// While the agreement lets nothing come, or one side waits for the other's word, time passes and proves nothing.
struct SilenceClock: Hashable, Sendable {
  private enum State: Hashable, Sendable {
    case off
    /// Nanoseconds.
    case counting(since: Instant, limit: Int64)
  }

  private var state = State.off

  /// Begins to count; nil = however long it lasts.
  mutating func start(limit: Duration?, at now: Instant) {
    state = limit.map { .counting(since: now, limit: $0.wholeNanoseconds) } ?? .off
  }

  mutating func heard(at now: Instant) {
    if case .counting(_, let limit) = state { state = .counting(since: now, limit: limit) }
  }

  mutating func stop() { state = .off }

  /// When the limit is reached if nothing comes.
  var deadline: Instant? {
    if case .counting(let since, let limit) = state { since.adding(nanoseconds: limit) } else { nil }
  }
}
