import SIPMessage

extension NameAddress {
  /// `q` in thousandths; 1000 where it is missing or unreadable (RFC 3261 §20.10).
  var preference: Int {
    guard let text = parameters["q"] else { return 1_000 }
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first.flatMap({ Int($0) }), (0...1).contains(whole) else { return 1_000 }
    let digits = parts.count > 1 ? parts[1].prefix(3) : ""
    guard let fraction = Int((digits + "000").prefix(3)) else { return 1_000 }
    return min(whole * 1_000 + fraction, 1_000)
  }
}
