import ArgumentParser
import Reports
import SansIO
import ScenarioModel

/// Which scenarios run, and with which seeds.
struct RunSelection: ParsableArguments {
  /// More are a slip of the keyboard.
  private static let mostSeeds: UInt64 = 1_000_000

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The run's seed: the same one gives the same run, byte for byte (default: 1).", valueName: "number"))
  var seed: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Instead: every scenario with every seed from A to B, and list those that do not always pass.", valueName: "A..B"))
  var seeds: String?

  @Option(
    name: .customLong("repeat"), parsing: .unconditional,
    help: ArgumentHelp(
      "Every scenario so many times: live ones that do not always pass are found, and a virtual one that is not the same again is void.",
      valueName: "number"))
  var repeats: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Only scenarios whose name contains this text.", valueName: "text"))
  var filter: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The I-th of N parts of the scenarios, for several machines; 'merge' combines the reports.", valueName: "I/N"))
  var shard: String?

  struct Selected {
    /// Those that run here.
    var scenarios: [Scenario]
    /// Those of all shards.
    var all: [Scenario]
    var shard: Shard?
    /// The place of each of `scenarios` in `all`.
    var positions: [Int]
  }

  func select(_ scenarios: [Scenario]) throws -> Selected {
    let part = try shard.map { try Self.shard($0) }
    let all = scenarios.filter(isSelected)
    guard !all.isEmpty else { throw Complaint("no scenario's name contains '\(filter ?? "")'") }
    let positions = part.map { $0.positions(of: all.map { [$0.name, $0.file] }) } ?? Array(all.indices)
    return Selected(scenarios: positions.map { all[$0] }, all: all, shard: part, positions: positions)
  }

  /// Of a file that cannot be read nobody knows the rows, so only what stands before the row counts.
  private func isSelected(_ scenario: Scenario) -> Bool {
    guard let filter else { return true }
    return scenario.name.contains(scenario.isReadable ? filter : String(filter.prefix { $0 != "[" }))
  }

  /// What `--seed`, `--seeds` and `--repeat` give; once with seed 1 without them.
  func series() throws -> RunSeries {
    if seed != nil, seeds != nil { throw Complaint("--seed and --seeds are both given, expected one of them") }
    if repeats != nil, seeds != nil { throw Complaint("--repeat and --seeds are both given, expected one of them") }
    if let seeds { return .seeds(try Self.range(seeds)) }
    let one: UInt64 = try seed.map { try FlagText.number($0, "--seed") } ?? 1
    guard let repeats else { return .once(seed: one) }
    let count: Int = try FlagText.number(repeats, "--repeat", atLeast: 1)
    guard count <= Self.mostSeeds else {
      throw Complaint("--repeat is \(repeats), expected at most \(CountText.of(Int(Self.mostSeeds), "run"))")
    }
    return count == 1 ? .once(seed: one) : .repeats(count, seed: one)
  }

  /// `A..B`, both ends included.
  private static func range(_ text: String) throws -> ClosedRange<UInt64> {
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

  /// `I/N`.
  private static func shard(_ text: String) throws -> Shard {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]), !text.contains("+") else {
      throw Complaint("--shard is '\(text)', expected two whole numbers such as 2/4: the second of four parts")
    }
    guard count >= 1 else { throw Complaint("--shard is \(text), expected at least 1 part") }
    guard let shard = Shard(index: index, of: count) else {
      throw Complaint("--shard is \(text), expected a part from 1/\(count) to \(count)/\(count)")
    }
    return shard
  }
}

/// Values of flags, read from their text: a wrong one gets a sentence of its own.
enum FlagText {
  static func number<Value: FixedWidthInteger>(_ text: String, _ flag: String, atLeast least: Value = 0) throws -> Value {
    guard let value = Value(text), !text.hasPrefix("+"), value >= least else {
      throw Complaint("\(flag) is '\(text)', expected a whole number from \(least) to \(Value.max)")
    }
    return value
  }
}
