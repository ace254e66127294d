import SansIO

/// A binding that a client keeps at a registrar (RFC 3261 §10.2).
///
/// ```
///   idle ──register / REGISTER──► asking ──2xx / bound──► bound ──some time before the grant ends / REGISTER──► asking
///                                   │  ├── 423 with a higher Min-Expires / REGISTER, once ──► asking
///                                   │  └── 408, 5xx, Timer F, transport / failed ──► waiting ──back-off over / REGISTER──► asking
///                                   └───── any other refusal / failed ──► idle       (asking again would bring the same)
///   any ──unregister / REGISTER with Expires 0──► leaving ──2xx / removed──► idle
/// ```
/// One request at a time (§10.2): what is asked for while one is open follows when it is answered. The back-off is that of RFC 5626 §4.5:
/// 30 s, doubled with each failure in a row, at most 30 minutes, between half and all of it.
public struct RegistrationUsage: Hashable, Sendable {
  public enum State: Hashable, Sendable {
    case idle
    case asking
    /// Until the refresh.
    case bound(refresh: Instant)
    /// Until the next attempt.
    case waiting(retry: Instant)
    case leaving
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
    /// The peer's 423 makes no sense.
    case absurdMinimum(Int?)
  }

  /// The longest expiry that a 423 may make us ask for: a week.
  static let longest = 604_800

  public private(set) var state: State = .idle
  /// Seconds asked for; raised by a 423.
  public private(set) var expires = 0
  private var hasRaised = false
  private var failures = 0
  /// Asked for while another request was open.
  private var wanted: Int?

  /// Seconds before the end of a grant at which it is refreshed; nil = a tenth of it, at least 5.
  private let lead: Int?

  public init(lead: Int? = nil) { self.lead = lead }

  /// When `.timer` is due.
  public var nextDeadline: Instant? {
    switch state {
    case .bound(let refresh): refresh
    case .waiting(let retry): retry
    case .idle, .asking, .leaving: nil
    }
  }

  /// - Parameter draw: a number from the range, for the back-off.
  public mutating func handle(_ input: Input, at now: Instant, draw: (ClosedRange<Int64>) -> Int64) -> [Output] {
    let next: State
    let outputs: [Output]
    switch (state, input) {
    case (.asking, .register(let seconds)), (.leaving, .register(let seconds)):
      wanted = seconds
      return []
    case (.idle, .register(let seconds)), (.bound, .register(let seconds)), (.waiting, .register(let seconds)):
      (next, outputs) = begin(seconds)
    case (.bound, .timer), (.waiting, .timer):
      (next, outputs) = (.asking, [.send(expires: expires)])

    case (.asking, .granted(let seconds)):
      (hasRaised, failures) = (false, 0)
      (next, outputs) = (seconds > 0 ? .bound(refresh: refresh(seconds, now)) : .idle, [.bound(seconds: seconds)])
    case (.asking, .tooBrief(let minimum)):
      (next, outputs) = raise(to: minimum)
    case (.asking, .refused(let status, let retryAfter)) where status == 408 || (500..<600).contains(status):
      (next, outputs) = backOff(at: now, atLeast: retryAfter ?? 0, draw)
    case (.asking, .failed): (next, outputs) = backOff(at: now, atLeast: 0, draw)
    case (.asking, .refused), (.leaving, .refused), (.leaving, .tooBrief), (.leaving, .failed):
      (next, outputs) = (.idle, [.failed(retryIn: nil)])
    case (.leaving, .granted): (next, outputs) = (.idle, [.bound(seconds: 0)])

    case (.idle, .granted), (.idle, .tooBrief), (.idle, .refused), (.idle, .failed), (.idle, .timer), (.asking, .timer), (.bound, .granted),
      (.bound, .tooBrief), (.bound, .refused), (.bound, .failed), (.waiting, .granted), (.waiting, .tooBrief), (.waiting, .refused),
      (.waiting, .failed), (.leaving, .timer):
      (next, outputs) = (state, [])
    }
    state = next
    guard let wanted, state != .asking, state != .leaving else { return outputs }
    self.wanted = nil
    let (following, request) = begin(wanted)
    state = following
    return outputs + request
  }

  private mutating func begin(_ seconds: Int) -> (State, [Output]) {
    (expires, hasRaised, failures) = (seconds, false, 0)
    return (seconds == 0 ? .leaving : .asking, [.send(expires: seconds)])
  }

  /// Some seconds before the end, so that a lost request can be repeated; at most half of a short grant.
  private func refresh(_ seconds: Int, _ now: Instant) -> Instant {
    let seconds = min(seconds, Int(Int32.max))
    return now.advanced(by: .seconds(seconds - min(lead ?? max(seconds / 10, 5), seconds / 2)))
  }

  private mutating func raise(to minimum: Int?) -> (State, [Output]) {
    guard !hasRaised, let minimum, minimum > expires, minimum <= Self.longest else {
      return (.idle, [.absurdMinimum(minimum), .failed(retryIn: nil)])
    }
    (expires, hasRaised) = (minimum, true)
    return (.asking, [.send(expires: minimum)])
  }

  private mutating func backOff(at now: Instant, atLeast: Int, _ draw: (ClosedRange<Int64>) -> Int64) -> (State, [Output]) {
    let longest: Int64 = min(30 << Int64(min(failures, 6)), 1_800)
    failures += 1
    let seconds = max(Int(draw(longest / 2...longest)), min(atLeast, 86_400))
    return (.waiting(retry: now.advanced(by: .seconds(seconds))), [.failed(retryIn: seconds)])
  }
}
