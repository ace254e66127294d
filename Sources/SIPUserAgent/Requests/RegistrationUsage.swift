import SansIO

/// A binding that a client keeps at a registrar (RFC 3261 §10.2).
///
/// ```
///   idle ──register / REGISTER──► asking ──2xx / bound──► bound ──some time before the grant ends / REGISTER──► asking
///                                   │  ├── 423 with a higher Min-Expires / REGISTER, once ──► asking
///                                   │  └── 408, 5xx, Timer F, transport / failed ──► waiting ──back-off over / REGISTER──► asking
///                                   └───── any other refusal / failed ──► idle       (asking again would bring the same)
///   idle, bound, waiting ──unregister / REGISTER with Expires 0──► leaving ──final response, or none──► idle
///   asking, leaving ──register / nothing──► the same, and what is wanted follows the answer as from idle
/// ```
/// One request at a time (§10.2): what is asked for while one is open follows when it is answered. The back-off is that of RFC 5626 §4.5:
/// 30 s, doubled with each failure in a row, at most 30 minutes, between half and all of it.
public struct RegistrationUsage: Hashable, Sendable {
  public enum State: Hashable, Sendable {
    case idle
    case asking(Attempt)
    /// Until the refresh, which asks for as many seconds again.
    case bound(refresh: Instant, expires: Int)
    /// Until the next attempt.
    case waiting(retry: Instant, Attempt)
    /// - Parameter wanted: seconds to ask for once the removal is answered; nil = none.
    case leaving(wanted: Int?)
  }

  /// A request for a binding, repeated until it is granted or refused for good.
  public struct Attempt: Hashable, Sendable {
    /// Seconds asked for; raised by a 423.
    public var expires: Int
    /// A 423 raised them.
    var isRaised = false
    /// So many in a row had no success.
    var failures = 0
    /// Seconds asked for while this one was open; nil = none.
    var wanted: Int?

    init(_ expires: Int) { self.expires = expires }
  }

  public enum Input: Hashable, Sendable {
    /// Seconds asked for; 0 removes the binding.
    case register(expires: Int)
    /// A 2xx; seconds granted to our contact.
    case granted(Int)
    /// 423 with its Min-Expires, in seconds; nil = missing or unreadable.
    case tooBrief(minimum: Int?)
    /// Another final refusal; `retryAfter` in seconds.
    case refused(status: Int, retryAfter: Int?)
    /// No answer.
    case failed
    /// The deadline given by ``nextDeadline``.
    case timer
  }

  public enum Output: Hashable, Sendable {
    case send(expires: Int)
    case bound(seconds: Int)
    /// Seconds until the next attempt; nil = there is none.
    case failed(retryIn: Int?)
    /// The peer's 423 makes no sense; seconds.
    case absurdMinimum(Int?, asked: Int)
  }

  /// The longest expiry that a 423 may make us ask for: a week.
  static let longest = 604_800

  public private(set) var state: State = .idle
  /// Seconds before the end of a grant at which it is refreshed; nil = a tenth of it, at least 5.
  private let lead: Int?

  public init(lead: Int? = nil) { self.lead = lead }

  /// Seconds that the open request asks for, or the last one asked for; 0 where there is no binding to be had.
  public var expires: Int {
    switch state {
    case .asking(let attempt), .waiting(_, let attempt): attempt.expires
    case .bound(_, let expires): expires
    case .idle, .leaving: 0
    }
  }

  /// When `.timer` is due.
  public var nextDeadline: Instant? {
    switch state {
    case .bound(let refresh, _): refresh
    case .waiting(let retry, _): retry
    case .idle, .asking, .leaving: nil
    }
  }

