import SansIO

/// A 2xx to INVITE that waits for its ACK (RFC 3261 §13.3.1.4): sent again after T1, then at doubling intervals up to T2, over any
/// transport, until 64·T1 have passed.
public struct SuccessRetransmission: Hashable, Sendable {
  public enum Step: Hashable, Sendable {
    /// The 2xx once more; `attempt` counts from 1.
    case again(attempt: Int)
    /// No ACK within 64·T1.
    case giveUp
  }

  public let since: Instant
  /// When ``step(at:)`` is to be called.
  public private(set) var due: Instant
  /// Nanoseconds from the last 2xx to the next.
  private var interval: Int64
  private var attempts = 0
  private let t1: Int64
  private let t2: Int64

  /// - Parameters:
  ///   - t1: nanoseconds.
  ///   - t2: nanoseconds.
  init(at now: Instant, t1: Int64, t2: Int64) {
    since = now
    due = now.adding(nanoseconds: t1)
    interval = t1
    self.t1 = t1
    self.t2 = t2
  }

  mutating func step(at now: Instant) -> Step {
    let limit = since.adding(nanoseconds: 64 * t1)
    guard now < limit else { return .giveUp }
    attempts += 1
    interval = min(interval * 2, t2)
    due = min(now.adding(nanoseconds: interval), limit)
    return .again(attempt: attempts)
  }
}
