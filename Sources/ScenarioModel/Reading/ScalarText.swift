import SansIO

/// How quantities are written.
enum ScalarText {
  private static let units: [(String, Int64)] = [
    ("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("min", 60_000_000_000), ("h", 3_600_000_000_000), ("s", 1_000_000_000),
  ]

  /// Exact to the nanosecond: no floating point takes part.
  static func duration(_ text: String) -> Duration? {
    let trimmed = text.filter { $0 != " " }
    if trimmed == "0" { return .zero }
    for (unit, factor) in units where trimmed.hasSuffix(unit) {
      guard let (number, scale) = decimal(trimmed.dropLast(unit.count)) else { continue }
      let (product, overflow) = number.multipliedReportingOverflow(by: factor)
      return overflow ? nil : .nanoseconds(product / scale)
    }
    return nil
  }

  static func ratio(_ text: String) -> Ratio? {
    let trimmed = text.filter { $0 != " " }
    if trimmed == "0" { return .never }
    let parts = trimmed.split(separator: "/")
    if parts.count == 2, let over = UInt32(parts[0]), let under = UInt32(parts[1]), under > 0, over <= under {
      return Ratio(over, of: under)
    }
    guard trimmed.hasSuffix("%"), let (number, scale) = decimal(trimmed.dropLast()), number <= 100 * scale, scale <= 10_000_000 else {
      return nil
    }
    return number == 0 ? .never : Ratio(UInt32(number), of: UInt32(scale * 100))
  }

  /// `440 Hz`, or the number alone; what 40 ms of G.711 can tell apart.
  static func frequency(_ text: String) -> Int? {
    Int(text.replacing("Hz", with: "").filter { $0 != " " }).flatMap { (100...3_500).contains($0) ? $0 : nil }
  }

  /// `20000-20100`.
  static func ports(_ text: String) -> ClosedRange<UInt16>? {
    let parts = text.split(separator: "-").map { UInt16($0.filter { $0 != " " }) }
    guard parts.count == 2, let first = parts[0], let last = parts[1], first > 0, last > first else { return nil }
    return first...last
  }

  /// Pairs of hexadecimal digits; white space between them is ignored.
  static func hexadecimal(_ text: String) -> Bytes? {
    let digits = text.filter { !$0.isWhitespace }
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    var rest = digits[...]
    while !rest.isEmpty {
      guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    return Bytes(bytes)
  }

  /// `12.5` as 125 over 10.
  static func decimal(_ text: Substring) -> (Int64, Int64)? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), !text.isEmpty, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isNumber) }), text.count <= 15,
      let number = Int64(parts.joined())
    else { return nil }
    var scale: Int64 = 1
    if parts.count == 2 { for _ in parts[1] { scale *= 10 } }
    return (number, scale)
  }
}

/// Durations as users write them on a command line.
public enum DurationText {
  /// `5 s`, `800 ms`, `1.5 min`; nil for anything else.
  public static func read(_ text: String) -> Duration? { ScalarText.duration(text) }
}