  /// - Parameter draw: a number from the range, for the back-off.
  public mutating func handle(_ input: Input, at now: Instant, draw: (ClosedRange<Int64>) -> Int64) -> [Output] {
    let next: State
    let outputs: [Output]
    switch (state, input) {
    case (.asking(var attempt), .register(let seconds)):
      attempt.wanted = seconds
      (next, outputs) = (.asking(attempt), [])
    case (.leaving, .register(let seconds)): (next, outputs) = (.leaving(wanted: seconds), [])
    case (.idle, .register(let seconds)), (.bound, .register(let seconds)), (.waiting, .register(let seconds)):
      (next, outputs) = Self.begin(seconds)
    case (.bound(_, let seconds), .timer): (next, outputs) = (.asking(Attempt(seconds)), [.send(expires: seconds)])
    case (.waiting(_, let attempt), .timer): (next, outputs) = (.asking(attempt), [.send(expires: attempt.expires)])

    case (.asking(let attempt), .granted(let seconds)):
      let bound = State.bound(refresh: refresh(seconds, now), expires: attempt.expires)
      (next, outputs) = Self.settle(seconds > 0 ? bound : .idle, [.bound(seconds: seconds)], wanted: attempt.wanted)
    case (.asking(let attempt), .tooBrief(let minimum)): (next, outputs) = Self.raise(attempt, to: minimum)
    case (.asking(let attempt), .refused(let status, let retryAfter)) where status == 408 || (500..<600).contains(status):
      (next, outputs) = Self.backOff(attempt, at: now, atLeast: retryAfter ?? 0, draw)
    case (.asking(let attempt), .failed): (next, outputs) = Self.backOff(attempt, at: now, atLeast: 0, draw)
    case (.asking(let attempt), .refused): (next, outputs) = Self.settle(.idle, [.failed(retryIn: nil)], wanted: attempt.wanted)
    case (.leaving(let wanted), .refused), (.leaving(let wanted), .tooBrief), (.leaving(let wanted), .failed):
      (next, outputs) = Self.settle(.idle, [.failed(retryIn: nil)], wanted: wanted)
    case (.leaving(let wanted), .granted): (next, outputs) = Self.settle(.idle, [.bound(seconds: 0)], wanted: wanted)

    case (.idle, .granted), (.idle, .tooBrief), (.idle, .refused), (.idle, .failed), (.idle, .timer), (.asking, .timer), (.bound, .granted),
      (.bound, .tooBrief), (.bound, .refused), (.bound, .failed), (.waiting, .granted), (.waiting, .tooBrief), (.waiting, .refused),
      (.waiting, .failed), (.leaving, .timer):
      (next, outputs) = (state, [])
    }
    state = next
    return outputs
  }

  private static func begin(_ seconds: Int) -> (State, [Output]) {
    (seconds == 0 ? .leaving(wanted: nil) : .asking(Attempt(seconds)), [.send(expires: seconds)])
  }

  /// A request is over: what was asked for meanwhile follows.
  private static func settle(_ state: State, _ outputs: [Output], wanted: Int?) -> (State, [Output]) {
    guard let wanted else { return (state, outputs) }
    let (next, request) = begin(wanted)
    return (next, outputs + request)
  }

  /// Some seconds before the end, so that a lost request can be repeated; at most half of a short grant.
  private func refresh(_ seconds: Int, _ now: Instant) -> Instant {
    let seconds = min(seconds, Int(Int32.max))
    return now.advanced(by: .seconds(seconds - min(lead ?? max(seconds / 10, 5), seconds / 2)))
  }

  private static func raise(_ attempt: Attempt, to minimum: Int?) -> (State, [Output]) {
    guard !attempt.isRaised, let minimum, minimum > attempt.expires, minimum <= longest else {
      return settle(.idle, [.absurdMinimum(minimum, asked: attempt.expires), .failed(retryIn: nil)], wanted: attempt.wanted)
    }
    var attempt = attempt
    (attempt.expires, attempt.isRaised) = (minimum, true)
    return (.asking(attempt), [.send(expires: minimum)])
  }

  private static func backOff(
    _ attempt: Attempt, at now: Instant, atLeast: Int, _ draw: (ClosedRange<Int64>) -> Int64
  ) -> (State, [Output]) {
    let longest: Int64 = min(30 << Int64(min(attempt.failures, 6)), 1_800)
    var next = attempt
    (next.failures, next.wanted) = (attempt.failures + 1, nil)
    let seconds = max(Int(draw(longest / 2...longest)), min(atLeast, 86_400))
    return settle(.waiting(retry: now.advanced(by: .seconds(seconds)), next), [.failed(retryIn: seconds)], wanted: attempt.wanted)
  }
}
