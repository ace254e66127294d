import SansIO

/// Jitter as a receiver measures it: of each packet, in the order in which they come (RFC 3550 §6.4.1, §A.8).
///
/// Where the clock of a payload type begins, nothing follows from the step between the two clocks (RFC 7160 §4.1).
public struct ArrivalJitter {
  /// Milliseconds.
  public private(set) var maximum = 0.0
  public var mean: Double { count > 0 ? sum / Double(count) : 0 }
  private var now = 0.0
  private var sum = 0.0
  private var count = 0
  private var last: (timestamp: UInt32, time: Int64)?
  private var clockRate = 0

  /// Takes a packet whose timestamp says when it was made.
  ///
  /// - Parameter clockRate: in ticks a second; 0 = not known.
  mutating func take(_ timestamp: UInt32, clockRate: Int, at time: Int64) {
    if clockRate != self.clockRate { last = nil }
    self.clockRate = clockRate
    defer { last = (timestamp, time) }
    guard let last, clockRate > 0 else { return }
    let played = Double(Int32(bitPattern: timestamp &- last.timestamp)) * 1_000 / Double(clockRate)
    let passed = Double(time &- last.time) / 1_000_000
    now += (abs(passed - played) - now) / 16
    maximum = max(maximum, now)
    sum += now
    count += 1
  }

  /// The numbering begins anew with the next packet, and with it the clock.
  mutating func startOver() { last = nil }
}
