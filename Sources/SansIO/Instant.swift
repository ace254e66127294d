/// A point on the run's own clock: nanoseconds since the run began.
///
/// Below the drivers this is the only notion of time, and it is always an argument. Wall time is ``Epoch`` plus an instant.
public struct Instant: InstantProtocol, Hashable, Sendable, Codable {
  public var nanoseconds: Int64

  @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public static let zero = Instant(nanoseconds: 0)
  /// Later than every deadline that can be set; stands for "never".
  public static let distantFuture = Instant(nanoseconds: .max)

  @inlinable public func advanced(by duration: Duration) -> Instant {
    Instant(nanoseconds: nanoseconds &+ duration.wholeNanoseconds)
  }

  @inlinable public func duration(to other: Instant) -> Duration { .nanoseconds(other.nanoseconds - nanoseconds) }

  /// The hot paths' form of ``advanced(by:)``: `Duration` is 128 bits wide and costs a multiplication.
  @inlinable
  public func adding(nanoseconds delta: Int64) -> Instant { Instant(nanoseconds: nanoseconds &+ delta) }

  @inlinable
  public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
}

extension Duration {
  /// The duration in nanoseconds; what is finer is cut off.
  @inlinable public var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}

extension Instant: CustomStringConvertible {
  /// Seconds with the digits that are needed, at least three: `"0.000"`, `"32.0005"`.
  public var description: String {
    let magnitude = nanoseconds.magnitude
    var fraction = String(magnitude % 1_000_000_000)
    fraction = String(repeating: "0", count: 9 - fraction.count) + fraction
    while fraction.count > 3, fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(nanoseconds < 0 ? "-" : "")\(magnitude / 1_000_000_000).\(fraction)"
  }
}

/// Wall time of ``Instant/zero``: nanoseconds since 1970-01-01T00:00:00Z. An argument of the run, so that a replay prints the same dates.
public struct Epoch: Hashable, Sendable {
  private let base: Int64
  /// Whoever may set the clock that shows it; nil = nobody.
  private let setting: WallClockSetting?

  public init(unixNanoseconds: Int64) { (base, setting) = (unixNanoseconds, nil) }
  public init(unixSeconds: Int64) { self.init(unixNanoseconds: unixSeconds * 1_000_000_000) }

  private init(_ base: Int64, _ setting: WallClockSetting) { (self.base, self.setting) = (base, setting) }

  /// The same wall time on a clock that can be set while hosts use it.
  public func set(by setting: WallClockSetting) -> Epoch { Epoch(base, setting) }

  public var unixNanoseconds: Int64 { setting.map { base &+ $0.nanoseconds } ?? base }

  /// The epoch of virtual runs that name none: 2026-01-01T00:00:00Z.
  public static let virtual = Epoch(unixSeconds: 1_767_225_600)

  /// Nanoseconds since 1970 at `instant`.
  public func unixNanoseconds(at instant: Instant) -> Int64 { unixNanoseconds &+ instant.nanoseconds }
}

/// How far one machine's wall clock has been set: its time of day jumps, its timers know nothing of it.
///
/// Confined to whoever runs the hosts of that machine.
// Unchecked: the one simulation whose hosts have it is its only user.
public final class WallClockSetting: Hashable, @unchecked Sendable {
  fileprivate var nanoseconds: Int64 = 0

  public init() {}

  /// Sets it forward; below 0 back.
  public func step(_ step: Duration) { nanoseconds &+= step.wholeNanoseconds }

  public static func == (left: WallClockSetting, right: WallClockSetting) -> Bool { left === right }
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
