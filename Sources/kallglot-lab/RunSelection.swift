import SansIO

/// What the flags of `run` select, read from their text: a wrong value gets a sentence of its own.
enum RunSelection {
  /// More are a slip of the keyboard.
  private static let mostSeeds: UInt64 = 1_000_000

  /// A flag's whole number.
  static func number<Value: FixedWidthInteger>(_ text: String, _ flag: String, atLeast least: Value = 0) throws -> Value {
    guard let value = Value(text), !text.hasPrefix("+"), value >= least else {
      throw Complaint("\(flag) is '\(text)', expected a whole number from \(least) to \(Value.max)")
    }
    return value
  }

  /// What `--seed` or `--seeds` gives; 1 without them.
  static func seeds(seed: String?, seeds: String?) throws -> ClosedRange<UInt64> {
    if seed != nil, seeds != nil { throw Complaint("--seed and --seeds are both given, expected one of them") }
    if let seeds { return try Self.seeds(seeds) }
    let one: UInt64 = try seed.map { try number($0, "--seed") } ?? 1
    return one...one
  }

  /// `A..B`, both ends included.
  private static func seeds(_ text: String) throws -> ClosedRange<UInt64> {
    let parts = text.split(separator: "..", omittingEmptySubsequences: false)
    guard parts.count == 2, let first = UInt64(parts[0]), let last = UInt64(parts[1]), !text.contains("+") else {
      throw Complaint("--seeds is '\(text)', expected two whole numbers such as 1..200: the first seed and the last")
    }
    guard first <= last else { throw Complaint("--seeds is \(text), whose first seed is larger than its last: \(last)..\(first)?") }
    guard last - first < mostSeeds else {
      throw Complaint("--seeds is \(text), expected at most \(CountText.of(mostSeeds, "seed")) in a run")
    }
    return first...last
  }
}
