import Glibc
import SansIO

/// Times of a run as a clock on the wall shows them, with the zone (RFC 3339): `2026-11-29T14:05:06.789+01:00`.
public struct WallTime: Sendable {
  private let epoch: Epoch

  /// - Parameter epoch: of the run, so that log and captures agree to the millisecond.
  public init(epoch: Epoch) { self.epoch = epoch }

  public func text(_ now: Instant) -> String {
    let unix = epoch.unixNanoseconds + now.nanoseconds
    var seconds = time_t(unix / 1_000_000_000)
    var parts = tm()
    localtime_r(&seconds, &parts)
    let date = "\(Self.digits(Int(parts.tm_year) + 1900, 4))-\(Self.digits(Int(parts.tm_mon) + 1))-\(Self.digits(Int(parts.tm_mday)))"
    let time = "\(Self.digits(Int(parts.tm_hour))):\(Self.digits(Int(parts.tm_min))):\(Self.digits(Int(parts.tm_sec)))"
    let offset = Int(parts.tm_gmtoff) / 60
    let zone = offset == 0 ? "Z" : "\(offset < 0 ? "-" : "+")\(Self.digits(abs(offset) / 60)):\(Self.digits(abs(offset) % 60))"
    return "\(date)T\(time).\(Self.digits(Int(unix % 1_000_000_000 / 1_000_000), 3))\(zone)"
  }

  private static func digits(_ number: Int, _ width: Int = 2) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
