/// Numbers with their nouns, for every text that people read: the one place that makes plurals.
public enum CountText {
  /// `1 file`, `2 files`, `1,204 packets`.
  ///
  /// - Parameter plural: where it is not the singular with an `s`.
  public static func of(_ count: some BinaryInteger, _ singular: String, _ plural: String? = nil) -> String {
    "\(grouped(count)) \(count == 1 ? singular : plural ?? singular + "s")"
  }

  /// `5178` as `5,178`.
  public static func grouped(_ number: some BinaryInteger) -> String {
    var text = ""
    for (index, digit) in String(number.magnitude).reversed().enumerated() {
      if index > 0, index.isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return (number < 0 ? "-" : "") + String(text.reversed())
  }

  /// Seconds with as many decimals as somebody reads: `0.002 s`, `0.57 s`, `5,178 s`.
  public static func seconds(_ duration: Duration) -> String {
    let (whole, attoseconds) = duration.components
    let micro = whole * 1_000_000 + attoseconds / 1_000_000_000_000
    if micro < 99_500 { return "\(decimal((micro + 500) / 1_000, places: 3)) s" }
    if micro < 99_995_000 { return "\(decimal((micro + 5_000) / 10_000, places: 2)) s" }
    return "\(grouped((micro + 500_000) / 1_000_000)) s"
  }

  private static func decimal(_ number: Int64, places: Int) -> String {
    let digits = String(number)
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return "\(padded.dropLast(places)).\(padded.suffix(places))"
  }
}
