import SansIO

/// The client's keep-alive of a connection: a double CRLF now and then, which the server answers with one CRLF (RFC 5626 §3.5.1, §4.4.1).
///
/// ```
///   quiet ──80 to 100 % of the interval / CRLF CRLF──► awaiting ──CRLF──► quiet
///                                                          └── 10 s / lost ──► lost
/// ```
/// A pong that nobody asked for changes nothing.
struct KeepAlive: Hashable, Sendable {
  enum State: Hashable, Sendable {
    case quiet(until: Instant)
    case awaiting(until: Instant)
    case lost
  }

  enum Input: Hashable, Sendable {
    case pong
    case timer
  }

  enum Output: Hashable, Sendable {
    case ping
    case lost
  }

  /// How long a pong may take.
  static let patience: Int64 = 10_000_000_000

  private(set) var state: State
  /// Nanoseconds.
  private let interval: Int64

  init(_ interval: Duration, at now: Instant, using entropy: inout Entropy) {
    self.interval = max(interval.wholeNanoseconds, 1_000_000_000)
    state = .quiet(until: Self.next(self.interval, now, &entropy))
  }

  /// When `.timer` is due.
  var nextDeadline: Instant? {
    switch state {
    case .quiet(let due), .awaiting(let due): due
    case .lost: nil
    }
  }

  mutating func handle(_ input: Input, at now: Instant, using entropy: inout Entropy) -> Output? {
    let next: State
    let output: Output?
    switch (state, input) {
    case (.quiet, .timer): (next, output) = (.awaiting(until: now.adding(nanoseconds: Self.patience)), .ping)
    case (.awaiting, .timer): (next, output) = (.lost, .lost)
    case (.awaiting, .pong): (next, output) = (.quiet(until: Self.next(interval, now, &entropy)), nil)
    case (.quiet, .pong), (.lost, .pong), (.lost, .timer): (next, output) = (state, nil)
    }
    state = next
    return output
  }

  /// Drawn, so that the clients of one server do not all speak at once (RFC 5626 §4.4.1).
  private static func next(_ interval: Int64, _ now: Instant, _ entropy: inout Entropy) -> Instant {
    now.adding(nanoseconds: Int64.random(in: interval / 5 * 4...interval, using: &entropy))
  }
}
