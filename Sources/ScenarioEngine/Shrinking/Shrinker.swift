import Impairments
import SansIO
import ScenarioModel

/// Makes a failing run smaller: first to the packets whose fates matter, then to the steps, by delta debugging (A. Zeller, R. Hildebrandt,
/// "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28, 2002).
///
/// ```
///   draws ──recorded──► all fates ──ddmin──► the fates that matter ──► fewer steps ──► the fates again ──► a file that fails by itself
/// ```
/// A smaller run counts only when it fails in the same way: by the same rule, at the same step, with the same words but for numbers.
public struct Shrinker {
  /// What came of it.
  public struct Shrunk: Sendable {
    public var fates: FatePlan
    /// What is left of the scenario's steps, by their places.
    public var steps: [Int]
    /// Packets with a fate of their own before.
    public var fatesBefore: Int
    public var stepsBefore: Int
    /// How many runs it took.
    public var runs: Int
    public var finding: Finding
    /// The scenario that is left.
    public var text: String
    /// Whether it fails with the standard seed too, or with the same seed alone.
    public var needsSeed: Bool
  }

  /// Why nothing came of it.
  public enum Refusal: Error, Hashable, Sendable {
    case didNotFail(Verdict)
    /// With its fates replayed it does not fail any more: they are not the reason.
    case notReplayed
    case notWritten
  }

  private let scenario: Scenario
  private let seed: UInt64
  private let budget: Int
  private var runs = 0
  private var wanted = ""
  private var entries: [(direction: FatePlan.Direction, number: Int, passage: Passage)] = []

  /// - Parameter budget: the most runs that are tried.
  public init(_ scenario: Scenario, seed: UInt64, budget: Int = 2_000) {
    (self.scenario, self.seed, self.budget) = (scenario, seed, budget)
  }

  public mutating func shrink() throws(Refusal) -> Shrunk {
    let first = VirtualRun.run(scenario, seed: seed, fates: .recorded)
    guard first.verdict == .failed, let finding = first.findings.first else { throw .didNotFail(first.verdict) }
    (wanted, entries) = (Self.signature(finding), first.fates?.entries ?? [])
    var (fates, steps) = (Array(entries.indices), Array(scenario.steps.indices))
    guard fails(fates, steps) else { throw .notReplayed }
    let known = fates.count
    fates = minimal(fates) { $0.fails($1, steps) }
    steps = minimal(steps) { $0.fails(fates, $1, asFile: true) }
    if steps.count < scenario.steps.count { fates = minimal(fates) { $0.fails($1, steps) } }
    return try shrunk(fates, steps, known)
  }

  private mutating func shrunk(_ fates: [Int], _ steps: [Int], _ known: Int) throws(Refusal) -> Shrunk {
    let plan = plan(fates)
    let last = run(fates, steps)
    guard let finding = last.findings.first else { throw .notReplayed }
    func text(_ more: [String]) -> String? {
      let note = ["What is left of \(scenario.name) with seed \(seed): \(finding.line)"] + more
      return scenario.written(fates: plan, steps: steps, note: note.map { $0.replacing("\n", with: " ") })
    }
    let needsSeed = text([]).map { !failsByItself($0, seed: 1) } ?? false
    guard let text = text(needsSeed ? ["Run it with --seed \(seed)."] : []), failsByItself(text, seed: needsSeed ? seed : 1) else {
      throw .notWritten
    }
    return Shrunk(
      fates: plan, steps: steps, fatesBefore: known, stepsBefore: scenario.steps.count, runs: runs, finding: finding, text: text,
      needsSeed: needsSeed)
  }

  // MARK: - Runs

  /// What makes two failures the same.
  private static func signature(_ finding: Finding) -> String {
    "\(finding.rule) | \(finding.step) | \(finding.observed.filter { !$0.isNumber })"
  }

  private func plan(_ fates: [Int]) -> FatePlan {
    var plan = FatePlan()
    for index in fates { plan.set(entries[index].direction, entries[index].number, entries[index].passage) }
    return plan
  }

  private mutating func run(_ fates: [Int], _ steps: [Int]) -> ScenarioResult {
    runs += 1
    var part = scenario
    part.steps = steps.map { scenario.steps[$0] }
    return VirtualRun.run(part, seed: seed, fates: .replayed(plan(fates)))
  }

  /// - Parameter asFile: what is left has to be readable too: no step may name what only one that is left out has made.
  private mutating func fails(_ fates: [Int], _ steps: [Int], asFile: Bool = false) -> Bool {
    if asFile {
      guard let text = scenario.written(fates: plan(fates), steps: steps, note: []) else { return false }
      return failsByItself(text, seed: seed)
    }
    let result = run(fates, steps)
    return result.verdict == .failed && result.findings.first.map(Self.signature) == wanted
  }

  private mutating func failsByItself(_ text: String, seed: UInt64) -> Bool {
    runs += 1
    guard let read = try? Scenario.read(text, file: scenario.file, name: scenario.name) else { return false }
    let result = VirtualRun.run(read, seed: seed)
    return result.verdict == .failed && result.findings.first.map(Self.signature) == wanted
  }

  // MARK: - Delta debugging

  /// The smallest part, as far as the budget goes, of which `fails` holds and of which no element can be left out.
  private mutating func minimal(_ whole: [Int], _ fails: (inout Self, [Int]) -> Bool) -> [Int] {
    if runs < budget, fails(&self, []) { return [] }
    var (part, pieces) = (whole, 2)
    while part.count > 1, runs < budget {
      let size = (part.count + pieces - 1) / pieces
      let chunks = stride(from: 0, to: part.count, by: size).map { $0..<min($0 + size, part.count) }
      var smaller: [Int]?
      for chunk in chunks where runs < budget {
        let rest = Array(part[..<chunk.lowerBound] + part[chunk.upperBound...])
        guard !rest.isEmpty, fails(&self, rest) else { continue }
        smaller = rest
        break
      }
      if let smaller {
        (part, pieces) = (smaller, max(2, pieces - 1))
      } else if pieces >= part.count {
        break
      } else {
        pieces = min(part.count, pieces * 2)
      }
    }
    return part
  }
}
