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

extension Watchdog.Sight {
  /// What comes next.
  init(_ event: SimulationEvent?, _ wire: Wire, _ tcp: VirtualTCP) {
    var topology = wire.topology
    switch event {
    case .datagram(let delivery):
      let receiver =
        switch delivery.place {
        case .host(let host): host
        case .box(let box): wire.boxes.host(box)
        }
      self = .packet(between: topology.host(of: delivery.datagram.source.address), receiver)
    case .segment(let flight): self = .packet(between: tcp.ends(of: flight.stream).0, tcp.ends(of: flight.stream).1)
    case .resend(let stream, _, _, _): self = .packet(between: tcp.ends(of: stream).0, tcp.ends(of: stream).1)
    case .unreachable(let host, _, _), .bound(let host, _, _), .bindFailed(let host, _, _, _), .refused(let host, _, _),
      .closed(let host, _, _), .resolved(let host, _, _), .goOn(let host, _):
      self = .news(host)
    case .nothing, nil: self = .stage
    }
  }

  static func packet(between first: Int, _ second: Int) -> Self { .packet(min(first, second), max(first, second)) }

  /// What a report of a run that stands still says.
  ///
  /// - Parameter name: of a host by its number.
  func text(_ name: (Int) -> String) -> String {
    func known(_ host: Int) -> String { host < 0 ? "somebody" : name(host) }
    switch self {
    case .wake(let host): return Self.wakeText(known(host), timer: nil, late: 0)
    case .packet(let first, let second) where first == second: return "\(known(first)) keeps sending to itself"
    case .packet(let first, let second): return "\(known(first)) and \(known(second)) keep sending to each other"
    case .news(let host): return "\(known(host)) keeps asking the network for the same"
    case .stage: return "the stage's own deadline is due again and again"
    }
  }

  static func wakeText(_ name: String, _ host: any NetworkHost, at now: Instant) -> String {
    let late = host.nextDeadline.map { now.nanoseconds - $0.nanoseconds } ?? 0
    return wakeText(name, timer: (host as? any TimerNaming)?.nextTimer, late: late)
  }

  private static func wakeText(_ name: String, timer: String?, late: Int64) -> String {
    let place = late > 0 ? "lies \(Duration.nanoseconds(late)) in the past" : "is due again at the same instant"
    return "\(name) is woken again and again: its next deadline\(timer.map { ", of \($0)," } ?? "") \(place)"
  }
}

/// The watchdog of a run, when it looks next, and what it has found.
struct StallWatch {
  private var watchdog: Watchdog?
  /// The number of events after which it looks.
  private(set) var next = Int.max
  private(set) var stall: Stall?

  /// - Parameter events: how many there were so far.
  mutating func begin(_ limit: Int, at now: Instant, _ events: Int) {
    watchdog = Watchdog(limit: limit, at: now)
    next = events + limit
  }

  /// Looks at what comes next; false when the run is stalled.
  mutating func look(_ sight: Watchdog.Sight, at now: Instant, _ events: Int, _ text: (Watchdog.Sight) -> String) -> Bool {
    guard let pause = watchdog?.look(at: now.nanoseconds, sight) else {
      stall = stall ?? Stall(at: now, text: text(watchdog?.commonest ?? .stage))
      return false
    }
    next = events + pause
    return true
  }
}
