import Capture
import Decryption
import LiveNetwork
import SansIO
import ScenarioEngine
import ScenarioModel

/// One scenario in real time with its captures and its journal.
public struct LiveRun: Sendable {
  /// What a run may wait on the clock of the wall, unless somebody has the time.
  public static let budget: Duration = .seconds(10)

  /// Waits as long as the scenario does.
  public var isSlow: Bool
  /// Asked now and then while a run waits; it ends early then.
  public var isInterrupted: @Sendable () -> Bool = { false }
  /// The reason of a run that ended so.
  public static let interruption = "interrupted"
  /// Products that play members, by the members' names.
  public var peers: [String: PeerFile]
  /// Addresses of this machine for members that are ours, by the members' names; all others are in 127/8.
  public var addresses: [String: IPAddress] = [:]
  /// Whether captures have their secrets and clear twins.
  public var keepsSecrets = true

  public init(isSlow: Bool = false, peers: [String: PeerFile] = [:]) { (self.isSlow, self.peers) = (isSlow, peers) }

  /// Runs the scenario.
  ///
  /// - Parameters:
  ///   - folder: gets a pcapng a host and `journal.ndjson`; nil = nothing is written.
  ///   - observers: see every packet and record of the run besides; called on the run's loop.
  public func run(_ scenario: Scenario, folder: String? = nil, observers: [any JournalSink] = []) async -> ScenarioResult {
    guard scenario.isReadable else {
      return Self.result(scenario, .couldNotRun(scenario.mistakes.map(\.description).joined(separator: "\n")))
    }
    let started = ContinuousClock.now
    var result: ScenarioResult
    do {
      try checkTime(scenario)
      result = try await runOnSockets(scenario, folder, observers)
    } catch let failure as StageFailure {
      result = Self.result(scenario, failure)
    } catch {
      result = Self.result(scenario, .couldNotRun("\(error)"))
    }
    result.elapsed = ContinuousClock.now - started
    if result.live == nil { result.live = [] }
    return result
  }

  private func runOnSockets(_ scenario: Scenario, _ folder: String?, _ observers: [any JournalSink]) async throws -> ScenarioResult {
    let scenario = RunRecordings.prepared(scenario, folder: folder)
    let clock = LiveClock()
    let captures = folder.map { RunCaptures(folder: $0, epoch: clock.epoch, origin: .live, keepsSecrets: keepsSecrets) }
    let journal = folder.map { JournalFile(path: "\($0)/journal.ndjson") }
    let sinks: [any JournalSink] = (captures?.sinks ?? []) + (journal.map { [$0] } ?? [])
    let stage = try LiveStage(scenario, peers: peers, addresses: addresses, clock: clock, sinks: sinks + observers)
    stage.isInterrupted = isInterrupted
    var result = await stage.run()
    captures?.writeTwins()
    if let failure = RunRecordings.write(scenario, folder: folder) { result = Self.result(scenario, .couldNotRun(failure)) }
    if let failure = captures?.failure ?? journal?.failure { result = Self.result(scenario, .couldNotRun("\(failure)")) }
    (result.folder, result.captures, result.live) = (folder, captures?.paths ?? [], stage.places)
    return result
  }

  /// In virtual time it costs nothing to find out how long a scenario takes.
  private func checkTime(_ scenario: Scenario) throws(StageFailure) {
    guard !isSlow, scenario.virtualMeans.isEmpty else { return }
    let needed = VirtualRun.run(scenario, seed: 1).duration
    guard needed > Self.budget else { return }
    throw .notApplicable(
      "it takes \(needed.components.seconds) s, more than the \(Self.budget.components.seconds) s that a live run waits: --slow runs it")
  }

  private static func result(_ scenario: Scenario, _ failure: StageFailure) -> ScenarioResult {
    ScenarioResult(
      name: scenario.name, file: scenario.file, summary: scenario.summary, proves: scenario.proves, seed: 0, verdict: failure.verdict,
      reason: failure.reason)
  }
}
