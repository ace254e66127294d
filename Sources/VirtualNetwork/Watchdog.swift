import SansIO

/// Why a run does not come to an end: its clock does not move, or next to nothing, while one event follows another.
public struct Stall: Hashable, Sendable {
  /// When it was noticed.
  public var at: Instant
  /// What happens all the time: names the host with the timer that is due, or those that keep sending.
  public var text: String
}

/// Watches the clock of a ``Simulation``: counts events, and looks closer where a full count went by in less than a millisecond.
///
/// ```
///   counting ──limit, and the clock moved──► counting
///      │ limit, and it did not
///      ▼
///   observing ──the clock moved──► counting
///      │ 1,000 events
///      ▼
///   stalled
/// ```
struct Watchdog {
  /// What an event is.
  enum Sight: Hashable {
    case wake(Int)
    /// A packet between two hosts, the one with the smaller number first; -1 = none of the cast.
    case packet(Int, Int)
    /// News for a host from the network below it: a port opened, a connection refused.
    case news(Int)
    case stage
  }

  private static let least = 1_000_000
  private static let observed = 1_000

  /// How many events may follow one another before the clock has moved by a millisecond.
  private let limit: Int
  private var beganAt: Int64
  /// In the order in which they were first seen.
  private var sights: [(sight: Sight, count: Int)] = []
  private var seen = 0

  init(limit: Int, at now: Instant) {
    self.limit = limit
    beganAt = now.nanoseconds
  }

  /// Looks at the next event.
  ///
  /// - Returns: after how many further events to look again; nil = the run is stalled.
  mutating func look(at now: Int64, _ sight: @autoclosure () -> Sight) -> Int? {
    guard now - beganAt < Self.least else {
      (beganAt, sights, seen) = (now, [], 0)
      return limit
    }
    guard seen < Self.observed else { return nil }
    seen += 1
    let sight = sight()
    if let index = sights.firstIndex(where: { $0.sight == sight }) { sights[index].count += 1 } else { sights.append((sight, 1)) }
    return 0
  }

  /// What is seen most often; of several the first.
  var commonest: Sight? {
    sights.max { $0.count < $1.count }.flatMap { most in sights.first { $0.count == most.count } }?.sight
  }
}
