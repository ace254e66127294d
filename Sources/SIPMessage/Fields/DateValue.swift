import SansIO

/// A Date value: `Sat, 13 Nov 2027 23:29:00 GMT`, always GMT (RFC 3261 §20.17).
public struct DateValue: Hashable, Sendable {
  /// Seconds since 1970-01-01 00:00:00 GMT.
  public var unixSeconds: Int64

  public init(unixSeconds: Int64) { self.unixSeconds = unixSeconds }

  private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
  private static let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

  public init?(parsing text: String) {
    let words = text.split { $0 == " " || $0 == "\t" || $0 == "," }
    guard words.count == 6, Self.weekdays.contains(words[0].lowercased()), let day = Int(words[1]), (1...31).contains(day),
      let month = Self.months.firstIndex(of: words[2].lowercased()), words[3].count == 4, let year = Int(words[3]), year >= 1900,
      words[5] == "GMT"
    else { return nil }
    let clock = words[4].split(separator: ":", omittingEmptySubsequences: false).compactMap { Int($0) }
    guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2]) else { return nil }
    unixSeconds = Self.days(year, month + 1, day) * 86_400 + Int64(clock[0] * 3_600 + clock[1] * 60 + clock[2])
  }

  /// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let era = year / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int64(era * 146_097 + dayOfEra - 719_468)
  }
}
