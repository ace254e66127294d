import SansIO

/// Hosts that are not as others: those that stand still, and those whose clocks go wrong.
struct HostStates {
  /// Arrivals that wait at a host that stands still, and how often it has been told to.
  private struct Pause {
    var arrivals: [Arrival] = []
    var number: Int
  }

  private var pauses: [Int: Pause] = [:]
  private var clocks: [Int: HostClock] = [:]
  private var lastPause = 0

  /// Whether all hosts are as others.
  var isEmpty: Bool { pauses.isEmpty && clocks.isEmpty }

  func isPaused(_ host: Int) -> Bool { pauses[host] != nil }

  /// - Returns: the number of the pause, for whoever ends it.
  mutating func pause(_ host: Int) -> Int {
    lastPause += 1
    pauses[host] = Pause(arrivals: pauses[host]?.arrivals ?? [], number: lastPause)
    return lastPause
  }

  /// Keeps what comes to a host that stands still; false when it does not.
  mutating func keep(_ arrival: Arrival, for host: Int) -> Bool {
    guard pauses[host] != nil else { return false }
    pauses[host]?.arrivals.append(arrival)
    return true
  }

  /// - Parameter number: of the pause that ends; nil = whichever there is.
  /// - Returns: what has waited, in its order; nil when this pause is over already.
  mutating func goOn(_ host: Int, number: Int? = nil) -> [Arrival]? {
    guard let pause = pauses[host], number == nil || number == pause.number else { return nil }
    pauses[host] = nil
    return pause.arrivals
  }

  // MARK: - Clocks

  mutating func setDrift(_ millionths: Int, of host: Int, at now: Instant) {
    let own = time(of: host, at: now)
    clocks[host] = HostClock(real: now.nanoseconds, own: own.nanoseconds, rate: 1_000_000 + Int64(millionths))
  }

  /// What a host's clock shows.
  func time(of host: Int, at now: Instant) -> Instant { clocks[host]?.own(at: now) ?? now }

  /// When something should have left, by the run's clock.
  func labelled(_ label: Label, of host: Int) -> Label {
    guard clocks[host] != nil, label.due != .zero else { return label }
    var label = label
    label.due = Instant(nanoseconds: moment(label.due.nanoseconds, of: host))
    return label
  }

  /// When a host's clock shows a time; never before it does.
  func moment(_ time: Int64, of host: Int) -> Int64 { clocks[host]?.moment(time) ?? time }
}

/// A clock that shows `own` at `real` and then runs at `rate` millionths of real time.
private struct HostClock {
  var real: Int64
  var own: Int64
  var rate: Int64

  func own(at now: Instant) -> Instant {
    let passed = now.nanoseconds - real
    return Instant(nanoseconds: own + passed / 1_000_000 * rate + passed % 1_000_000 * rate / 1_000_000)
  }

  func moment(_ time: Int64) -> Int64 {
    guard time != .max else { return .max }
    let passed = max(0, time - own)
    let (whole, rest) = passed.quotientAndRemainder(dividingBy: rate)
    var moment = real + whole * 1_000_000 + (rest * 1_000_000 + rate - 1) / rate
    while self.own(at: Instant(nanoseconds: moment)).nanoseconds < time { moment += 1 }
    return moment
  }
}

/// What stands where no program runs: for a NAT, which is an address and a capture, and for a host that has crashed.
final class Nobody: NetworkHost {
  func start(at now: Instant, _ out: inout Outbox) {}
  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {}
  func wake(at now: Instant, _ out: inout Outbox) {}
  var nextDeadline: Instant? { nil }
}
