import Glibc
import NIOCore
import SansIO

/// The real clock as a run's own: instants since the run began, and the wall time of its beginning.
///
/// This is the one place of the Lab where protocol time comes from a clock.
public struct LiveClock: Sendable {
  public let epoch: Epoch
  private let start: NIODeadline

  /// Begins a run now.
  public init() {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    epoch = Epoch(unixNanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    start = NIODeadline.now()
  }

  public var now: Instant { Instant(nanoseconds: (NIODeadline.now() - start).nanoseconds) }

  func deadline(_ instant: Instant) -> NIODeadline { start + .nanoseconds(instant.nanoseconds) }
}
