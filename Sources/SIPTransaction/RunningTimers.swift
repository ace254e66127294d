import SansIO

/// The timers of one transaction, and how often it has sent again: what all four machines keep beside their state.
///
/// At most two run at a time, one of those that send again (A, E, G) and one of those that end a state. Where both are due at once, the one
/// that sends again fires first.
struct RunningTimers: Hashable, Sendable {
  let values: TimerValues
  let isReliable: Bool
  /// Transmissions after the first one.
  var repetitions = 0
  /// Nanoseconds between the last two transmissions.
  private(set) var interval: Int64 = 0
  private var repeating = TransactionTimer.a
  private var ending = TransactionTimer.b
  private var repetitionDue = Instant.distantFuture
  private var endDue = Instant.distantFuture

  init(_ values: TimerValues, isReliable: Bool) {
    self.values = values
    self.isReliable = isReliable
  }

  /// Starts a timer with its first value.
  ///
  /// - Returns: whether it runs; on a reliable transport some do not.
  @discardableResult
  mutating func start(_ timer: TransactionTimer, at now: Instant) -> Bool {
    guard let duration = values.duration(of: timer, isReliable: isReliable) else { return false }
    if timer.isRepeating {
      interval = duration
      (repeating, repetitionDue) = (timer, now.adding(nanoseconds: duration))
    } else {
      (ending, endDue) = (timer, now.adding(nanoseconds: duration))
    }
    return true
  }

  /// Starts a timer that sends again once more, and counts that.
  ///
  /// - Returns: the how manieth repetition this is.
  mutating func startAgain(_ timer: TransactionTimer, after interval: Int64, at now: Instant) -> Int {
    self.interval = interval
    (repeating, repetitionDue) = (timer, now.adding(nanoseconds: interval))
    return countRepetition()
  }

  mutating func countRepetition() -> Int {
    repetitions += 1
    return repetitions
  }

  mutating func stop() {
    repetitionDue = .distantFuture
    endDue = .distantFuture
  }

  func isRunning(_ timer: TransactionTimer) -> Bool {
    timer.isRepeating ? repeating == timer && repetitionDue != .distantFuture : ending == timer && endDue != .distantFuture
  }

  var next: Instant? {
    let earliest = min(repetitionDue, endDue)
    return earliest == .distantFuture ? nil : earliest
  }

  /// Takes the earliest timer that is due; call until nil.
  mutating func takeExpired(at now: Instant) -> TransactionTimer? {
    if repetitionDue <= endDue {
      guard repetitionDue <= now, repetitionDue != .distantFuture else { return nil }
      repetitionDue = .distantFuture
      return repeating
    }
    guard endDue <= now else { return nil }
    endDue = .distantFuture
    return ending
  }
}
